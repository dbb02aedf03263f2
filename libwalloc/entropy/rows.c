/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "entropy/rows.h"

#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(WALLOC_NO_CLONES)
# include <cpuid.h>
# define HAVE_X86 1
#else
# define HAVE_X86 0
#endif

const uint8_t walloc_rows_fraction[256] = {
  [0 ... 48] = 3,[49 ... 80] = 2,[81 ... 112] = 1,[144 ... 175] = 1,
  [176 ... 207] = 2,[208 ... 255] = 3
};

#if HAVE_X86
/* Compilers do not all know how to ask for it. */
/* Asked once: in a virtual machine the instruction takes as long as coding a
 * frame of sound. */
static int
has_lzcnt (void)
{
  static atomic_int known;      /* 0: not yet; 1: no; 2: yes */
  int answer = atomic_load_explicit (&known, memory_order_relaxed);
  unsigned a, b, c, d;

  if (answer == 0) {
    answer = __get_cpuid (0x80000001, &a, &b, &c, &d) && (c >> 5 & 1) != 0 ?
        2 : 1;
    atomic_store_explicit (&known, answer, memory_order_relaxed);
  }
  return answer == 2;
}
#endif

const walloc_rows_kernels *
walloc_rows_best (unsigned index)
{
#if HAVE_X86
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("bmi2") &&
      __builtin_cpu_supports ("popcnt") && has_lzcnt ()) {
    if (__builtin_cpu_supports ("avx512bw") && index-- == 0)
      return &walloc_rows_avx512;
    if (index-- == 0)
      return &walloc_rows_avx2;
  }
#endif
  return index == 0 ? &walloc_rows_plain : NULL;
}

/* The tables of all contexts. */
static void
copy_tables (walloc_row_contexts * t, const walloc_model * model, unsigned set,
    unsigned channel)
{
  const walloc_freq_table *table;
  int key, at;
  unsigned i, f;

  for (key = 0; key < WALLOC_MODEL_KEYS; key++) {
    at = key + model->set[set].offset[channel];
    at = at < 0 ? 0 : at > WALLOC_MODEL_KEYS - 1 ? WALLOC_MODEL_KEYS - 1 : at;
    for (f = 0; f < WALLOC_MODEL_FRACTIONS; f++) {
      table = walloc_model_table (model, set, channel, model->bucket[at], f);
      i = (unsigned) key *WALLOC_MODEL_FRACTIONS + f;
      memcpy (t->first + i * WALLOC_MODEL_SYMBOLS, table->first,
          sizeof table->first);
      t->table[i].shift = table->shift;
      t->table[i].escape = table->escape;
      t->table[i].direct = table->direct;
      t->table[i].even = table->even || table->shift > 0;
    }
  }
}

void
walloc_rows_prepare (walloc_rows_work * work, const walloc_model * model,
    unsigned set, unsigned channel, const walloc_context * context)
{
  walloc_row_tables *t = &work->tables;
  int32_t hi;
  uint32_t a;
  unsigned i, kind;
  int fresh;

  kind = walloc_context_kind (&work->kinds, model, set, channel, &fresh);
  if (fresh)
    copy_tables (&work->contexts[kind], model, set, channel);
  t->first = work->contexts[kind].first;
  t->table = work->contexts[kind].table;
  t->near_mean = context->near_mean[1] * ((int64_t) 1 << 32) +
      context->near_mean[0];
  t->near_spread = context->near_spread[1] << 16 | context->near_spread[0];
  t->cap = context->cap;
  for (i = 0; i < WALLOC_MODEL_SYMBOLS; i++) {
    a = (i + 1) / 2;
    hi = i & 1 ? (int32_t) a : -(int32_t) a;
    t->value_of[0][i] = -hi;
    t->value_of[1][i] = hi;
    a = a < t->cap ? a : t->cap;
    t->spread_of[i] = t->near_spread * a;
    t->magnitude_of[i] = (uint8_t) a;
  }
}

int
walloc_rows_escape (walloc_rans_reader * r, unsigned m)
{
  unsigned negative = walloc_rans_raw (r, 1), k = 0, n;

  while (walloc_rans_raw (r, 1) == 0)
    if (++k > 15)
      return INT32_MIN;
  n = 1u << k;
  if (k > 8) {
    n |= walloc_rans_raw (r, k - 8) << 8;
    n |= walloc_rans_raw (r, 8);
  } else if (k > 0) {
    n |= walloc_rans_raw (r, k);
  }
  return negative ? -(int) (n + m) : (int) (n + m);
}
