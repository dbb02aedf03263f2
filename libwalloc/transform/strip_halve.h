/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Part of strip_template.h: one level of the transform along both axes, for
 * pictures that are coded at a smaller size. The height comes first, on even
 * and odd samples of a row apart, which the width then takes as its two
 * phases. */

/* K^-2 * 2^15, and what a sample may be. */
#define SCALE_LOW_LOW 21653
#define GREATEST 2048

/* LANES even samples from sample 2 x of a row on, and the odd ones. */
WALLOC_INLINE void
load_pairs (const uint8_t * row, size_t x, walloc_strip_source source,
    vec v[2])
{
  const uint8_t *in = row + (source == WALLOC_STRIP_BYTES ? 2 : 4) * x;
  vec a = v_bytes (in), b;

  if (source == WALLOC_STRIP_BYTES) {
    v[0] = v_low_bytes (a);
    v[1] = v_high_bytes (a);
    return;
  }
  b = v_bytes (in + 2 * LANES);
  v_unzip (a, b, &v[0], &v[1]);
  if (source == WALLOC_STRIP_VALUES)
    return;
  a = v[0];
  b = v[1];
  v[0] = source == WALLOC_STRIP_FIRST ? v_low_bytes (a) : v_high_bytes (a);
  v[1] = source == WALLOC_STRIP_FIRST ? v_low_bytes (b) : v_high_bytes (b);
}

WALLOC_INLINE void
store_pairs (int16_t ** out, const vec v[2], size_t stride)
{
  if (*out == NULL)
    return;
  v_store (*out, v[0]);
  v_store (*out + stride, v[1]);
  *out += 2 * stride;
}

/* The columns at x: pairs x to x + LANES - 1. */
WALLOC_INLINE void
halve_block (const walloc_strip_schedule * z, const uint8_t * const *rows,
    size_t x, walloc_strip_source source, int16_t * state, size_t stride,
    int16_t * low, int16_t * high)
{
  int k = z->next[0], last = z->last[0], n = z->pairs[0];
  size_t phase = WALLOC_STRIP_STATE * stride;
  vec o[2], e[2], l[2], h[2];
  column c[2] = { 0 };
  unsigned i;

  if (z->running) {
    for (i = 0; i < 2; i++)
      load_column (&c[i], state + i * phase, stride);
  } else {
    load_pairs (*rows++, x, source, e);
    c[0].e = e[0];
    c[1].e = e[1];
  }
  for (; k <= last && k < n; k++) {
    load_pairs (*rows++, x, source, o);
    /* below the last pair is its even row again */
    e[0] = c[0].e;
    e[1] = c[1].e;
    if (k < n - 1)
      load_pairs (*rows++, x, source, e);
    for (i = 0; i < 2; i++) {
      l[i] = lift_rows (&c[i], o[i], e[i], k == 0, k == 1);
      h[i] = c[i].h;
    }
    if (k > z->valid[0]) {
      store_pairs (&low, l, stride);
      store_pairs (&high, h, stride);
    }
  }
  if (k == n && k <= last && k > z->valid[0]) {
    for (i = 0; i < 2; i++) {
      l[i] = lift_end (&c[i], n == 1);
      h[i] = c[i].h;
    }
    store_pairs (&low, l, stride);
    store_pairs (&high, h, stride);
  }
  for (i = 0; i < 2; i++)
    store_column (&c[i], state + i * phase, stride);
}

WALLOC_INLINE void
halve_from (const walloc_strip_schedule * z, const walloc_strip_halving * a,
    walloc_strip_source source)
{
  _Alignas (64) uint8_t tail[WALLOC_STRIP_HALVE_INPUT][4 * LANES];
  const uint8_t *ends[WALLOC_STRIP_HALVE_INPUT];
  size_t bytes = source == WALLOC_STRIP_BYTES ? 1 : 2, x, i, left;
  unsigned y, count = z->input_end - z->input;

  for (x = 0; 2 * x + 2 * LANES <= a->width; x += LANES)
    halve_block (z, a->rows, x, source, a->state + x, a->stride, a->low + x,
        a->high != NULL ? a->high + x : NULL);
  if (2 * x >= a->width)
    return;
  /* rows may end where the memory does; the last sample is repeated */
  left = a->width - 2 * x;
  for (y = 0; y < count; y++) {
    memcpy (tail[y], a->rows[y] + 2 * x * bytes, left * bytes);
    for (i = left * bytes; i < 2 * LANES * bytes; i++)
      tail[y][i] = tail[y][i - bytes];
    ends[y] = tail[y];
  }
  halve_block (z, ends, 0, source, a->state + x, a->stride, a->low + x,
      a->high != NULL ? a->high + x : NULL);
}

static void
halve_rows (const walloc_strip_schedule * z, const walloc_strip_halving * a)
{
  switch (a->source) {
    case WALLOC_STRIP_BYTES:
      halve_from (z, a, WALLOC_STRIP_BYTES);
      break;
    case WALLOC_STRIP_FIRST:
      halve_from (z, a, WALLOC_STRIP_FIRST);
      break;
    case WALLOC_STRIP_SECOND:
      halve_from (z, a, WALLOC_STRIP_SECOND);
      break;
    default:
      halve_from (z, a, WALLOC_STRIP_VALUES);
      break;
  }
}

static void
halve_line (int16_t * x, size_t stride, size_t groups, int scaled,
    int16_t * low, int16_t * high)
{
  const vec most = v_splat (GREATEST), least = v_splat (-GREATEST);
  size_t i;

  if (high != NULL)
    line_pass (x, stride, groups, 2, 0, low, high);
  else
    line_pass (x, stride, groups, 2, 0, low, NULL);
  for (i = 0; i < groups && scaled; i += LANES)
    v_store (low + i, v_max (v_min (v_mul (v_load (low + i),
                    v_splat (SCALE_LOW_LOW)), most), least));
}
