/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/crc32.h"

/* What four zero bits shifted out of i add: polynomial 0x04c11db7 reflected.
 * Headers are short, so sixteen entries that stay in one cache line beat the
 * usual 256. */
static const uint32_t nibble[16] = {
  0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
  0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
  0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
  0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c
};

uint32_t
walloc_crc32 (const uint8_t * data, size_t size)
{
  uint32_t crc = 0xffffffffu;
  size_t i;

  for (i = 0; i < size; i++) {
    crc ^= data[i];
    crc = crc >> 4 ^ nibble[crc & 15];
    crc = crc >> 4 ^ nibble[crc & 15];
  }
  return ~crc;
}
