/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The checksum of frame headers. Own code, because the library also builds
 * where there is no zlib. Internal. */
#ifndef WALLOC_COMMON_CRC32_H
#define WALLOC_COMMON_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 as in Ethernet and zlib (IEEE 802.3) of size bytes. */
uint32_t walloc_crc32 (const uint8_t * data, size_t size);

#endif
