/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The block of one AVX-512 extension: included with LOW_NAME, LOW_TARGET,
 * LOW_SUM (the type of 16 sums), LOW_DOT (what adds products to them),
 * LOW_FIRST (v) (sums of vector v at first) and LOW_RESULT (s, v) (16 floats
 * of sums s) defined.
 *
 * 24 sums, 4 vectors of weights and a broadcast fill the registers. Sums have
 * names of their own and assembler adds to them: with arrays and intrinsics GCC
 * copies every sum and stores it once per step, at half the speed. */

#define LOW_EACH(M) M (0) M (1) M (2) M (3) M (4) M (5)
#define LOW_SUMS(r) LOW_SUM s##r##0, s##r##1, s##r##2, s##r##3;
#define LOW_BEGIN(r) \
  s##r##0 = LOW_FIRST (0); \
  s##r##1 = nv > 1 ? LOW_FIRST (1) : s##r##0; \
  s##r##2 = nv > 2 ? LOW_FIRST (2) : s##r##0; \
  s##r##3 = nv > 3 ? LOW_FIRST (3) : s##r##0;
#define LOW_ADD(s, b) __asm__ (LOW_DOT " %2, %1, %0" : "+v" (s) \
      : "v" (x), "v" (b))
#define LOW_ROW(r) \
      x = _mm512_set1_epi32 ((int) rows[r][k]); \
      LOW_ADD (s##r##0, b0); \
      if (nv > 1) \
        LOW_ADD (s##r##1, b1); \
      if (nv > 2) \
        LOW_ADD (s##r##2, b2); \
      if (nv > 3) \
        LOW_ADD (s##r##3, b3);
#define LOW_PUT(r, v) _mm512_storeu_ps (out + r * ld + v * NET_LOW_WIDTH, \
      LOW_RESULT (s##r##v, v));
#define LOW_STORE(r) \
  LOW_PUT (r, 0) \
  if (nv > 1) \
    LOW_PUT (r, 1) \
  if (nv > 2) \
    LOW_PUT (r, 2) \
  if (nv > 3) \
    LOW_PUT (r, 3)

/* *INDENT-OFF* */
LOW_TARGET static inline __attribute__ ((always_inline)) void
LOW_NAME (LOW_ARGS, const unsigned nv)
{
  LOW_EACH (LOW_SUMS)
  __m512i b0, b1, b2, b3, x;
  size_t k;
  unsigned t;

  LOW_EACH (LOW_BEGIN)
  for (t = 0; t < taps; t++, rows += NET_MR) {
    for (k = 0; k < words; k++, w += nv * NET_LOW_WIDTH) {
      b0 = _mm512_loadu_si512 (w);
      b1 = nv > 1 ? _mm512_loadu_si512 (w + 16) : b0;
      b2 = nv > 2 ? _mm512_loadu_si512 (w + 32) : b0;
      b3 = nv > 3 ? _mm512_loadu_si512 (w + 48) : b0;
      LOW_EACH (LOW_ROW)
    }
  }
  (void) scale;
  LOW_EACH (LOW_STORE)
}
/* *INDENT-ON* */

#undef LOW_EACH
#undef LOW_SUMS
#undef LOW_BEGIN
#undef LOW_ADD
#undef LOW_ROW
#undef LOW_PUT
#undef LOW_STORE
#undef LOW_NAME
#undef LOW_TARGET
#undef LOW_SUM
#undef LOW_DOT
#undef LOW_FIRST
#undef LOW_RESULT
