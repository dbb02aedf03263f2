/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A model of random tables in memory, for tests of the latent coder. */
#ifndef TESTS_RANDOM_MODEL_H
#define TESTS_RANDOM_MODEL_H

#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define RM_CHANNELS 6
#define RM_CLASSES 3
#define RM_BUCKETS 7

typedef struct
{
  walloc_model model;
  uint8_t group[RM_CHANNELS], class[RM_CHANNELS];
  uint8_t shift[RM_BUCKETS], max_symbol[RM_BUCKETS];
  uint16_t active[RM_CHANNELS];
  uint16_t bias[RM_CHANNELS];
  int8_t offset[RM_CHANNELS];
  uint8_t bucket[WALLOC_MODEL_KEYS];
  walloc_tap_list lists[RM_CHANNELS];
  walloc_tap taps[RM_CHANNELS][WALLOC_MODEL_TAPS];
  walloc_freq_table *tables;
} random_model;

static void
random_table (walloc_freq_table * t, unsigned m, unsigned shift,
    unsigned *seed)
{
  unsigned n = 2 * m + 2, k, start = 0, left = 32768 - n, f;

  for (k = 0; k < WALLOC_MODEL_SYMBOLS; k++) {
    t->first[k] = 0;
    t->symbol[k].start = t->symbol[k].freq = 0;
  }
  t->shift = (uint8_t) shift;
  t->escape = (uint8_t) (n - 1);
  t->direct = shift > 0 ? 0 : t->escape;
  t->even = tap_random (seed) >> 9 & 1;
  for (k = 0; k < n; k++) {
    f = k + 1 < n ? tap_random (seed) % (left / 2 + 1) : left;
    left -= f;
    t->symbol[k].start = (uint16_t) start;
    t->symbol[k].freq = (uint16_t) (f + 1);
    t->put[k] = walloc_put_symbol_of (start, f + 1);
    t->first[k] = (int16_t) ((int) start - 32768);
    start += f + 1;
  }
}

/* max_weight: of taps; 0 for none at all */
static void
random_model_init (random_model * r, unsigned seed, int max_weight,
    unsigned max_shift)
{
  unsigned c, b, i, n;
  walloc_tap *tap;

  memset (r, 0, sizeof *r);
  r->model.info.channels = RM_CHANNELS;
  r->model.info.sets = 1;
  r->model.classes = RM_CLASSES;
  r->model.buckets = RM_BUCKETS;
  r->tables = aligned_alloc (64, RM_CLASSES * RM_BUCKETS *
      WALLOC_MODEL_FRACTIONS * sizeof *r->tables);
  for (b = 0; b < RM_BUCKETS; b++) {
    r->shift[b] = (uint8_t) (tap_random (&seed) % (max_shift + 1));
    r->max_symbol[b] = (uint8_t) (1 + tap_random (&seed) % 15);
  }
  for (i = 0; i < WALLOC_MODEL_KEYS; i++)
    r->bucket[i] = (uint8_t) (i * RM_BUCKETS / WALLOC_MODEL_KEYS);
  r->max_symbol[0] = 1;
  r->max_symbol[RM_BUCKETS - 1] = 15;
  for (c = 0; c < RM_CHANNELS; c++) {
    r->class[c] = (uint8_t) (tap_random (&seed) % RM_CLASSES);
    r->active[c] = (uint16_t) (1 + tap_random (&seed) % 32767);
    r->bias[c] = (uint16_t) (1 + tap_random (&seed) % 500);
    r->offset[c] = (int8_t) ((int) (tap_random (&seed) % 60) - 30);
    n = max_weight > 0 ? 1 + tap_random (&seed) % WALLOC_MODEL_TAPS : 0;
    for (i = 0; i < n; i++) {
      tap = &r->taps[c][i];
      tap->plane = (uint16_t) (tap_random (&seed) % (c + 1));
      tap->dy = (int8_t) (tap_random (&seed) % 5) - 2;
      tap->dx = (int8_t) (tap_random (&seed) % 5) - 2;
      if (tap->plane == c && (tap->dy > 0 || (tap->dy == 0 && tap->dx >= 0))) {
        tap->dy = 0;
        tap->dx = (int8_t) (-1 - (int) (tap_random (&seed) % 2));
      }
      tap->weight = (int16_t) (1 + (int) (tap_random (&seed) %
              (2 * (unsigned) max_weight)) - max_weight);
      if (tap->weight == 0)
        tap->weight = (int16_t) max_weight;
    }
    r->lists[c].tap = r->taps[c];
    /* some channels without any mean, as models have them */
    r->lists[c].count[0] = (uint8_t) (c % 2 ? 0 : tap_random (&seed) % (n + 1));
    r->lists[c].count[1] = (uint8_t) (n - r->lists[c].count[0]);
    for (i = r->lists[c].count[0]; i < n; i++)
      r->taps[c][i].weight = (int16_t) (1 + abs (r->taps[c][i].weight) % 90);
  }
  for (i = 0; i < RM_CLASSES * RM_BUCKETS * WALLOC_MODEL_FRACTIONS; i++)
    random_table (&r->tables[i],
        r->max_symbol[i / WALLOC_MODEL_FRACTIONS % RM_BUCKETS],
        r->shift[i / WALLOC_MODEL_FRACTIONS % RM_BUCKETS], &seed);
  r->model.group = r->group;
  r->model.class = r->class;
  r->model.shift = r->shift;
  r->model.max_symbol = r->max_symbol;
  r->model.set[0].bias_s = r->bias;
  r->model.set[0].offset = r->offset;
  r->model.set[0].cap = (uint8_t) (seed % 3 ? 1 + (seed >> 8) % 22 : 22);
  r->model.bucket = r->bucket;
  r->model.set[0].active = r->active;
  r->model.set[0].taps = r->lists;
  r->model.set[0].tables = r->tables;
}

/* Turns the later half of every channel's taps of each kind into taps of the
 * frame before. */
static inline void
random_model_before (random_model * r)
{
  walloc_tap sorted[WALLOC_MODEL_TAPS];
  walloc_tap_list *list;
  unsigned c, kind, i, n, half[2], from[2], at;

  for (c = 0; c < RM_CHANNELS; c++) {
    list = &r->lists[c];
    from[0] = 0;
    from[1] = list->count[0];
    at = 0;
    for (kind = 0; kind < WALLOC_TAP_KINDS; kind++) {
      half[kind & 1] = list->count[kind & 1] / 2;
      n = kind < 2 ? (unsigned) list->count[kind] - half[kind] : half[kind & 1];
      for (i = 0; i < n; i++)
        sorted[at++] = r->taps[c][from[kind & 1]++];
    }
    for (kind = 0; kind < 2; kind++) {
      list->count[kind + 2] = list->count[kind] / 2;
      list->count[kind] = (uint8_t) (list->count[kind] - list->count[kind + 2]);
    }
    memcpy (r->taps[c], sorted, at * sizeof *sorted);
  }
  r->model.set[0].before = 1;
}

static void
random_model_clear (random_model * r)
{
  free (r->tables);
}

#endif
