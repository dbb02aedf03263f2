/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Model files: whatever loads must be safe to code with. */
#include <walloc/model.h>

#include <stdlib.h>

#include "model/model.h"

int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);

static void
require (int condition)
{
  if (!condition)
    abort ();
}

static void
check_taps (const walloc_model_set * set, unsigned channel)
{
  const walloc_tap_list *list = &set->taps[channel];
  const walloc_tap *t = list->tap;
  int sum = 0, n = 0, kind, i, spread = set->bias_s[channel];

  for (kind = 0; kind < WALLOC_TAP_KINDS; kind++)
    for (i = 0; i < list->count[kind]; i++, t++) {
      require (++n <= WALLOC_MODEL_TAPS);
      require (t->plane <= channel && abs (t->dy) <= 2 && abs (t->dx) <= 2 &&
          abs (t->weight) <= 2047);
      require (kind >= WALLOC_TAP_MEAN_BEFORE || t->plane < channel ||
          t->dy < 0 || (t->dy == 0 && t->dx < 0));
      if (kind == WALLOC_TAP_MEAN || kind == WALLOC_TAP_MEAN_BEFORE)
        sum += abs (t->weight);
      else
        spread += t->weight * set->cap;
      require (kind % 2 == 0 || t->weight > 0);
    }
  require (sum <= 768);
  require (spread >= 1 && spread <= 65535);
}

static void
check_table (const walloc_freq_table * t, unsigned symbols)
{
  unsigned k, sum = 0;

  for (k = 0; k < symbols; k++) {
    require (t->symbol[k].start == sum && t->symbol[k].freq > 0);
    require (t->first[k] == (int) sum - 32768);
    sum += t->symbol[k].freq;
    require ((unsigned __int128) UINT32_MAX * t->put[k].reciprocal >> 64 ==
        UINT32_MAX / t->symbol[k].freq - (t->symbol[k].freq == 1));
  }
  require (sum == 32768);
  for (; k < WALLOC_MODEL_SYMBOLS; k++)
    require (t->first[k] == 0);
}

static void
check_model (const walloc_model * m)
{
  unsigned s, c, b, f, q, step, channels;

  for (q = 1; q <= 100; q++) {
    require (walloc_model_quality (m, q, &step, &channels) == WALLOC_OK);
    require (step <= (m->info.media == WALLOC_MEDIA_AUDIO ? 511 : 176) &&
        channels >= 1 && channels <= m->info.channels);
    require (walloc_model_set_of_step (m, step) < m->info.sets);
  }
  for (c = 0; c < m->info.channels; c++)
    require (m->class[c] < m->classes && m->group[c] <= WALLOC_GROUP_DETAIL);
  for (b = 0; b < WALLOC_MODEL_KEYS; b++)
    require (m->bucket[b] < m->buckets);
  for (s = 0; s < m->info.sets; s++) {
    for (c = 0; c < m->info.channels; c++) {
      check_taps (&m->set[s], c);
      require (m->set[s].active[c] >= 1 && m->set[s].active[c] <= 32767);
      for (b = 0; b < m->buckets; b++)
        for (f = 0; f < WALLOC_MODEL_FRACTIONS; f++)
          check_table (walloc_model_table (m, s, c, b, f),
              2u * m->max_symbol[b] + 2);
    }
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  /* small enough to see a header that asks for much more than it brings */
  walloc_allocator allocator = { NULL, NULL, NULL, (size_t) 64 << 20 };
  walloc_model *model;
  walloc_error error;

  if (walloc_model_load_memory (data, size, &allocator, &model, &error) ==
      WALLOC_OK) {
    check_model (model);
    walloc_model_unref (model);
  } else {
    require (model == NULL && error.text[0] != '\0');
  }
  return 0;
}
