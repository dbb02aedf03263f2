/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernels of kern-gemm-template.h for every instruction set of this
 * architecture, and the choice among them. */
#include "net/kern-gemm.h"
#include "net/kern.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
# define HAVE_X86 1
#else
# define HAVE_X86 0
#endif

#define GEMM_NAME(x) base_##x
#define GEMM_WIDTH 4
#define GEMM_TARGET
#define GEMM_WIDE (!HAVE_X86)   /* 32 registers nearly everywhere else */
#define GEMM_LABEL "base"
#include "net/kern-gemm-template.h"

#if HAVE_X86
#define GEMM_NAME(x) avx2_##x
#define GEMM_WIDTH 8
#define GEMM_TARGET __attribute__ ((target ("avx2,fma")))
#define GEMM_WIDE 0
#define GEMM_LABEL "avx2"
#include "net/kern-gemm-template.h"

#define GEMM_NAME(x) avx512_##x
#define GEMM_WIDTH 16
#define GEMM_TARGET __attribute__ ((target ("avx512f,fma")))
#define GEMM_WIDE 1
#define GEMM_LABEL "avx512"
#include "net/kern-gemm-template.h"
#endif

const net_gemm_isa *
net_gemm_get (unsigned index)
{
  if (index == 0)
    return &base_isa;
#if HAVE_X86
  __builtin_cpu_init ();
  if (index == 1 && __builtin_cpu_supports ("avx2")
      && __builtin_cpu_supports ("fma"))
    return &avx2_isa;
  if (index == 2 && __builtin_cpu_supports ("avx512f"))
    return &avx512_isa;
#endif
  return NULL;
}

const net_gemm_isa *
net_gemm_best (void)
{
  const net_gemm_isa *best = net_gemm_get (0), *isa;
  unsigned i;

  for (i = 1; i < 3; i++) {
    isa = net_gemm_get (i);
    if (isa != NULL)
      best = isa;
  }
  return best;
}

typedef float vec16 __attribute__((vector_size (64), aligned (4), may_alias));

NET_CLONES void
net_kern_depthwise (const float *const *rows, unsigned taps, const float *w,
    const float *bias, float *out, size_t n)
{
  float acc[16];
  size_t c, i;
  unsigned t;

  for (c = 0; c + 32 <= n; c += 32) {
    vec16 a = *(const vec16 *) (bias + c), b = *(const vec16 *) (bias + c + 16);

    for (t = 0; t < taps; t++) {
      const float *x = rows[t] + c, *f = w + t * n + c;

      a += *(const vec16 *) x **(const vec16 *) f;
      b += *(const vec16 *) (x + 16) * *(const vec16 *) (f + 16);
    }
    *(vec16 *) (out + c) = a;
    *(vec16 *) (out + c + 16) = b;
  }
  for (; c + 16 <= n; c += 16) {
    vec16 a = *(const vec16 *) (bias + c);

    for (t = 0; t < taps; t++)
      a += *(const vec16 *) (rows[t] + c) * *(const vec16 *) (w + t * n + c);
    *(vec16 *) (out + c) = a;
  }
  if (c == n)
    return;
  memcpy (acc, bias + c, (n - c) * sizeof *acc);
  for (t = 0; t < taps; t++) {
    for (i = 0; i < n - c; i++)
      acc[i] += rows[t][c + i] * w[t * n + c + i];
  }
  memcpy (out + c, acc, (n - c) * sizeof *acc);
}
