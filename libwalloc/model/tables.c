/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables of the latent coder: docs/bitstream.md, section 3. */
#include <string.h>

#include "model/loader.h"

#define TAP_FIELDS 5
#define MAX_TAP_WEIGHT 2047
/* Prediction of at most 3 times the greatest latent: then hi of section 3.3
 * always fits the escape code of 15 bits. */
#define MAX_MEAN_WEIGHT 768
/* Spreads are 16 bits wide. */
#define MAX_SPREAD 65535
#define EVEN_SHARE 26000        /* of 32768: see walloc_freq_table */
#define ACTIVE_TOTAL 32768
#define FREQ_TOTAL 32768
#define Z ((size_t) 0)          /* ends lists of dimensions */

/* One row of codec.tap; 1 when kept, 0 when unused, -1 on failure. */
static int
read_tap (walloc_loader * l, const int16_t * row, unsigned set,
    unsigned channel, unsigned index, walloc_tap * tap)
{
  const char *problem = NULL;

  if (row[0] == -1)
    return 0;
  if (row[0] < 0 || row[0] >= WALLOC_TAP_KINDS)
    problem = "the kind is not -1 to 3";
  else if (row[1] < 0 || row[1] > (int) channel)
    problem = "the plane comes after the channel or does not exist";
  else if (row[2] < -2 || row[2] > 2 || row[3] < -2 || row[3] > 2)
    problem = "the position is not within -2 to 2";
  else if (row[1] == (int) channel && row[0] <= WALLOC_TAP_SPREAD &&
      !(row[2] < 0 || (row[2] == 0 && row[3] < 0)))
    problem = "the neighbour is not coded before the latent";
  else if (row[4] < -MAX_TAP_WEIGHT || row[4] > MAX_TAP_WEIGHT)
    problem = "the weight is not within -2047 to 2047";
  else if (row[4] < 0 && (row[0] & 1) == WALLOC_TAP_SPREAD)
    problem = "the weight of a magnitude is negative";
  if (problem != NULL) {
    walloc_loader_fail (l, "codec.tap: set %u, channel %u, tap %u: %s", set,
        channel, index, problem);
    return -1;
  }
  tap->plane = (uint16_t) row[1];
  tap->dy = (int8_t) row[2];
  tap->dx = (int8_t) row[3];
  tap->weight = row[4];
  return row[4] != 0;
}

/* Taps of one channel, sorted by kind. */
static int
read_taps (walloc_loader * l, const int16_t * rows, unsigned set,
    unsigned channel, walloc_tap * out, walloc_tap_list * list)
{
  walloc_model_set *s = &l->model->set[set];
  walloc_tap tap;
  unsigned i, n = 0, sum = 0, most = s->bias_s[channel];
  int kind, keep;

  memset (&tap, 0, sizeof tap);
  memset (list, 0, sizeof *list);
  for (kind = 0; kind < WALLOC_TAP_KINDS; kind++) {
    for (i = 0; i < WALLOC_MODEL_TAPS; i++) {
      keep = read_tap (l, rows + TAP_FIELDS * i, set, channel, i, &tap);
      if (keep < 0)
        return 0;
      if (keep == 0 || rows[TAP_FIELDS * i] != kind)
        continue;
      out[n++] = tap;
      list->count[kind]++;
      if (kind == WALLOC_TAP_MEAN || kind == WALLOC_TAP_MEAN_BEFORE)
        sum += (unsigned) (tap.weight < 0 ? -tap.weight : tap.weight);
      else
        most += (unsigned) tap.weight * s->cap;
    }
  }
  if (most > MAX_SPREAD)
    return walloc_loader_fail (l,
        "codec.tap: set %u, channel %u: bias and weights of magnitudes up to "
        "%u add up to %u, more than %d", set, channel, s->cap, most,
        MAX_SPREAD);
  if (sum > MAX_MEAN_WEIGHT)
    return walloc_loader_fail (l,
        "codec.tap: set %u, channel %u: mean weights add up to %u, more than "
        "%u", set, channel, sum, MAX_MEAN_WEIGHT);
  list->tap = out;
  return 1;
}

static int
load_taps (walloc_loader * l)
{
  walloc_model *m = l->model;
  size_t lists = (size_t) m->info.sets * m->info.channels, i;
  const int16_t *rows;
  walloc_tap_list *list;
  walloc_tap *taps;
  unsigned set, channel;

  rows = walloc_loader_fetch (l, "codec.tap", "I16", (size_t) m->info.sets,
      (size_t) m->info.channels, (size_t) WALLOC_MODEL_TAPS,
      (size_t) TAP_FIELDS, Z);
  taps = walloc_loader_alloc (l, lists * WALLOC_MODEL_TAPS, sizeof *taps);
  list = walloc_loader_alloc (l, lists, sizeof *list);
  if (l->result != WALLOC_OK)
    return 0;
  for (i = 0; i < lists; i++) {
    set = (unsigned) (i / m->info.channels);
    channel = (unsigned) (i % m->info.channels);
    if (!read_taps (l, rows + i * WALLOC_MODEL_TAPS * TAP_FIELDS, set,
            channel, taps + i * WALLOC_MODEL_TAPS, list + i))
      return 0;
    m->set[set].before |= list[i].count[WALLOC_TAP_MEAN_BEFORE] > 0 ||
        list[i].count[WALLOC_TAP_SPREAD_BEFORE] > 0;
  }
  for (set = 0; set < m->info.sets; set++)
    m->set[set].taps = list + set * (size_t) m->info.channels;
  return 1;
}

/* One row of codec.freq; the text says what is wrong, or NULL. */
static const char *
read_table (const uint16_t * freq, unsigned symbols, unsigned shift,
    walloc_freq_table * t)
{
  unsigned k, sum = 0;

  for (k = 0; k < WALLOC_MODEL_SYMBOLS; k++) {
    t->first[k] = 0;
    if (k >= symbols && freq[k] != 0)
      return "an entry behind the escape symbol is not 0";
    if (k < symbols && freq[k] == 0)
      return "a symbol has frequency 0";
    if (freq[k] == 0)
      continue;
    if (freq[k] > FREQ_TOTAL - sum)
      return "the sum is not 32768";
    t->symbol[k].start = (uint16_t) sum;
    t->symbol[k].freq = freq[k];
    t->put[k] = walloc_put_symbol_of (sum, freq[k]);
    t->first[k] = (int16_t) ((int) sum - FREQ_TOTAL);
    sum += freq[k];
  }
  t->shift = (uint8_t) shift;
  t->escape = (uint8_t) (symbols - 1);
  t->direct = shift > 0 ? 0 : t->escape;
  t->even = freq[0] < EVEN_SHARE;
  return sum == FREQ_TOTAL ? NULL : "the sum is not 32768";
}

static int
load_frequencies (walloc_loader * l)
{
  walloc_model *m = l->model;
  size_t per_set, n, i;
  const uint16_t *freq;
  const char *problem;
  walloc_freq_table *tables;
  unsigned bucket, set;

  freq = walloc_loader_fetch (l, "codec.freq", "U16", (size_t) m->info.sets,
      (size_t) m->classes, (size_t) m->buckets,
      (size_t) WALLOC_MODEL_FRACTIONS, (size_t) WALLOC_MODEL_SYMBOLS, Z);
  per_set = (size_t) m->classes * m->buckets * WALLOC_MODEL_FRACTIONS;
  n = per_set * m->info.sets;
  tables = walloc_loader_alloc (l, n, sizeof *tables);
  if (l->result != WALLOC_OK)
    return 0;
  for (i = 0; i < n; i++) {
    bucket = (unsigned) (i / WALLOC_MODEL_FRACTIONS % m->buckets);
    problem = read_table (freq + i * WALLOC_MODEL_SYMBOLS,
        2u * m->max_symbol[bucket] + 2, m->shift[bucket], tables + i);
    if (problem != NULL)
      return walloc_loader_fail (l,
          "codec.freq: set %u, class %u, bucket %u, table %u: %s",
          (unsigned) (i / per_set),
          (unsigned) (i / WALLOC_MODEL_FRACTIONS / m->buckets % m->classes),
          bucket, (unsigned) (i % WALLOC_MODEL_FRACTIONS), problem);
  }
  for (set = 0; set < m->info.sets; set++)
    m->set[set].tables = tables + set * per_set;
  return 1;
}

/* Numbers of buckets and classes, and what is said per bucket. */
static int
load_buckets (walloc_loader * l)
{
  static const uint64_t any[5] = { 0 };
  walloc_model *m = l->model;
  const walloc_tensor *shift, *freq;
  unsigned b;

  shift = walloc_loader_find (l, "codec.shift", "U8", 1, any);
  if (shift == NULL)
    return 0;
  if (shift->dims[0] < 2 || shift->dims[0] > WALLOC_MODEL_MAX_BUCKETS)
    return walloc_loader_fail (l, "codec.shift: %llu buckets are not 2 to %d",
        (unsigned long long) shift->dims[0], WALLOC_MODEL_MAX_BUCKETS);
  m->buckets = (unsigned) shift->dims[0];
  freq = walloc_loader_find (l, "codec.freq", "U16", 5, any);
  if (freq == NULL)
    return 0;
  if (freq->dims[1] < 1 || freq->dims[1] > WALLOC_MODEL_MAX_CLASSES)
    return walloc_loader_fail (l, "codec.freq: %llu classes are not 1 to %d",
        (unsigned long long) freq->dims[1], WALLOC_MODEL_MAX_CLASSES);
  m->classes = (unsigned) freq->dims[1];
  m->shift = walloc_loader_fetch (l, "codec.shift", "U8",
      (size_t) m->buckets, Z);
  m->max_symbol = walloc_loader_fetch (l, "codec.max_symbol", "U8",
      (size_t) m->buckets, Z);
  m->bucket = walloc_loader_fetch (l, "codec.bucket", "U8",
      (size_t) WALLOC_MODEL_KEYS, Z);
  if (l->result != WALLOC_OK)
    return 0;
  for (b = 0; b < WALLOC_MODEL_KEYS; b++)
    if (m->bucket[b] >= m->buckets)
      return walloc_loader_fail (l,
          "codec.bucket: %u of key %u is not below the %u buckets",
          m->bucket[b], b, m->buckets);
  for (b = 0; b < m->buckets; b++) {
    if (m->shift[b] > 12)
      return walloc_loader_fail (l, "codec.shift: %u of bucket %u exceeds 12",
          m->shift[b], b);
    if (m->max_symbol[b] < 1 || m->max_symbol[b] > 15)
      return walloc_loader_fail (l,
          "codec.max_symbol: %u of bucket %u is not 1 to 15",
          m->max_symbol[b], b);
  }
  return 1;
}

/* What is said per set and channel, taps and tables aside. */
static int
load_sets (walloc_loader * l)
{
  walloc_model *m = l->model;
  size_t sets = m->info.sets, channels = m->info.channels, i;
  const uint16_t *active, *bias;
  const uint8_t *cap;
  const int8_t *offset;
  unsigned s;

  bias = walloc_loader_fetch (l, "codec.bias_s", "U16", sets, channels, Z);
  offset = walloc_loader_fetch (l, "codec.offset", "I8", sets, channels, Z);
  cap = walloc_loader_fetch (l, "codec.cap", "U8", sets, Z);
  active = walloc_loader_fetch (l, "codec.active", "U16", sets, channels, Z);
  m->class = walloc_loader_fetch (l, "codec.class", "U8", channels, Z);
  if (l->result != WALLOC_OK)
    return 0;
  for (i = 0; i < sets * channels; i++) {
    if (bias[i] < 1)
      return walloc_loader_fail (l,
          "codec.bias_s: 0 in set %u, channel %u; 1 is the least",
          (unsigned) (i / channels), (unsigned) (i % channels));
    if (active[i] < 1 || active[i] >= ACTIVE_TOTAL)
      return walloc_loader_fail (l,
          "codec.active: %u of set %u, channel %u is not 1 to 32767",
          active[i], (unsigned) (i / channels), (unsigned) (i % channels));
  }
  for (s = 0; s < sets; s++)
    if (cap[s] < 1)
      return walloc_loader_fail (l, "codec.cap: 0 in set %u; 1 is the least",
          s);
  for (i = 0; i < channels; i++)
    if (m->class[i] >= m->classes)
      return walloc_loader_fail (l,
          "codec.class: %u of channel %u is not below the %u classes",
          m->class[i], (unsigned) i, m->classes);
  for (s = 0; s < sets; s++) {
    m->set[s].bias_s = bias + s * channels;
    m->set[s].offset = offset + s * channels;
    m->set[s].cap = cap[s];
    m->set[s].active = active + s * channels;
  }
  return 1;
}

int
walloc_loader_coder (walloc_loader * l)
{
  return load_buckets (l) && load_sets (l) && load_taps (l) &&
      load_frequencies (l);
}
