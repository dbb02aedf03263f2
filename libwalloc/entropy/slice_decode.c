/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decoding one slice. Everything that does not depend on the latents just
 * left of the current one is computed a row at a time before. */
#include "common/crc16.h"
#include "entropy/rans.h"
#include "entropy/skip.h"
#include "entropy/slice.h"

#include <string.h>
#ifdef __SSE2__
# include <emmintrin.h>
#endif

#include "transform/clones.h"

/* One escaped value, or INT32_MIN when no encoder writes such a length. */
static __attribute__((noinline))
     int get_escape (walloc_rans_reader * r, unsigned m)
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

/* Symbol of a slot, which may be symbol 0's. */
WALLOC_INLINE unsigned
find_symbol (const walloc_freq_table * table, int slot)
{
  unsigned symbol = 0;

#ifdef __SSE2__
  const __m128i s = _mm_set1_epi16 ((short) slot);
  const __m128i *last = (const __m128i *) table->last;
  unsigned mask = (unsigned) _mm_movemask_epi8 (_mm_packs_epi16
      (_mm_cmpgt_epi16 (s, _mm_load_si128 (last)),
          _mm_cmpgt_epi16 (s, _mm_load_si128 (last + 1))));

  /* one bit per entry below the slot, from the lowest on */
  if (mask != 0xffff)
    return (unsigned) __builtin_ctz (~mask);
  symbol = 16;
#endif
  while (slot > table->last[symbol])
    symbol++;
  return symbol;
}

/* Classes of the fractions -128 to 127. */
static const uint8_t fraction_class[256] = {
  [0 ... 48] = 3,[49 ... 80] = 2,[81 ... 112] = 1,[144 ... 175] = 1,
  [176 ... 207] = 2,[208 ... 255] = 3
};

/* What a row is decoded with. */
typedef struct
{
  const walloc_context *context;
  const int32_t *mean;
  const uint16_t *spread;
  int16_t *row;
  uint8_t *magnitude;
  const uint8_t *skip;
  unsigned width;
} row_job;

/* One row; 0 when a latent is out of range. has_mean and between (some cells
 * are skipped) are constants in every caller. */
WALLOC_INLINE int
get_row (walloc_rans_reader * reader, const row_job * job, int has_mean,
    int between)
{
  const walloc_context *context = job->context;
  const walloc_freq_table *table;
  /* a reader of its own for what is rare keeps this one in registers */
  walloc_rans_reader r = *reader, rare;
  int32_t a1 = context->near_mean[0], a2 = context->near_mean[1];
  uint32_t c1 = context->near_spread[0], c2 = context->near_spread[1];
  int32_t q, q1 = 0, q2 = 0, m, pred = 0, frac, flip = 0;
  uint32_t s1 = 0, s2 = 0, cap = context->cap, symbol;
  unsigned x, f = 0;
  int slot;

  for (x = 0; x < job->width; x++) {
    if (has_mean) {
      m = job->mean[x] + a1 * q1 + a2 * q2;
      pred = (m + 128) >> 8;
      frac = (m + 128) & 255;   /* and 128 more than it is */
      flip = (frac - 128) >> 31;
      f = fraction_class[frac];
      pred = pred > WALLOC_LATENT_MAX ? WALLOC_LATENT_MAX : pred;
      pred = pred < -WALLOC_LATENT_MAX ? -WALLOC_LATENT_MAX : pred;
      q2 = q1;
    }
    if (between && job->skip[x]) {
      q1 = job->row[x];
      q = q1 - pred;
    } else {
      table = context->table[walloc_context_key (job->spread[x] + c1 * s1 +
              c2 * s2) * WALLOC_MODEL_FRACTIONS + f];
      slot = (int) walloc_rans_peek (&r);
      /* where zero is by far the likeliest, a branch lets the next latent
       * begin before this one is certain */
      q = 0;
      symbol = 0;
      if (table->even || slot > table->last[0]) {
        symbol = find_symbol (table, slot);
        q = (int) (symbol + 1) >> 1;
        q = symbol & 1 ? q : -q;
      }
      walloc_rans_take (&r, (uint32_t) slot, table->symbol[symbol].start,
          table->symbol[symbol].freq);
      if (symbol >= table->direct) {
        if (symbol == table->escape) {
          rare = r;
          q = get_escape (&rare, table->escape / 2);
          r = rare;
          if (q == INT32_MIN)
            return 0;
        }
        if (table->shift > 0)
          q = (int32_t) ((uint32_t) q << table->shift |
              walloc_rans_raw (&r, table->shift));
      }
      q1 = has_mean ? ((q ^ flip) - flip) + pred : q;
      if ((uint32_t) q1 + WALLOC_LATENT_MAX > 2 * WALLOC_LATENT_MAX)
        return 0;
      job->row[x] = (int16_t) q1;
    }
    s2 = s1;
    s1 = (uint32_t) (q < 0 ? -q : q);
    s1 = s1 < cap ? s1 : cap;
    job->magnitude[x] = (uint8_t) s1;
  }
  *reader = r;
  return !r.over;
}

WALLOC_CLONES static int
get_row_mean (walloc_rans_reader * reader, const row_job * job)
{
  return get_row (reader, job, 1, 0);
}

WALLOC_CLONES static int
get_row_plain (walloc_rans_reader * reader, const row_job * job)
{
  return get_row (reader, job, 0, 0);
}

WALLOC_CLONES static int
get_row_between (walloc_rans_reader * reader, const row_job * job)
{
  return get_row (reader, job, job->context->has_mean, 1);
}

/* Zero where nothing is kept from the frame before. */
static void
clear_plane (const walloc_slice * slice, unsigned channel)
{
  int16_t *row = slice->planes + channel * slice->plane_stride;
  const uint8_t *skip = slice->skip;
  unsigned y, x;

  for (y = 0; y < slice->rows; y++, row += slice->stride) {
    if (skip == NULL) {
      memset (row, 0, slice->width * sizeof *row);
      continue;
    }
    for (x = 0; x < slice->width; x++)
      row[x] = (int16_t) (skip[x] ? row[x] : 0);
    skip += slice->skip_stride;
  }
}

static int
get_plane (walloc_rans_reader * r, const walloc_slice_coder * coder,
    const walloc_slice * slice, const walloc_slice_areas * areas, unsigned c)
{
  walloc_context context;
  row_job job;
  size_t offset = 0;
  unsigned y;
  int good = 1;

  walloc_context_prepare (&context, coder->model, coder->set, c, slice->live,
      &areas->planes, 1);
  job.context = &context;
  job.mean = areas->mean;
  job.spread = areas->spread;
  job.row = slice->planes + c * slice->plane_stride;
  job.magnitude = areas->magnitudes + c * slice->plane_stride;
  job.skip = slice->skip;
  job.width = slice->width;
  for (y = 0; y < slice->rows && good; y++) {
    if (slice->skip == NULL || walloc_slice_near_coded (slice, y)) {
      if (context.has_mean)
        walloc_context_mean (&context, offset, slice->width, areas->mean);
      walloc_context_spread (&context, offset, slice->width, areas->spread);
      if (slice->skip != NULL)
        good = get_row_between (r, &job);
      else if (context.has_mean)
        good = get_row_mean (r, &job);
      else
        good = get_row_plain (r, &job);
    }
    walloc_slice_end_row (slice, job.magnitude);
    job.row += slice->stride;
    job.magnitude += slice->stride;
    offset += slice->stride;
    if (slice->skip != NULL)
      job.skip += slice->skip_stride;
  }
  return good;
}

/* Magnitudes of a channel of which nothing is coded, but which may have
 * skipped cells. */
static void
measure_plane (const walloc_slice_coder * coder, const walloc_slice * slice,
    const walloc_slice_areas * areas, unsigned c)
{
  const int16_t *row = slice->planes + c * slice->plane_stride;
  uint8_t *to = areas->magnitudes + c * slice->plane_stride;
  unsigned y;

  for (y = 0; y < slice->rows; y++) {
    walloc_context_magnitudes (row, slice->width,
        coder->model->set[coder->set].cap, to);
    walloc_slice_end_row (slice, to);
    row += slice->stride;
    to += slice->stride;
  }
}

/* The same for a whole layer. */
static void
measure_channels (const walloc_slice_coder * coder, const walloc_slice * slice,
    unsigned first, unsigned end)
{
  walloc_slice_areas areas;

  walloc_slice_begin (coder, slice, first, end, 0, &areas);
  for (; first < end; first++)
    if (coder->present[first])
      measure_plane (coder, slice, &areas, first);
}

static int
get_layer (walloc_rans_reader * r, const walloc_slice_coder * coder,
    walloc_slice * slice, unsigned layer)
{
  const uint16_t *frequency = coder->model->set[coder->set].active;
  unsigned c = walloc_slice_layer_first (coder, layer), active;
  walloc_slice_areas areas;
  uint32_t slot, zero;
  int good = 1;

  walloc_slice_begin (coder, slice, c, coder->end[layer], 0, &areas);
  for (; good && c < coder->end[layer]; c++) {
    active = 0;
    if (coder->present[c]) {
      slot = walloc_rans_peek (r);
      zero = 32768u - frequency[c];
      active = slot >= zero;
      walloc_rans_take (r, slot, active ? zero : 0,
          active ? frequency[c] : zero);
    }
    slice->live[c] = (uint8_t) (slice->skip != NULL ? coder->present[c] :
        active);
    if (active) {
      good = get_plane (r, coder, slice, &areas, c);
    } else {
      clear_plane (slice, c);
      if (slice->live[c])
        measure_plane (coder, slice, &areas, c);
    }
  }
  return good && walloc_rans_good (r);
}

static void
skip_all (walloc_slice * slice)
{
  unsigned y;

  for (y = 0; y < slice->rows; y++)
    memset (slice->skip + y * slice->skip_stride, 1, slice->width);
}

/* The channels from first up to end - 1 when nothing of them is coded. */
static void
clear_channels (const walloc_slice_coder * coder, walloc_slice * slice,
    unsigned first, unsigned end)
{
  for (; first < end; first++) {
    slice->live[first] = (uint8_t) (slice->skip != NULL &&
        coder->present[first]);
    clear_plane (slice, first);
  }
}

void
walloc_slice_lose (const walloc_slice_coder * coder, walloc_slice * slice,
    unsigned layer)
{
  if (slice->skip != NULL && layer == 0)
    skip_all (slice);
  clear_channels (coder, slice, walloc_slice_layer_first (coder, layer),
      coder->channels);
}

walloc_result
walloc_slice_decode (const walloc_slice_coder * coder, walloc_slice * slice,
    unsigned layer, const uint8_t * data, size_t size)
{
  walloc_rans_reader r;
  unsigned first = walloc_slice_layer_first (coder, layer);

  if (slice->skip != NULL && slice->previous == NULL &&
      coder->model->set[coder->set].before)
    return WALLOC_ERR_ARGUMENT;
  if (size == 0) {
    if (slice->skip != NULL && layer == 0)
      skip_all (slice);
    clear_channels (coder, slice, first, coder->end[layer]);
    if (slice->skip != NULL)
      measure_channels (coder, slice, first, coder->end[layer]);
    return WALLOC_OK;
  }
  if (size < WALLOC_SLICE_LEAST ||
      walloc_crc16 (data, size - WALLOC_SLICE_CHECK) !=
      walloc_get_u16 (data + size - WALLOC_SLICE_CHECK) ||
      !walloc_rans_reader_init (&r, data, size - WALLOC_SLICE_CHECK)) {
    walloc_slice_lose (coder, slice, layer);
    return WALLOC_ERR_CORRUPT;
  }
  if (slice->skip != NULL && layer == 0)
    walloc_skip_get (&r, slice);
  if (get_layer (&r, coder, slice, layer))
    return WALLOC_OK;
  clear_channels (coder, slice, first, coder->channels);
  if (slice->skip != NULL && layer == 0)
    skip_all (slice);
  return WALLOC_ERR_CORRUPT;
}
