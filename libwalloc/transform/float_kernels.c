/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Float lifting steps. Every value is computed by the same operations in the
 * same order wherever it stands, so results do not depend on vector width.
 * Built without contraction into fused multiply-adds for the same reason. */
#include "transform/clones.h"
#include "transform/lifting.h"

#ifdef __wasm_simd128__
# include <wasm_simd128.h>
#endif

#define ALPHA ((float) LIFT_ALPHA)
#define BETA ((float) LIFT_BETA)
#define GAMMA ((float) LIFT_GAMMA)
#define DELTA ((float) LIFT_DELTA)

WALLOC_INLINE void
analyse_rows (const float *e, const float *o, const float *e_next, float *d1,
    float *s1, float *d2, float *s2, size_t n, unsigned mode)
{
  size_t i;

  WALLOC_IVDEP for (i = 0; i < n; i++) {
    float d1n = o[i] + ALPHA * (e[i] + e_next[i]);
    float s1n = e[i] + BETA * (((mode & LIFT_TOP) != 0 ? d1n : d1[i]) + d1n);
    float s1r = (mode & LIFT_END) != 0 ? s1[i] : s1n;
    float d2n = d1[i] + GAMMA * (s1[i] + s1r);

    s2[i] = s1[i] + DELTA * (((mode & LIFT_TOP_2) != 0 ? d2n : d2[i]) + d2n);
    d2[i] = d2n;
    d1[i] = d1n;
    s1[i] = s1n;
  }
}

WALLOC_CLONES static void
analyse_vertical (const void *e, const void *o, const void *e_next, void *d1,
    void *s1, void *d2, void *s2, size_t n, unsigned mode)
{
  switch (mode) {
    case 0:
      analyse_rows (e, o, e_next, d1, s1, d2, s2, n, 0);
      break;
    case LIFT_TOP:
      analyse_rows (e, o, e_next, d1, s1, d2, s2, n, LIFT_TOP);
      break;
    case LIFT_TOP_2:
      analyse_rows (e, o, e_next, d1, s1, d2, s2, n, LIFT_TOP_2);
      break;
    case LIFT_END:
      analyse_rows (e, o, e_next, d1, s1, d2, s2, n, LIFT_END);
      break;
    default:
      analyse_rows (e, o, e_next, d1, s1, d2, s2, n, LIFT_TOP_2 | LIFT_END);
      break;
  }
}

WALLOC_CLONES static void
analyse_horizontal (const void *in, void *low, void *high, void *tmp,
    size_t half, walloc_border border, int last, float scale_low,
    float scale_high)
{
  const float *x = in;
  float *s = (float *) tmp + 16, *d = s + half + 32, *l = low, *h = high;
  int mirror = border == WALLOC_BORDER_SYMMETRIC;
  size_t i;

  (void) last;
  WALLOC_IVDEP for (i = 0; i < half; i++) {
    s[i] = x[2 * i];
    d[i] = x[2 * i + 1];
  }
  s[half] = mirror ? s[half - 1] : s[0];
  WALLOC_IVDEP for (i = 0; i < half; i++)
    d[i] = d[i] + ALPHA * (s[i] + s[i + 1]);
  d[-1] = mirror ? d[0] : d[half - 1];
  WALLOC_IVDEP for (i = 0; i < half; i++)
    s[i] = s[i] + BETA * (d[(ptrdiff_t) i - 1] + d[i]);
  s[half] = mirror ? s[half - 1] : s[0];
  WALLOC_IVDEP for (i = 0; i < half; i++) {
    float v = d[i] + GAMMA * (s[i] + s[i + 1]);

    d[i] = v;
    h[i] = v * scale_high;
  }
  d[-1] = mirror ? d[0] : d[half - 1];
  WALLOC_IVDEP for (i = 0; i < half; i++)
    l[i] = (s[i] + DELTA * (d[(ptrdiff_t) i - 1] + d[i])) * scale_low;
}

WALLOC_INLINE void
synthesise_rows (const float *s2, const float *d2_new, const float *d2,
    float *s1, float *d1, const float *e, float *e_out, float *o_out,
    size_t n, unsigned mode)
{
  size_t i;

  WALLOC_IVDEP for (i = 0; i < n; i++) {
    float d2l = (mode & LIFT_FIRST) != 0 ? d2_new[i] : d2[i];
    float s1n = (mode & LIFT_LAST) != 0 ? s1[i]
        : s2[i] - DELTA * (d2l + d2_new[i]);
    float d1n = d2[i] - GAMMA * (s1[i] + s1n);
    float d1l = (mode & LIFT_SECOND) != 0 ? d1n : d1[i];
    float en = s1[i] - BETA * (d1l + d1n);

    o_out[i] = d1[i] - ALPHA * (e[i] + en);
    e_out[i] = en;
    s1[i] = s1n;
    d1[i] = d1n;
  }
}

/* Rows have room for whole vectors. */
WALLOC_CLONES static void
synthesise_vertical (const void *s2, const void *d2_new, const void *d2,
    void *s1, void *d1, const void *e, void *e_out, void *o_out, size_t room,
    unsigned mode)
{
  const float *ef = e, *df = d1;
  float *of = o_out;
  size_t n = room & ~(size_t) (LIFT_ROOM - 1), i;

#define ROWS(m) \
  synthesise_rows (s2, d2_new, d2, s1, d1, e, e_out, o_out, n, m)
  switch (mode) {
    case 0:
      ROWS (0);
      break;
    case LIFT_FIRST:
      ROWS (LIFT_FIRST);
      break;
    case LIFT_SECOND:
      ROWS (LIFT_SECOND);
      break;
    case LIFT_LAST:
      ROWS (LIFT_LAST);
      break;
    case LIFT_SECOND | LIFT_LAST:
      ROWS (LIFT_SECOND | LIFT_LAST);
      break;
    default:
      WALLOC_IVDEP for (i = 0; i < n; i++)
        of[i] = df[i] - ALPHA * (ef[i] + ef[i]);
      break;
  }
#undef ROWS
}

/* The first half values of low and high count; n >= half are computed. */
WALLOC_INLINE void
synthesise_line (const float *l, const float *h, float *x, float *tmp,
    size_t half, size_t n, walloc_border border, float scale_low,
    float scale_high)
{
  float *s = tmp + 16, *d = s + n + 32;
  int mirror = border == WALLOC_BORDER_SYMMETRIC;
  size_t i;

  WALLOC_IVDEP for (i = 0; i < n; i++)
    d[i] = h[i] * scale_high;
  d[-1] = mirror ? d[0] : d[half - 1];
  WALLOC_IVDEP for (i = 0; i < n; i++)
    s[i] = l[i] * scale_low - DELTA * (d[(ptrdiff_t) i - 1] + d[i]);
  s[half] = mirror ? s[half - 1] : s[0];
  WALLOC_IVDEP for (i = 0; i < n; i++)
    d[i] = d[i] - GAMMA * (s[i] + s[i + 1]);
  d[-1] = mirror ? d[0] : d[half - 1];
  WALLOC_IVDEP for (i = 0; i < n; i++)
    s[i] = s[i] - BETA * (d[(ptrdiff_t) i - 1] + d[i]);
  s[half] = mirror ? s[half - 1] : s[0];
  i = 0;
#ifdef __wasm_simd128__
  /* compilers store these one by one */
  for (; i + 4 <= n; i += 4) {
    v128_t even = wasm_v128_load (s + i), odd;

    odd = wasm_f32x4_sub (wasm_v128_load (d + i),
        wasm_f32x4_mul (wasm_f32x4_splat (ALPHA),
            wasm_f32x4_add (even, wasm_v128_load (s + i + 1))));
    wasm_v128_store (x + 2 * i, wasm_i32x4_shuffle (even, odd, 0, 4, 1, 5));
    wasm_v128_store (x + 2 * i + 4, wasm_i32x4_shuffle (even, odd, 2, 6, 3, 7));
  }
#endif
  WALLOC_IVDEP for (; i < n; i++) {
    x[2 * i] = s[i];
    x[2 * i + 1] = d[i] - ALPHA * (s[i] + s[i + 1]);
  }
}

WALLOC_CLONES static void
synthesise_horizontal (const void *low, const void *high, void *out,
    void *tmp, size_t half, walloc_border border, float scale_low,
    float scale_high)
{
  size_t n = (half + LIFT_ROOM - 1) & ~(size_t) (LIFT_ROOM - 1);

  synthesise_line (low, high, out, tmp, half, n, border, scale_low, scale_high);
}

WALLOC_CLONES static void
synthesise_exactly (const void *low, const void *high, void *out,
    void *tmp, size_t half, walloc_border border, float scale_low,
    float scale_high)
{
  synthesise_line (low, high, out, tmp, half, half, border, scale_low,
      scale_high);
}

WALLOC_CLONES static void
copy_scaled (const void *in, void *out, size_t n, float scale)
{
  const float *x = in;
  float *y = out;
  size_t i;

  WALLOC_IVDEP for (i = 0; i < n; i++)
    y[i] = x[i] * scale;
}

const walloc_analysis_kernels walloc_float_analysis = {
  sizeof (float), analyse_vertical, analyse_horizontal, copy_scaled
};

const walloc_synthesis_kernels walloc_float_synthesis = {
  sizeof (float), synthesise_vertical, synthesise_horizontal,
  synthesise_exactly, copy_scaled
};
