/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Part of strip_template.h: rows of samples are taken apart into phases. */

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
  vec v[8], even[2], odd[2];
  unsigned i;
  size_t x;

  for (x = 0; x < groups && phases == 8; x += LANES) {
    v_split_16 (in + 8 * x, v);
    store_phases (v, 8, out + x, stride);
  }
  for (x = 0; x < groups && phases == 4; x += LANES) {
    for (i = 0; i < 2; i++)
      v_unzip (v_loadu (in + 4 * x + 2 * i * LANES), v_loadu (in + 4 * x +
              (2 * i + 1) * LANES), &even[i], &odd[i]);
    v_unzip (even[0], even[1], &v[0], &v[2]);
    v_unzip (odd[0], odd[1], &v[1], &v[3]);
    store_phases (v, 4, out + x, stride);
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
