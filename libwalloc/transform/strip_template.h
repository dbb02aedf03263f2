/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder's hot loops, written once for all instruction sets: a file that
 * includes this has included its simd_*.h before and defines KERNELS, the
 * name of the table, and ISA, its text. Internal.
 *
 * One lifting pass, for pairs (e, o) of even and odd samples; mul is a product
 * with a Q15 coefficient, rounded half up:
 *   d[k] = full: o - t + mul (t, alpha + 1), half: mul (o, 1/2) + mul (t,
 *          alpha / 2), with t = e[k] + e[k + 1]
 *   s[k] = e[k] + mul (d[k - 1], beta) + mul (d[k], beta)
 *   high[k] = d[k] + mul (s[k], gamma) + mul (s[k + 1], gamma)
 *   low[k] = s[k] + mul (high[k - 1] + high[k], delta)
 * docs/design/integer-transform.md proves that nothing leaves 16 bits. */
#include <stddef.h>
#include <string.h>

#include "bottleneck/quantiser.h"
#include "transform/strip.h"

/* Q15. At half scale high-pass values are kept halved. */
#define HALF_ALPHA (-25987)     /* alpha / 2 */
#define HALF_BETA (-3472)       /* beta * 2 */
#define HALF_GAMMA 14466        /* gamma / 2 */
#define HALF_DELTA 29066        /* delta * 2 */
#define FULL_ALPHA (-19206)     /* alpha + 1 */
#define FULL_BETA (-1736)
#define FULL_GAMMA 28931
#define FULL_DELTA 14533

/* 2^15 / K^2, 2^15 / K, 2^15 (K - 1) */
#define SCALE_444 21653
#define SCALE_422_LOW 26637
#define SCALE_422_HIGH 7542

#if defined(__clang__)
# define UNROLL _Pragma ("clang loop unroll(full)")
#else
# define UNROLL _Pragma ("GCC unroll 8")
#endif

/* All ones in the element of the last group and zeros elsewhere, from the
 * right place in here. */
static const int16_t one_lane[2 * LANES] = {[LANES] = -1 };

/* ---- samples to phases ---- */

WALLOC_INLINE void
store_phases (const vec * v, unsigned phases, int16_t * out, size_t stride)
{
  unsigned p;

  UNROLL for (p = 0; p < phases; p++)
    v_store (out + p * stride, v[p]);
}

WALLOC_INLINE void
split_plane (const uint8_t * in, size_t n, size_t groups, unsigned phases,
    int16_t * out, size_t stride)
{
  size_t block = (size_t) LANES * phases, left;
  uint8_t tail[LANES * 8];
  vec v[8];

  for (; groups > 0; in += block, n -= block, out += LANES) {
    left = groups < LANES ? groups : LANES;
    groups -= left;
    if (n < block) {
      memcpy (tail, in, n);
      memset (tail + n, tail[n - 1], sizeof tail - n);
      in = tail;
      n = block;
    }
    if (phases == 8)
      v_split_8 (in, v);
    else
      v_split_4 (in, v);
    store_phases (v, phases, out, stride);
  }
}

static void
split_u8 (const uint8_t * in, size_t n, size_t groups, unsigned phases,
    int16_t * out, size_t stride)
{
  if (phases == 8)
    split_plane (in, n, groups, 8, out, stride);
  else
    split_plane (in, n, groups, 4, out, stride);
}

static void
split_u8_pairs (const uint8_t * in, size_t n, size_t groups, int16_t * a,
    int16_t * b, size_t stride)
{
  uint8_t tail[LANES * 8];
  unsigned p;
  size_t i;
  vec v[8];

  for (; groups > 0; in += LANES * 8, n -= LANES * 4, a += LANES, b += LANES) {
    groups -= groups < LANES ? groups : LANES;
    if (n < LANES * 4) {
      memcpy (tail, in, 2 * n);
      for (i = 2 * n; i < sizeof tail; i++)
        tail[i] = tail[i - 2];
      in = tail;
      n = LANES * 4;
    }
    v_split_8 (in, v);
    UNROLL for (p = 0; p < 4; p++) {
      v_store (a + p * stride, v[2 * p]);
      v_store (b + p * stride, v[2 * p + 1]);
    }
  }
}

static void
split_s16 (const int16_t * in, size_t groups, unsigned phases, int16_t * out,
    size_t stride)
{
  size_t x;
  unsigned p;
  vec v[8];

  /* chroma of shrunken pictures only */
  for (p = 0; p < phases && phases != 8; p++)
    for (x = 0; x < groups; x++)
      out[p * stride + x] = in[phases * x + p];
  for (x = 0; x < groups && phases == 8; x += LANES) {
    v_split_16 (in + 8 * x, v);
    store_phases (v, 8, out + x, stride);
  }
}

WALLOC_INLINE void
mix_block (const uint8_t * in, unsigned step, const vec w[6], int16_t * y,
    int16_t * cb, int16_t * cr)
{
  vec low, high;

  v_pixels (in, step, &low, &high);
  v_storeu (y, v_sub (w_pack (w_mix (low, w[0], w[1]), w_mix (high, w[0],
                  w[1])), v_splat (128 << 4)));
  v_storeu (cb, w_pack (w_mix (low, w[2], w[3]), w_mix (high, w[2], w[3])));
  v_storeu (cr, w_pack (w_mix (low, w[4], w[5]), w_mix (high, w[4], w[5])));
}

static void
mix_rgb (const uint8_t * in, unsigned step, const int16_t coefs[3][4],
    size_t n, int16_t * y, int16_t * cb, int16_t * cr)
{
  /* a block may read two pixels more than it has */
  uint8_t tail[(LANES + 2) * 4] = { 0 };
  int16_t pairs[LANES];
  unsigned i, p;
  vec w[6];
  size_t x = 0;

  for (p = 0; p < 6; p++) {
    for (i = 0; i < LANES; i += 2) {
      pairs[i] = coefs[p / 2][p % 2];
      pairs[i + 1] = coefs[p / 2][p % 2 + 2];
    }
    w[p] = v_loadu (pairs);
  }
  if (step == 3)
    for (; x + LANES + 2 <= n; x += LANES)
      mix_block (in + 3 * x, 3, w, y + x, cb + x, cr + x);
  else
    for (; x + LANES + 2 <= n; x += LANES)
      mix_block (in + 4 * x, 4, w, y + x, cb + x, cr + x);
  for (; x < n; x += LANES) {
    memcpy (tail, in + step * x, step * (n - x < LANES ? n - x : LANES));
    mix_block (tail, step, w, y + x, cb + x, cr + x);
  }
}

/* ---- along the width ---- */

/* What is known of a block of columns before the next one. Pairs 0 and J - 1
 * of J reach into the blocks beside it. */
typedef struct
{
  vec d, s, s_first, high_first, high_before, ms_first, ms;
} block_rest;

/* The end of a block: ms_next is mul (s, gamma) of the first pair one group
 * further. before is the last high of the block before it. */
WALLOC_INLINE vec
finish_block (const block_rest * r, vec ms_next, vec before, int first,
    unsigned n, vec delta, int16_t * low, int16_t * high, size_t stride)
{
  vec h = v_add (v_add (r->d, r->ms), ms_next), left;
  unsigned last = n / 2 - 1;

  if (first)
    before = v_first (last > 0 ? r->high_first : h);
  left = v_left (before, h);
  if (last > 0) {
    v_store (low, v_add (r->s_first, v_mul (v_add (left, r->high_first),
                delta)));
    v_store (low + last * stride, v_add (r->s, v_mul (v_add (r->high_before,
                    h), delta)));
  } else {
    v_store (low, v_add (r->s, v_mul (v_add (left, h), delta)));
  }
  if (high != NULL)
    v_store (high + last * stride, h);
  return h;
}

/* One pass: n phases to n / 2 phases of each band. high may be NULL. */
WALLOC_INLINE void
line_pass (int16_t * x, size_t stride, size_t groups, unsigned n, int half,
    int16_t * low, int16_t * high)
{
  const vec beta = v_splat (half ? HALF_BETA : FULL_BETA);
  const vec gamma = v_splat (half ? HALF_GAMMA : FULL_GAMMA);
  const vec delta = v_splat (half ? HALF_DELTA : FULL_DELTA);
  const vec alpha = v_splat (half ? HALF_ALPHA : FULL_ALPHA);
  const vec end = v_loadu (one_lane + LANES - (groups - 1) % LANES);
  vec e[5], d[4], md[4], s[4], ms[4], h[4], md_before = v_zero (), t;
  vec before = v_zero ();
  unsigned pairs = n / 2, j;
  block_rest rest = { 0 };
  size_t i;

  /* the even sample beyond the end is the last one */
  x[groups] = x[(n - 2) * stride + groups - 1];
  for (i = 0; i < groups; i += LANES) {
    UNROLL for (j = 0; j < pairs; j++)
      e[j] = v_load (x + 2 * j * stride + i);
    e[pairs] = v_loadu (x + i + 1);
    UNROLL for (j = 0; j < pairs; j++) {
      vec o = v_load (x + (2 * j + 1) * stride + i);

      t = v_add (e[j], e[j + 1]);
      if (half)
        d[j] = v_add (v_mul (o, v_splat (1 << 14)), v_mul (t, alpha));
      else
        d[j] = v_add (v_sub (o, t), v_mul (t, alpha));
      md[j] = v_mul (d[j], beta);
    }
    if (i == 0)
      md_before = v_first (md[0]);
    UNROLL for (j = 0; j < pairs; j++) {
      t = j > 0 ? md[j - 1] : v_left (md_before, md[pairs - 1]);
      s[j] = v_add (v_add (e[j], t), md[j]);
      ms[j] = v_mul (s[j], gamma);
    }
    md_before = md[pairs - 1];
    UNROLL for (j = 0; j + 1 < pairs; j++) {
      h[j] = v_add (v_add (d[j], ms[j]), ms[j + 1]);
      if (high != NULL)
        v_store (high + j * stride + i, h[j]);
      if (j > 0)
        v_store (low + j * stride + i, v_add (s[j], v_mul (v_add (h[j - 1],
                        h[j]), delta)));
    }
    if (i > 0)
      before = finish_block (&rest, v_right (rest.ms_first, ms[0]), before,
          i == LANES, n, delta, low + i - LANES,
          high != NULL ? high + i - LANES : NULL, stride);
    rest.d = d[pairs - 1];
    rest.s = s[pairs - 1];
    rest.ms = ms[pairs - 1];
    rest.ms_first = ms[0];
    if (pairs > 1) {
      rest.s_first = s[0];
      rest.high_first = h[0];
      rest.high_before = h[pairs - 2];
    }
  }
  /* beyond the last group, s is that of the last pair */
  t = v_select (end, v_right (rest.ms_first, rest.ms_first), rest.ms);
  finish_block (&rest, t, before, i == LANES, n, delta, low + i - LANES,
      high != NULL ? high + i - LANES : NULL, stride);
}

/* The last two levels: 4 phases to 4 bands; used: bits of the 4. */
static void
line_two (int16_t * x, int16_t * tmp, size_t stride, size_t groups,
    unsigned used, int16_t * out)
{
  line_pass (x, stride, groups, 4, 0, tmp, (used & 12) != 0 ?
      tmp + 2 * stride : NULL);
  if ((used & 3) != 0)
    line_pass (tmp, stride, groups, 2, 1, out, (used & 2) != 0 ?
        out + stride : NULL);
  if ((used & 12) != 0)
    line_pass (tmp + 2 * stride, stride, groups, 2, 1, out + 2 * stride,
        (used & 8) != 0 ? out + 3 * stride : NULL);
}

static void
horizontal (int16_t * x, int16_t * tmp, size_t stride, size_t groups,
    unsigned phases, unsigned used, int16_t * out)
{
  if (phases == 4) {
    line_two (x, tmp, stride, groups, used, out);
    return;
  }
  if ((used & 0xf0) != 0)
    line_pass (x, stride, groups, 8, 0, tmp, tmp + 4 * stride);
  else
    line_pass (x, stride, groups, 8, 0, tmp, NULL);
  if ((used & 15) != 0)
    line_two (tmp, x, stride, groups, used & 15, out);
  if ((used & 0xf0) != 0)
    line_two (tmp + 4 * stride, x, stride, groups, used >> 4,
        out + 4 * stride);
}

/* ---- along the height ---- */

typedef struct
{
  vec e, md, p, s, h;           /* p = d + mul (s, gamma) */
} column;

/* Where the rows of a pass come from, and what is made of them. */
typedef struct
{
  const int16_t *in;
  size_t in_stride;
  int16_t *low, *high;          /* NULL: not wanted */
  size_t out_stride;
  int16_t *pairs;               /* in place of both: coefficients */
  walloc_strip_scale scale;
  int halved_low;               /* the scale is for this band */
} pass;

WALLOC_INLINE void
put (pass * a, vec low, vec high, int paired, walloc_strip_scale scale)
{
  if (paired) {
    v_store_pair (a->pairs, low, high);
    a->pairs += 2 * LANES;
    return;
  }
  if (scale == WALLOC_STRIP_444)
    low = v_mul (low, v_splat (SCALE_444));
  if (scale == WALLOC_STRIP_422) {
    low = v_mul (low, v_splat (SCALE_422_LOW));
    high = v_add (high, v_mul (high, v_splat (SCALE_422_HIGH)));
  }
  if (a->low != NULL) {
    v_store (a->low, low);
    a->low += a->out_stride;
  }
  if (a->high != NULL) {
    v_store (a->high, high);
    a->high += a->out_stride;
  }
}

/* Step k with the next two rows; mirror: the second is the first again. */
WALLOC_INLINE void
step_rows (pass * a, column * c, int mirror, int top, int top_2, int write,
    int paired, walloc_strip_scale scale)
{
  const vec gamma = v_splat (HALF_GAMMA);
  vec o = v_load (a->in), e_next = c->e, d, md, s, ms, h, low;

  a->in += a->in_stride;
  if (!mirror) {
    e_next = v_load (a->in);
    a->in += a->in_stride;
  }
  d = v_add (v_mul (o, v_splat (1 << 14)), v_mul (v_add (c->e, e_next),
          v_splat (HALF_ALPHA)));
  md = v_mul (d, v_splat (HALF_BETA));
  s = v_add (v_add (c->e, top ? md : c->md), md);
  ms = v_mul (s, gamma);
  h = v_add (c->p, ms);
  low = v_add (c->s, v_mul (v_add (top_2 ? h : c->h, h), v_splat (HALF_DELTA)));
  if (write)
    put (a, low, h, paired, scale);
  c->e = e_next;
  c->md = md;
  c->s = s;
  c->p = v_add (d, ms);
  c->h = h;
}

/* The last row of a band: s below the end is that of the last pair. */
WALLOC_INLINE void
step_end (pass * a, column * c, int single, int write, int paired,
    walloc_strip_scale scale)
{
  vec h = v_add (c->p, v_mul (c->s, v_splat (HALF_GAMMA)));

  if (write)
    put (a, v_add (c->s, v_mul (v_add (single ? h : c->h, h),
                v_splat (HALF_DELTA))), h, paired, scale);
}

WALLOC_INLINE void
column_pass (pass * a, const walloc_strip_schedule * z, unsigned level,
    int16_t * state, size_t stride, int paired, walloc_strip_scale scale)
{
  int k = z->next[level], last = z->last[level], n = z->pairs[level];
  int plain = last < n - 2 ? last : n - 2;
  int from = z->valid[level] + 1 > 2 ? z->valid[level] + 1 : 2;
  column c = { 0 };

  if (k > last)
    return;
  if (z->running) {
    c.e = v_load (state);
    c.md = v_load (state + stride);
    c.p = v_load (state + 2 * stride);
    c.s = v_load (state + 3 * stride);
    c.h = v_load (state + 4 * stride);
  } else {
    c.e = v_load (a->in);
    a->in += a->in_stride;
  }
  for (; k <= last && k < from && k < n; k++)
    step_rows (a, &c, k == n - 1, k == 0, k == 1, k > z->valid[level], paired,
        scale);
  if (k >= from)
    for (; k <= plain; k++)
      step_rows (a, &c, 0, 0, 0, 1, paired, scale);
  for (; k <= last && k < n; k++)
    step_rows (a, &c, k == n - 1, k == 0, k == 1, k > z->valid[level], paired,
        scale);
  if (k == n && k <= last)
    step_end (a, &c, n == 1, k > z->valid[level], paired, scale);
  v_store (state, c.e);
  v_store (state + stride, c.md);
  v_store (state + 2 * stride, c.p);
  v_store (state + 3 * stride, c.s);
  v_store (state + 4 * stride, c.h);
}

/* The loops that there are, once each: inlined everywhere they would take
 * compilers minutes under sanitizers. */
#define COLUMN_PASS(name, paired, scale) \
  static void \
  name (pass * a, const walloc_strip_schedule * z, unsigned level, \
      int16_t * state, size_t stride) \
  { \
    column_pass (a, z, level, state, stride, paired, scale); \
  }

/* *INDENT-OFF* */
COLUMN_PASS (pass_rows, 0, WALLOC_STRIP_PLAIN)
COLUMN_PASS (pass_444, 0, WALLOC_STRIP_444)
COLUMN_PASS (pass_422, 0, WALLOC_STRIP_422)
COLUMN_PASS (pass_pairs, 1, WALLOC_STRIP_PLAIN)
/* *INDENT-ON* */

#define HALF_ROWS (WALLOC_STRIP_INPUT / 2 + 2)
#define QUARTER_ROWS (WALLOC_STRIP_INPUT / 4 + 2)

/* The last level of one band: rows to pairs of coefficients. */
static void
column_last (const walloc_strip_schedule * z, const int16_t * in,
    size_t in_stride, int16_t * state, size_t stride, int16_t * coefs)
{
  pass a = {.in = in,.in_stride = in_stride,.pairs = coefs };

  pass_pairs (&a, z, z->levels - 1, state, stride);
}

/* The last two levels: pairs 0 and 1 of used. */
static void
column_two (const walloc_strip_schedule * z, const int16_t * in,
    size_t in_stride, int16_t * state, size_t stride, unsigned used,
    const uint8_t slot[2], int16_t * coefs)
{
  _Alignas (64) int16_t low[QUARTER_ROWS * LANES], high[QUARTER_ROWS * LANES];
  size_t node = WALLOC_STRIP_STATE * stride, place =
      (size_t) WALLOC_STRIP_ROWS * 2 * LANES;
  pass a = {.in = in,.in_stride = in_stride,.out_stride = LANES };

  a.low = (used & 1) != 0 ? low : NULL;
  a.high = (used & 2) != 0 ? high : NULL;
  pass_rows (&a, z, z->levels - 2, state, stride);
  if ((used & 1) != 0)
    column_last (z, low, LANES, state + node, stride, coefs + slot[0] * place);
  if ((used & 2) != 0)
    column_last (z, high, LANES, state + 2 * node, stride,
        coefs + slot[1] * place);
}

static void
column_three (const walloc_strip_schedule * z, const int16_t * in,
    size_t in_stride, int16_t * state, size_t stride, unsigned used,
    const uint8_t slot[4], walloc_strip_scale scale, int16_t * coefs)
{
  _Alignas (64) int16_t low[HALF_ROWS * LANES], high[HALF_ROWS * LANES];
  size_t node = WALLOC_STRIP_STATE * stride;
  pass a = {.in = in,.in_stride = in_stride,.out_stride = LANES };

  a.low = (used & 3) != 0 ? low : NULL;
  a.high = (used & 12) != 0 ? high : NULL;
  switch (scale) {
    case WALLOC_STRIP_444:
      pass_444 (&a, z, 0, state, stride);
      break;
    case WALLOC_STRIP_422:
      pass_422 (&a, z, 0, state, stride);
      break;
    default:
      pass_rows (&a, z, 0, state, stride);
      break;
  }
  if ((used & 3) != 0)
    column_two (z, low, LANES, state + node, stride, used & 3, slot, coefs);
  if ((used & 12) != 0)
    column_two (z, high, LANES, state + 4 * node, stride, used >> 2, slot + 2,
        coefs);
}

static void
vertical (const walloc_strip_plane * plane,
    const walloc_strip_schedule * schedule, const int16_t * rows,
    size_t stride, int16_t * state, int16_t * coefs)
{
  size_t band = (size_t) WALLOC_STRIP_NODES * WALLOC_STRIP_STATE * stride;
  walloc_strip_scale scale;
  unsigned h;

  for (h = 0; h < plane->phases; h++) {
    if (plane->pairs[h] == 0)
      continue;
    /* 4:4:4: what is high along the width has no half-size plane */
    scale = plane->scale == WALLOC_STRIP_444 && h >= 4 ? WALLOC_STRIP_PLAIN :
        plane->scale;
    if (plane->levels == 3)
      column_three (schedule, rows + h * stride, plane->phases * stride,
          state + h * band, stride, plane->pairs[h], plane->slot[h], scale,
          coefs);
    else
      column_two (schedule, rows + h * stride, plane->phases * stride,
          state + h * band, stride, plane->pairs[h], plane->slot[h], coefs);
  }
}

/* ---- projection ---- */

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

const walloc_strip_kernels KERNELS = {
  ISA, LANES, split_u8, split_u8_pairs, split_s16, mix_rgb, horizontal,
  vertical, pair, project
};
