/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* int16 lifting steps of the encoder; docs/design/integer-transform.md has
 * the steps, their bounds and the proof that no sum leaves 16 bits. Plain C
 * whose loops compile to the rounding high multiply of SSSE3, AVX and NEON. */
#include "transform/clones.h"
#include "transform/lifting.h"

/* Q15. High-pass values of the vertical pass, and of the last level's
 * horizontal pass, are kept at half scale. That brings alpha below 1 and keeps
 * the third level within 16 bits. */
#define HALF_ALPHA (-25987)     /* alpha / 2 */
#define HALF_BETA (-3472)       /* beta * 2 */
#define HALF_GAMMA 14466        /* gamma / 2 */
#define HALF_DELTA 29066        /* delta * 2 */
/* Full scale: alpha is -1 and the rest. */
#define FULL_ALPHA (-19206)     /* alpha + 1 */
#define FULL_BETA (-1736)
#define FULL_GAMMA 28931
#define FULL_DELTA 14533

/* a * b / 2^15, rounded half up; |b| < 2^15. The shape of the expression is
 * the one that gcc turns into one instruction. Where the sum of two values
 * may not fit in 16 bits, their products are added in place of the product of
 * the sum. */
WALLOC_INLINE int16_t
mul (int16_t a, int16_t b)
{
  return (int16_t) ((((int32_t) a * (int32_t) b >> 14) + 1) >> 1);
}

WALLOC_INLINE void
analyse_rows (const int16_t * e, const int16_t * o, const int16_t * e_next,
    int16_t * d1, int16_t * s1, int16_t * d2, int16_t * s2, size_t n,
    unsigned mode)
{
  size_t i;

  WALLOC_IVDEP for (i = 0; i < n; i++) {
    int16_t d1n = (int16_t) (mul (o[i], 1 << 14)
        + mul ((int16_t) (e[i] + e_next[i]), HALF_ALPHA));
    int16_t d1l = (mode & LIFT_TOP) != 0 ? d1n : d1[i];
    int16_t s1n = (int16_t) (e[i] + mul (d1l, HALF_BETA)
        + mul (d1n, HALF_BETA));
    int16_t s1r = (mode & LIFT_END) != 0 ? s1[i] : s1n;
    int16_t d2n = (int16_t) (d1[i] + mul (s1[i], HALF_GAMMA)
        + mul (s1r, HALF_GAMMA));
    int16_t d2l = (mode & LIFT_TOP_2) != 0 ? d2n : d2[i];

    s2[i] = (int16_t) (s1[i] + mul ((int16_t) (d2l + d2n), HALF_DELTA));
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

WALLOC_INLINE void
analyse_row (const int16_t * x, int16_t * l, int16_t * h, int16_t * s,
    int16_t * d, size_t half, int scaled)
{
  const int16_t beta = scaled ? HALF_BETA : FULL_BETA;
  const int16_t gamma = scaled ? HALF_GAMMA : FULL_GAMMA;
  const int16_t delta = scaled ? HALF_DELTA : FULL_DELTA;
  size_t i;

  WALLOC_IVDEP for (i = 0; i < half; i++) {
    s[i] = x[2 * i];
    d[i] = x[2 * i + 1];
  }
  s[half] = s[half - 1];
  WALLOC_IVDEP for (i = 0; i < half; i++) {
    int16_t sum = (int16_t) (s[i] + s[i + 1]);

    if (scaled)
      d[i] = (int16_t) (mul (d[i], 1 << 14) + mul (sum, HALF_ALPHA));
    else
      d[i] = (int16_t) (d[i] - sum + mul (sum, FULL_ALPHA));
  }
  d[-1] = d[0];
  WALLOC_IVDEP for (i = 0; i < half; i++)
    s[i] = (int16_t) (s[i] + mul (d[(ptrdiff_t) i - 1], beta)
        + mul (d[i], beta));
  s[half] = s[half - 1];
  WALLOC_IVDEP for (i = 0; i < half; i++)
    h[i] = (int16_t) (d[i] + mul (s[i], gamma) + mul (s[i + 1], gamma));
  l[0] = (int16_t) (s[0] + mul ((int16_t) (h[0] + h[0]), delta));
  WALLOC_IVDEP for (i = 1; i < half; i++)
    l[i] = (int16_t) (s[i] + mul ((int16_t) (h[i - 1] + h[i]), delta));
}

WALLOC_CLONES static void
analyse_horizontal (const void *in, void *low, void *high, void *tmp,
    size_t half, walloc_border border, int last, float scale_low,
    float scale_high)
{
  int16_t *s = (int16_t *) tmp + 32, *d = s + half + 64;

  (void) border;
  (void) scale_low;
  (void) scale_high;
  if (last)
    analyse_row (in, low, high, s, d, half, 1);
  else
    analyse_row (in, low, high, s, d, half, 0);
}

WALLOC_CLONES static void
copy_values (const void *in, void *out, size_t n, float scale)
{
  const int16_t *x = in;
  int16_t *y = out;
  size_t i;

  (void) scale;
  WALLOC_IVDEP for (i = 0; i < n; i++)
    y[i] = x[i];
}

const walloc_analysis_kernels walloc_int_analysis = {
  sizeof (int16_t), analyse_vertical, analyse_horizontal, copy_values
};
