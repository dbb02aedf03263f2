/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the strip kernels of one instruction set make of a plane, and the same
 * arithmetic written again from docs/design/integer-transform.md, wide enough
 * to see what leaves 16 bits. */
#ifndef STRIP_REFERENCE_H
#define STRIP_REFERENCE_H

#include "strip-util.h"

/* A projection of weight 8 on one coefficient and a shift by 3: what the
 * kernel made, whatever its layout. */
static void
strip_coefs (strip_run * r, unsigned slot, unsigned odd, unsigned y,
    unsigned count, int16_t * out)
{
  static const uint16_t channel = 0;
  static const walloc_quantiser z = { 0, 0, 31, 1 };
  int16_t weights[2 * WALLOC_STRIP_CHANNELS] = { 0 }, ignored[32];
  int32_t pairs[WALLOC_STRIP_CHANNELS];
  walloc_strip_group group = { 1, slot, 1, &channel, pairs, &z };

  weights[odd] = 8;
  memcpy (pairs, weights, sizeof pairs);
  r->k->project (&group, r->coefs + y * 2 * r->k->lanes, ignored, out, 0,
      count);
}

/* Channel of bands h and v: their bits in turn, the width's first. */
static unsigned
strip_channel (unsigned h, unsigned v)
{
  unsigned c = 0, i;

  for (i = 0; i < 3; i++)
    c |= (h >> i & 1) << (2 * i + 1) | (v >> i & 1) << (2 * i);
  return c;
}

/* Rows [first, end) of latents of a w by h plane of u8 or s16 samples, in
 * strips of step rows, to out[(channel * gh + y) * gw + x]. s16 rows are
 * in_stride = whole groups apart. */
static void
strip_plane (strip_run * r, const uint8_t * u8, const int16_t * s16,
    size_t in_stride, size_t w, size_t h, unsigned first, unsigned end,
    unsigned step, int16_t * out)
{
  unsigned lanes = r->k->lanes, row, source, to, y, b, u, odd, c, n;
  walloc_strip_schedule z;
  size_t x;

  walloc_strip_start (&z, r->plane.levels, (unsigned) r->gh, first);
  while (z.output_end < end) {
    to = z.output_end + step < end ? z.output_end + step : end;
    walloc_strip_advance (&z, to);
    for (row = z.input; row < z.input_end; row++) {
      source = row < h ? row : (unsigned) h - 1;
      strip_row (r, u8 != NULL ? u8 + source * in_stride : NULL,
          s16 != NULL ? s16 + source * in_stride : NULL, w, row - z.input);
    }
    for (x = 0; x < r->gw; x += lanes) {
      n = r->gw - x < lanes ? (unsigned) (r->gw - x) : lanes;
      r->k->vertical (&r->plane, &z, r->rows + x, r->stride, r->state + x,
          r->coefs);
      for (y = z.output; y < z.output_end; y++)
        for (b = 0; b < r->plane.phases; b++)
          for (u = 0; u < 1u << (r->plane.levels - 1); u++) {
            if ((r->plane.pairs[b] >> u & 1) == 0)
              continue;
            for (odd = 0; odd < 2; odd++) {
              c = strip_channel (b, 2 * u + odd);
              strip_coefs (r, r->plane.slot[b][u], odd, y - z.output, n,
                  out + (c * r->gh + y) * r->gw + x);
            }
          }
    }
  }
}

/* ---- the reference ---- */

static long reference_extreme;  /* greatest magnitude it met */

static int32_t
seen (int64_t v)
{
  long a = (long) (v < 0 ? -v : v);

  reference_extreme = a > reference_extreme ? a : reference_extreme;
  return (int32_t) v;
}

static int32_t
product (int32_t a, int32_t q15)
{
  int64_t v = (int64_t) a * q15 + 16384;

  return (int32_t) (v >= 0 ? v / 32768 : -((-v + 32767) / 32768));
}

/* One pass over n values; halved: high-pass values at half scale. */
static void
reference_line (const int32_t * x, size_t n, int32_t * low, int32_t * high,
    int halved)
{
  const int32_t beta = halved ? -3472 : -1736, gamma = halved ? 14466 : 28931;
  const int32_t delta = halved ? 29066 : 14533;
  size_t half = n / 2, k;
  int32_t *d = strip_memory (half * 4), *s = strip_memory (half * 4);

  for (k = 0; k < half; k++) {
    int32_t sum = seen (x[2 * k] + x[k + 1 < half ? 2 * k + 2 : 2 * k]);

    d[k] = seen (halved ? product (x[2 * k + 1], 16384)
        + product (sum, -25987) : x[2 * k + 1] - sum + product (sum, -19206));
  }
  for (k = 0; k < half; k++)
    s[k] = seen (x[2 * k] + product (d[k > 0 ? k - 1 : 0], beta)
        + product (d[k], beta));
  for (k = 0; k < half; k++)
    high[k] = seen (d[k] + product (s[k], gamma)
        + product (s[k + 1 < half ? k + 1 : k], gamma));
  for (k = 0; k < half; k++)
    low[k] = seen (s[k] + product (seen (high[k > 0 ? k - 1 : 0] + high[k]),
            delta));
  free (d);
  free (s);
}

/* All levels of a line of n values, in place: band b of 2^levels, of m =
 * n / 2^levels values each, at line[b * m]. along_width: full scale but at
 * the last level. scale: of the first level (along the height). */
static void
reference_levels (int32_t * line, size_t n, unsigned levels, int along_width,
    walloc_strip_scale scale)
{
  int32_t *to = strip_memory (n * 4);
  unsigned l, b;
  size_t i;

  for (l = 0; l < levels; l++) {
    size_t m = n >> l;

    for (b = 0; b < 1u << l; b++)
      reference_line (line + b * m, m, to + b * m, to + b * m + m / 2,
          !along_width || l + 1 == levels);
    if (l == 0 && scale != WALLOC_STRIP_PLAIN)
      for (i = 0; i < n / 2; i++) {
        to[i] = product (to[i], scale == WALLOC_STRIP_444 ? 21653 : 26637);
        if (scale == WALLOC_STRIP_422)
          to[n / 2 + i] = seen (to[n / 2 + i] + product (to[n / 2 + i], 7542));
      }
    memcpy (line, to, n * 4);
  }
  free (to);
}

/* in: whole groups, phases * gw by 2^levels * gh; out as strip_plane(). */
static void
reference_plane (const int32_t * in, size_t gw, size_t gh, unsigned phases,
    unsigned levels, walloc_strip_scale scale, int32_t * out)
{
  size_t w = gw * phases, h = gh << levels, x, y;
  int32_t *rows = strip_memory (w * h * 4), *column = strip_memory (h * 4);
  unsigned b;

  memcpy (rows, in, w * h * 4);
  for (y = 0; y < h; y++)
    reference_levels (rows + y * w, w, phases == 8 ? 3 : 2, 1,
        WALLOC_STRIP_PLAIN);
  for (x = 0; x < w; x++) {
    b = (unsigned) (x / gw);
    for (y = 0; y < h; y++)
      column[y] = rows[y * w + x];
    reference_levels (column, h, levels, 0, scale == WALLOC_STRIP_444 &&
        b >= 4 ? WALLOC_STRIP_PLAIN : scale);
    for (y = 0; y < h; y++)
      out[(strip_channel (b, (unsigned) (y / gh)) * gh + y % gh) * gw +
          x % gw] = column[y];
  }
  free (rows);
  free (column);
}

#endif
