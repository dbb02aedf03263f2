/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Part of strip_template.h: coefficients of one row of the grid to quantised
 * latents. */
#include "bottleneck/quantiser.h"

static void
pair (const int16_t * a, const int16_t * b, int16_t * out)
{
  v_store_pair (out, v_loadu (a), v_loadu (b));
}

#define CHANNELS WALLOC_STRIP_CHANNELS

/* Cells right of the plane must stay as they are. */
WALLOC_INLINE void
put_columns (int16_t * to, vec a, unsigned count)
{
  int16_t part[LANES];

  if (count == LANES) {
    v_storeu (to, a);
    return;
  }
  v_storeu (part, a);
  memcpy (to, part, count * sizeof *to);
}

static void
project (const walloc_strip_group * group, const int16_t * coefs,
    int16_t * out, int16_t * fine, size_t plane_stride, unsigned count)
{
  const int32_t *weights = group->weights;
  const int16_t *pairs;
  const size_t place = (size_t) WALLOC_STRIP_ROWS * 2 * LANES;
  wide low[CHANNELS], high[CHANNELS];
  unsigned c, i, s;

  coefs += group->first_slot * place;
  for (c = 0; c < group->channels; c += CHANNELS) {
    UNROLL for (i = 0; i < CHANNELS; i++)
      low[i] = high[i] = w_zero ();
    pairs = coefs;
    for (s = 0; s < group->slots; s++, pairs += place, weights += CHANNELS) {
      vec p0 = v_load (pairs), p1 = v_load (pairs + LANES);

      UNROLL for (i = 0; i < CHANNELS; i++)
        v_dot (&low[i], &high[i], p0, p1, w_weight (weights + i));
    }
    for (i = 0; i < CHANNELS && c + i < group->channels; i++) {
      unsigned channel = group->channel[c + i];
      const walloc_quantiser *z = &group->quantisers[channel];
      int32_t round = 1 << (z->down - 1);
      size_t to = channel * plane_stride;
      wide l = low[i], h = high[i];

      if (fine != NULL)
        put_columns (fine + to, w_pack (w_shift (w_add (l, w_splat (4 *
                            round)), z->down + 2), w_shift (w_add (h,
                        w_splat (4 * round)), z->down + 2)), count);
      l = w_shift (w_add (l, w_splat (round)), z->down);
      h = w_shift (w_add (h, w_splat (round)), z->down);
      /* saturation keeps signs */
      put_columns (out + to, v_signed (w_pack (w_level (l, 98303, z->factor,
                      z->offset, z->shift), w_level (h, 98303, z->factor,
                      z->offset, z->shift)), 16383, w_pack (l, h)), count);
    }
  }
}
