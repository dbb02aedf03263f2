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

#include "transform/strip_input.h"

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

/* Step k with rows 2 k + 1 and 2 k + 2: returns row k - 1 of the low band, c->h
 * is that of the high one. */
WALLOC_INLINE vec
lift_rows (column * c, vec o, vec e_next, int top, int top_2)
{
  vec d, md, s, ms, h, low;

  d = v_add (v_mul (o, v_splat (1 << 14)), v_mul (v_add (c->e, e_next),
          v_splat (HALF_ALPHA)));
  md = v_mul (d, v_splat (HALF_BETA));
  s = v_add (v_add (c->e, top ? md : c->md), md);
  ms = v_mul (s, v_splat (HALF_GAMMA));
  h = v_add (c->p, ms);
  low = v_add (c->s, v_mul (v_add (top_2 ? h : c->h, h), v_splat (HALF_DELTA)));
  c->e = e_next;
  c->md = md;
  c->s = s;
  c->p = v_add (d, ms);
  c->h = h;
  return low;
}

/* The last row of a band: s below the end is that of the last pair. */
WALLOC_INLINE vec
lift_end (column * c, int single)
{
  vec h = v_add (c->p, v_mul (c->s, v_splat (HALF_GAMMA)));
  vec low = v_add (c->s, v_mul (v_add (single ? h : c->h, h),
          v_splat (HALF_DELTA)));

  c->h = h;
  return low;
}

WALLOC_INLINE void
load_column (column * c, const int16_t * state, size_t stride)
{
  c->e = v_load (state);
  c->md = v_load (state + stride);
  c->p = v_load (state + 2 * stride);
  c->s = v_load (state + 3 * stride);
  c->h = v_load (state + 4 * stride);
}

WALLOC_INLINE void
store_column (const column * c, int16_t * state, size_t stride)
{
  v_store (state, c->e);
  v_store (state + stride, c->md);
  v_store (state + 2 * stride, c->p);
  v_store (state + 3 * stride, c->s);
  v_store (state + 4 * stride, c->h);
}

/* mirror: the second of the two rows is the first again. */
WALLOC_INLINE void
step_rows (pass * a, column * c, int mirror, int top, int top_2, int write,
    int paired, walloc_strip_scale scale)
{
  vec o = v_load (a->in), e_next = c->e, low;

  a->in += a->in_stride;
  if (!mirror) {
    e_next = v_load (a->in);
    a->in += a->in_stride;
  }
  low = lift_rows (c, o, e_next, top, top_2);
  if (write)
    put (a, low, c->h, paired, scale);
}

WALLOC_INLINE void
step_end (pass * a, column * c, int single, int write, int paired,
    walloc_strip_scale scale)
{
  vec low = lift_end (c, single);

  if (write)
    put (a, low, c->h, paired, scale);
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
    load_column (&c, state, stride);
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
  store_column (&c, state, stride);
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

#include "transform/strip_halve.h"
#include "transform/strip_project.h"

const walloc_strip_kernels KERNELS = {
  ISA, LANES, split_u8, split_u8_pairs, split_s16, mix_rgb, horizontal,
  vertical, pair, project, halve_rows, halve_line
};
