/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Eight bytes at a time, as in crc16.c: a search for headers in hostile bytes
 * has to check many that are long and none. */
#include "common/crc32.h"

#define CRC_TYPE uint32_t
#include "common/crc-table.h"

/* [k][i]: what byte i with k bytes of zero behind it leaves, polynomial
 * 0x04c11db7 reflected. */
static const uint32_t table[8][256] = {
  {CRC_ENTRIES (0x77073096, 0xee0e612c, 0x076dc419, 0x0edb8832,
          0x1db71064, 0x3b6e20c8, 0x76dc4190, 0xedb88320)},
  {CRC_ENTRIES (0x191b3141, 0x32366282, 0x646cc504, 0xc8d98a08,
          0x4ac21251, 0x958424a2, 0xf0794f05, 0x3b83984b)},
  {CRC_ENTRIES (0x01c26a37, 0x0384d46e, 0x0709a8dc, 0x0e1351b8,
          0x1c26a370, 0x384d46e0, 0x709a8dc0, 0xe1351b80)},
  {CRC_ENTRIES (0xb8bc6765, 0xaa09c88b, 0x8f629757, 0xc5b428ef,
          0x5019579f, 0xa032af3e, 0x9b14583d, 0xed59b63b)},
  {CRC_ENTRIES (0x3d6029b0, 0x7ac05360, 0xf580a6c0, 0x30704bc1,
          0x60e09782, 0xc1c12f04, 0x58f35849, 0xb1e6b092)},
  {CRC_ENTRIES (0xcb5cd3a5, 0x4dc8a10b, 0x9b914216, 0xec53826d,
          0x03d6029b, 0x07ac0536, 0x0f580a6c, 0x1eb014d8)},
  {CRC_ENTRIES (0xa6770bb4, 0x979f1129, 0xf44f2413, 0x33ef4e67,
          0x67de9cce, 0xcfbd399c, 0x440b7579, 0x8816eaf2)},
  {CRC_ENTRIES (0xccaa009e, 0x4225077d, 0x844a0efa, 0xd3e51bb5,
          0x7cbb312b, 0xf9766256, 0x299dc2ed, 0x533b85da)}
};

uint32_t
walloc_crc32 (const uint8_t * data, size_t size)
{
  uint32_t crc = 0xffffffffu;

  for (; size >= 8; size -= 8, data += 8)
    crc = table[7][data[0] ^ (crc & 255)] ^
        table[6][data[1] ^ (crc >> 8 & 255)] ^
        table[5][data[2] ^ (crc >> 16 & 255)] ^ table[4][data[3] ^ crc >> 24] ^
        table[3][data[4]] ^ table[2][data[5]] ^ table[1][data[6]] ^
        table[0][data[7]];
  for (; size > 0; size--, data++)
    crc = crc >> 8 ^ table[0][(crc ^ *data) & 255];
  return ~crc;
}
