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

NET_CLONES void
net_kern_depthwise (const float *const *rows, unsigned taps, const float *w,
    const float *bias, float *out, size_t n)
{
  float acc[32];
  size_t c, i, m;
  unsigned t;

  for (c = 0; c + 32 <= n; c += 32) {
    for (i = 0; i < 32; i++)
      acc[i] = bias[c + i];
    for (t = 0; t < taps; t++) {
      const float *x = rows[t] + c, *f = w + t * n + c;

      for (i = 0; i < 32; i++)
        acc[i] += x[i] * f[i];
    }
    for (i = 0; i < 32; i++)
      out[c + i] = acc[i];
  }
  if (c == n)
    return;
  m = n - c;
  memcpy (acc, bias + c, m * sizeof *acc);
  for (t = 0; t < taps; t++) {
    const float *x = rows[t] + c, *f = w + t * n + c;

    for (i = 0; i < m; i++)
      acc[i] += x[i] * f[i];
  }
  memcpy (out + c, acc, m * sizeof *acc);
}
