/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Little-endian numbers, read and written bytewise: streams and files are not
 * aligned and the host may be of either order. Internal. */
#ifndef WALLOC_COMMON_BYTES_H
#define WALLOC_COMMON_BYTES_H

#include <stdint.h>

static inline uint16_t
walloc_get_u16 (const uint8_t * p)
{
  return (uint16_t) (p[0] | p[1] << 8);
}

static inline uint32_t
walloc_get_u32 (const uint8_t * p)
{
  return (uint32_t) p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 |
      (uint32_t) p[3] << 24;
}

static inline uint64_t
walloc_get_u64 (const uint8_t * p)
{
  return walloc_get_u32 (p) | (uint64_t) walloc_get_u32 (p + 4) << 32;
}

static inline void
walloc_put_u16 (uint8_t * p, uint32_t v)
{
  p[0] = (uint8_t) v;
  p[1] = (uint8_t) (v >> 8);
}

static inline void
walloc_put_u32 (uint8_t * p, uint32_t v)
{
  walloc_put_u16 (p, v);
  walloc_put_u16 (p + 2, v >> 16);
}

static inline void
walloc_put_u64 (uint8_t * p, uint64_t v)
{
  walloc_put_u32 (p, (uint32_t) v);
  walloc_put_u32 (p + 4, (uint32_t) (v >> 32));
}

#endif
