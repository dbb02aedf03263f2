/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Eight bytes at a time: a checksum is linear, so what eight bytes add is the
 * exclusive or of what each adds on its own, and those eight look-ups do not
 * wait for each other as those of one byte after another do. */
#include "common/crc16.h"

#define CRC_TYPE uint16_t
#include "common/crc-table.h"

/* [k][i]: what byte i with k bytes of zero behind it leaves, polynomial 0x1021
 * reflected. */
static const uint16_t table[8][256] = {
  {CRC_ENTRIES (0x1189, 0x2312, 0x4624, 0x8c48, 0x1081, 0x2102,
          0x4204, 0x8408)},
  {CRC_ENTRIES (0x19d8, 0x33b0, 0x6760, 0xcec0, 0x9591, 0x2333,
          0x4666, 0x8ccc)},
  {CRC_ENTRIES (0x5adc, 0xb5b8, 0x6361, 0xc6c2, 0x8595, 0x033b,
          0x0676, 0x0cec)},
  {CRC_ENTRIES (0x1cbb, 0x3976, 0x72ec, 0xe5d8, 0xc3a1, 0x8f53,
          0x16b7, 0x2d6e)},
  {CRC_ENTRIES (0x0b44, 0x1688, 0x2d10, 0x5a20, 0xb440, 0x6091,
          0xc122, 0x8a55)},
  {CRC_ENTRIES (0x042b, 0x0856, 0x10ac, 0x2158, 0x42b0, 0x8560,
          0x02d1, 0x05a2)},
  {CRC_ENTRIES (0x9fd5, 0x37bb, 0x6f76, 0xdeec, 0xb5c9, 0x6383,
          0xc706, 0x861d)},
  {CRC_ENTRIES (0x81bf, 0x0b6f, 0x16de, 0x2dbc, 0x5b78, 0xb6f0,
          0x65f1, 0xcbe2)}
};

uint16_t
walloc_crc16 (const uint8_t * data, size_t size)
{
  uint32_t crc = 0xffff;

  for (; size >= 8; size -= 8, data += 8)
    crc = (uint32_t) (table[7][data[0] ^ (crc & 255)] ^
        table[6][data[1] ^ crc >> 8] ^ table[5][data[2]] ^ table[4][data[3]] ^
        table[3][data[4]] ^ table[2][data[5]] ^ table[1][data[6]] ^
        table[0][data[7]]);
  for (; size > 0; size--, data++)
    crc = crc >> 8 ^ table[0][(crc ^ *data) & 255];
  return (uint16_t) (crc ^ 0xffff);
}
