/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The checksum of slices. Internal. */
#ifndef WALLOC_COMMON_CRC16_H
#define WALLOC_COMMON_CRC16_H

#include <stddef.h>
#include <stdint.h>

/* CRC-16 as in X.25 and HDLC (ISO/IEC 13239: polynomial 0x1021 reflected,
 * initial and final inversion) of size bytes. Written little-endian behind
 * them it finds every odd number of wrong bits and every burst of up to 16
 * bits in any size; any two wrong bits up to 4093 bytes; of all else 1 in
 * 65536 goes unnoticed. */
uint16_t walloc_crc16 (const uint8_t * data, size_t size);

#endif
