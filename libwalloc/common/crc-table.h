/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables of checksums at compile time. A checksum is linear: the entry of a
 * byte is the exclusive or of those of its bits. Internal.
 *
 * The file that includes this defines CRC_TYPE, the type of an entry. */
#ifndef WALLOC_COMMON_CRC_TABLE_H
#define WALLOC_COMMON_CRC_TABLE_H

/* 256 entries from those of the bytes with one bit set. */
#define CRC_ADD_1(v, a) (CRC_TYPE) (v), (CRC_TYPE) ((v) ^ (a))
#define CRC_ADD_2(v, a, b) CRC_ADD_1 (v, a), CRC_ADD_1 ((v) ^ (b), a)
#define CRC_ADD_3(v, a, b, c) CRC_ADD_2 (v, a, b), CRC_ADD_2 ((v) ^ (c), a, b)
#define CRC_ADD_4(v, a, b, c, d) CRC_ADD_3 (v, a, b, c), CRC_ADD_3 ((v) ^ (d), a, b, c)
#define CRC_ADD_5(v, a, b, c, d, e) \
  CRC_ADD_4 (v, a, b, c, d), CRC_ADD_4 ((v) ^ (e), a, b, c, d)
#define CRC_ADD_6(v, a, b, c, d, e, f) \
  CRC_ADD_5 (v, a, b, c, d, e), CRC_ADD_5 ((v) ^ (f), a, b, c, d, e)
#define CRC_ADD_7(v, a, b, c, d, e, f, g) \
  CRC_ADD_6 (v, a, b, c, d, e, f), CRC_ADD_6 ((v) ^ (g), a, b, c, d, e, f)
#define CRC_ENTRIES(a, b, c, d, e, f, g, h) \
  CRC_ADD_7 (0, a, b, c, d, e, f, g), CRC_ADD_7 (h, a, b, c, d, e, f, g)

#endif
