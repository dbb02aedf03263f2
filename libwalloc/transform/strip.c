/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which rows every strip needs, and which instruction set makes it. */
#include "transform/strip.h"

#include "transform/clones.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(WALLOC_NO_CLONES)
# define HAVE_X86 1
#else
# define HAVE_X86 0
#endif

void
walloc_strip_start (walloc_strip_schedule * z, unsigned levels,
    unsigned rows, unsigned first)
{
  int valid = (int) first, l;

  z->levels = levels;
  z->rows = rows;
  z->running = 0;
  for (l = (int) levels - 1; l >= 0; l--) {
    z->pairs[l] = (int) (rows << (levels - 1 - (unsigned) l));
    z->valid[l] = valid;
    /* row k of the high band needs d[k - 1], which needs s[k - 2] */
    z->next[l] = valid > 2 ? valid - 2 : 0;
    z->last[l] = z->next[l] - 1;
    valid = 2 * z->next[l];
  }
  z->input = z->input_end = (unsigned) valid;
  z->output = z->output_end = first;
}

void
walloc_strip_advance (walloc_strip_schedule * z, unsigned end)
{
  int wanted = (int) end, l;

  if (z->last[0] >= z->next[0] || z->input_end > z->input)
    z->running = 1;
  for (l = (int) z->levels - 1; l >= 0; l--) {
    z->next[l] = z->last[l] + 1;
    if (wanted > z->last[l])
      z->last[l] = wanted;
    /* step k reads rows up to 2 k + 2 */
    wanted = 2 * wanted + 3;
    if (wanted > 2 * z->pairs[l])
      wanted = 2 * z->pairs[l];
  }
  z->input = z->input_end;
  z->input_end = (unsigned) wanted;
  z->output = z->output_end;
  z->output_end = end;
}

const walloc_strip_kernels *
walloc_strip_best (unsigned index)
{
#if HAVE_X86
  if (__builtin_cpu_supports ("avx512bw")) {
    if (__builtin_cpu_supports ("avx512vnni") && index-- == 0)
      return &walloc_strip_vnni;
    if (index-- == 0)
      return &walloc_strip_avx512;
  }
  if (__builtin_cpu_supports ("avx2") && index-- == 0)
    return &walloc_strip_avx2;
  if (index-- == 0)
    return &walloc_strip_sse2;
#elif defined(__aarch64__)
  if (index-- == 0)
    return &walloc_strip_neon;
#endif
  return index == 0 ? &walloc_strip_plain : NULL;
}
