/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One instruction set's kernels: included with GEMM_NAME (x), GEMM_WIDTH,
 * GEMM_TARGET and GEMM_WIDE (panels of 3 and 4 vectors) defined. */

typedef float GEMM_NAME (vec)
  __attribute__ ((vector_size (GEMM_WIDTH * 4), aligned (4), may_alias));

GEMM_TARGET static inline __attribute__ ((always_inline)) void
GEMM_NAME (block) (const float *const *rows, unsigned taps, size_t len,
    const float *w, const float *bias, float *out, size_t ld,
    const unsigned nv)
{
  GEMM_NAME (vec) acc[NET_MR][4], b[4];
  size_t k;
  unsigned r, v, t;

#pragma GCC unroll 8
  for (r = 0; r < NET_MR; r++) {
#pragma GCC unroll 4
    for (v = 0; v < nv; v++)
      acc[r][v] = *(const GEMM_NAME (vec) *) (bias != NULL ?
          bias + v * GEMM_WIDTH : out + r * ld + v * GEMM_WIDTH);
  }
  for (t = 0; t < taps; t++) {
    const float *a0 = rows[0], *a1 = rows[1], *a2 = rows[2];
    const float *a3 = rows[3], *a4 = rows[4], *a5 = rows[5];

    rows += NET_MR;
    for (k = 0; k < len; k++) {
#pragma GCC unroll 4
      for (v = 0; v < nv; v++)
        b[v] = *(const GEMM_NAME (vec) *) (w + v * GEMM_WIDTH);
      w += nv * GEMM_WIDTH;
      /* row by row: one broadcast live at a time, or registers run out */
#define GEMM_ROW(r, a) \
      for (v = 0; v < nv; v++) \
        acc[r][v] += b[v] * a[k]
#pragma GCC unroll 4
      GEMM_ROW (0, a0);
#pragma GCC unroll 4
      GEMM_ROW (1, a1);
#pragma GCC unroll 4
      GEMM_ROW (2, a2);
#pragma GCC unroll 4
      GEMM_ROW (3, a3);
#pragma GCC unroll 4
      GEMM_ROW (4, a4);
#pragma GCC unroll 4
      GEMM_ROW (5, a5);
#undef GEMM_ROW
    }
  }
#pragma GCC unroll 8
  for (r = 0; r < NET_MR; r++) {
#pragma GCC unroll 4
    for (v = 0; v < nv; v++)
      *(GEMM_NAME (vec) *) (out + r * ld + v * GEMM_WIDTH) = acc[r][v];
  }
}

#define GEMM_CASE(n) \
GEMM_TARGET static void \
GEMM_NAME (panel##n) (const float *const *rows, unsigned taps, size_t len, \
    const float *w, const float *bias, float *out, size_t ld) \
{ \
  GEMM_NAME (block) (rows, taps, len, w, bias, out, ld, n); \
}

GEMM_CASE (1)
GEMM_CASE (2)
#if GEMM_WIDE
GEMM_CASE (3)
GEMM_CASE (4)
#endif
static const net_gemm_isa GEMM_NAME (isa) = {
  GEMM_LABEL, GEMM_WIDTH, GEMM_WIDE ? 4 : 2,
  {GEMM_NAME (panel1), GEMM_NAME (panel2),
#if GEMM_WIDE
        GEMM_NAME (panel3), GEMM_NAME (panel4)
#endif
      }
};

#undef GEMM_CASE
#undef GEMM_NAME
#undef GEMM_WIDTH
#undef GEMM_TARGET
#undef GEMM_WIDE
#undef GEMM_LABEL
