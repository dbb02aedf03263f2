/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The latent coder: rANS items, contexts against a direct reading of
 * docs/bitstream.md, round trips with random tables, and damage. */
#include "common/crc16.h"
#include "entropy/rans.h"

#include <math.h>

#include "slice_fixture.h"

static void
test_rans (void)
{
  uint8_t buffer[8192], fast[8192];
  uint32_t start[1500], freq[1500], slot;
  walloc_rans_writer w;
  walloc_put_symbol put;
  walloc_rans_reader r = { 0 };
  unsigned seed = 5, n, i, bad = 0, lengths[] = { 0, 1, 2, 3, 1500 }, l;
  size_t size;

  for (l = 0; l < 5; l++) {
    n = lengths[l];
    for (i = 0; i < n; i++) {
      freq[i] = i & 1 ? 1 + tap_random (&seed) % 32767 : 1 +
          tap_random (&seed) % 3;
      start[i] = tap_random (&seed) % (32769 - freq[i]);
    }
    walloc_rans_writer_init (&w, buffer + sizeof buffer);
    for (i = n; i-- > 0;)
      walloc_rans_put (&w, start[i], freq[i]);
    walloc_rans_finish (&w);
    size = (size_t) (buffer + sizeof buffer - w.p);
    walloc_rans_writer_init (&w, fast + sizeof fast);
    for (i = n; i-- > 0;) {
      put = walloc_put_symbol_of (start[i], freq[i]);
      walloc_rans_put_symbol (&w, put.reciprocal, put.limit, put.add, put.left);
    }
    walloc_rans_finish (&w);
    bad += memcmp (buffer + sizeof buffer -
        size, fast + sizeof fast - size, size) != 0;
    bad += !walloc_rans_reader_init (&r, w.p, size);
    for (i = 0; i < n; i++) {
      slot = walloc_rans_peek (&r);
      bad += slot < start[i] || slot >= start[i] + freq[i];
      walloc_rans_take (&r, slot, start[i], freq[i]);
    }
    bad += !walloc_rans_good (&r);
    TAP_OK (bad == 0, "rANS: %u items come back, %zu bytes", n, size);
  }
  TAP_OK (!walloc_rans_reader_init (&r, buffer, 7), "rANS: 7 bytes are few");
  memset (buffer, 0, 8);
  TAP_OK (!walloc_rans_reader_init (&r, buffer, 8), "rANS: states of 0");
}

/* Magnitudes as direct_context() has found them. */
static uint8_t magnitude[RM_CHANNELS][8][128];

/* Section 3.2 word by word. */
static void
direct_context (const fixture * f, const random_model * r, unsigned c,
    int y, int x, int *pred, int *flip, unsigned *context)
{
  const walloc_tap_list *list = &r->lists[c];
  int64_t m = 0, s = r->bias[c];
  unsigned i, key = 0, plane;
  int yy, xx, frac, residual, cap = r->model.set[0].cap;

  for (i = 0; i < (unsigned) list->count[0] + list->count[1]; i++) {
    yy = y + list->tap[i].dy;
    xx = x + list->tap[i].dx;
    plane = list->tap[i].plane;
    if (yy < 0 || yy >= (int) f->slice.rows || xx < 0 ||
        xx >= (int) f->slice.width || !f->present[plane])
      continue;
    if (i < list->count[0])
      m += *cell (f, plane, (unsigned) yy, (unsigned) xx) * list->tap[i].weight;
    else
      s += magnitude[plane][yy][xx] * list->tap[i].weight;
  }
  *pred = (int) ((m + 128) >> 8);
  frac = (int) (m - 256 * (int64_t) * pred);
  *pred = *pred > 16383 ? 16383 : *pred < -16383 ? -16383 : *pred;
  *flip = frac < 0;
  frac = abs (frac);
  /* the greatest key that begins at s or below */
  while (key < 63 && (4 + (key + 1) % 4) * pow (2, (key + 1) / 4) / 4 <= s)
    key++;
  *context = 4 * key + (frac < 16 ? 0 : frac < 48 ? 1 : frac < 80 ? 2 : 3);
  residual = abs (*cell (f, c, (unsigned) y, (unsigned) x) - *pred);
  magnitude[c][y][x] = (uint8_t) (residual < cap ? residual : cap);
}

static void
test_context (unsigned width, int max_weight, unsigned kind)
{
  random_model r;
  fixture f;
  walloc_context all, near, narrow;
  walloc_slice_areas areas;
  uint16_t number[160];
  uint8_t context[160], *to, live[RM_CHANNELS];
  uint16_t same[160], peak[RM_CHANNELS];
  uint8_t same_context[160], same_magnitude[160];
  int32_t mean[160];
  unsigned narrows = 0, bad_narrow = 0;
  unsigned seed = width, c, y, x, want, bad = 0, bad_near = 0, rows = 5;
  unsigned k, key;
  int pred, flip, expect;
  int16_t *row;

  random_model_init (&r, 77 + width, max_weight, 0);
  fixture_init (&f, &r, width, rows);
  f.present[1] = 0;
  fill (&f, kind, &seed);
  memcpy (live, f.present, sizeof live);
  for (c = 0; c < RM_CHANNELS; c++)
    peak[c] = kind == 1 ? 4 : WALLOC_LATENT_MAX;
  walloc_slice_begin (&f.coder, &f.slice, 0, RM_CHANNELS, 1, &areas);
  areas.cache->kinds.count = 0;
  for (c = 0; c < RM_CHANNELS; c++) {
    if (!live[c])
      continue;
    walloc_context_prepare (&all, &r.model, 0, c, live, &areas.planes, 0);
    walloc_context_prepare (&near, &r.model, 0, c, live, &areas.planes, 1);
    walloc_context_tables (&all, areas.cache, &r.model, 0, c);
    narrow = all;
    walloc_context_bound (&narrow, peak);
    narrows += (unsigned) (narrow.narrow && narrow.has_mean);
    bad_near += near.has_mean != all.has_mean;
    for (k = 0; k < 256; k++) {
      key = (unsigned) ((int) k / 4 + r.offset[c] < 0 ? 0 : (int) k / 4 +
          r.offset[c] > 63 ? 63 : (int) k / 4 + r.offset[c]);
      bad += all.table[k] != walloc_model_table (&r.model, 0, c,
          r.bucket[key], k % 4);
    }
    for (y = 0; y < rows; y++) {
      row = cell (&f, c, y, 0);
      to = areas.magnitudes + c * f.slice.plane_stride + y * f.slice.stride;
      walloc_context_mean (&all, y * f.slice.stride, width, areas.mean);
      walloc_context_residuals (&all, row, width, all.has_mean ? areas.mean :
          NULL, number, context, to);
      walloc_slice_end_row (&f.slice, to);
      if (narrow.narrow) {
        walloc_context_mean (&narrow, y * f.slice.stride, width, mean);
        bad_narrow += memcmp (mean, areas.mean, width * sizeof *mean) != 0;
        memset (same, 0, sizeof same);
        walloc_context_narrow_residuals (&narrow, row, y * f.slice.stride,
            width, same, same_context, same_magnitude);
        bad_narrow += memcmp (same, number, width * sizeof *same) != 0 ||
            memcmp (same_context, context, width) != 0 ||
            memcmp (same_magnitude, to, width) != 0;
      }
      walloc_context_spread (&all, y * f.slice.stride, width, areas.spread);
      walloc_context_keys (&all, y * f.slice.stride, width, context);
      for (x = 0; x < width; x++) {
        direct_context (&f, &r, c, (int) y, (int) x, &pred, &flip, &want);
        expect = flip ? pred - row[x] : row[x] - pred;
        bad += number[x] != 2 * abs (expect) - (expect > 0);
        bad += context[x] != want || to[x] != magnitude[c][y][x];
        bad += walloc_context_key (areas.spread[x]) != want / 4;
      }
      /* the decoder's split into a row part and a serial part */
      walloc_context_spread (&near, y * f.slice.stride, width, areas.spread);
      for (x = 0; x < width; x++)
        bad_near += walloc_context_key (areas.spread[x] +
            near.near_spread[0] * to[(int) x - 1] +
            near.near_spread[1] * to[(int) x - 2]) != context[x] / 4u;
    }
  }
  TAP_OK (bad == 0, "contexts as specified, width %u, weights %d, kind %u",
      width, max_weight, kind);
  TAP_OK (bad_narrow == 0 && (narrows > 0) == (kind == 1),
      "the same in 16 bits, %u channels", narrows);
  TAP_OK (bad_near == 0, "serial part adds up, width %u", width);
  random_model_clear (&r);
  fixture_clear (&f);
}

static void
test_round_trip (unsigned width, unsigned rows, unsigned kind, int max_weight,
    unsigned max_shift, unsigned absent)
{
  random_model r;
  fixture f;
  int16_t *copy;
  unsigned seed = width * 31 + rows + kind, c, bad;
  uint8_t *small;
  size_t size = 0, again = 0, words;
  walloc_result result;

  random_model_init (&r, seed, max_weight, max_shift);
  fixture_init (&f, &r, width, rows);
  for (c = 0; c < RM_CHANNELS; c++)
    f.present[c] = !(absent >> c & 1);
  fill (&f, kind, &seed);
  copy = malloc (f.elements * sizeof *copy);
  memcpy (copy, f.buffer, f.elements * sizeof *copy);
  result = walloc_slice_encode (&f.coder, &f.slice, f.out, f.capacity, &size);
  words = size;
  bad = result != WALLOC_OK;
  /* exactly enough bytes and margin is enough, fewer than needed is refused
   * without a write outside */
  small = malloc (size + 2);
  small[0] = small[size + 1] = 0xa5;
  result = size == 0 ? WALLOC_ERR_SPACE : walloc_slice_encode (&f.coder,
      &f.slice, small + 1, size - 1, &again);
  TAP_OK (result == WALLOC_ERR_SPACE && small[0] == 0xa5 &&
      small[size + 1] == 0xa5, "too small a buffer is refused");
  free (small);
  for (again = 0; again < f.elements && copy[again] == 0; again++);
  TAP_OK ((size == 0) == (again == f.elements), "%zu bytes", size);

  memset (f.slice.live, 7, sizeof f.slice.live);
  for (c = 0; c < RM_CHANNELS; c++)
    *cell (&f, c, 0, 0) ^= 1;   /* must be overwritten */
  result = walloc_slice_decode (&f.coder, &f.slice, 0,
      f.out + f.capacity - size, size);
  bad += result != WALLOC_OK;
  bad += memcmp (copy, f.buffer, f.elements * sizeof *copy) != 0;
  TAP_OK (bad == 0, "%ux%u kind %u weights %d shift %u absent %x: %zu bytes",
      width, rows, kind, max_weight, max_shift, absent, words);

  result = walloc_slice_decode (&f.coder, &f.slice, 0,
      f.out + f.capacity - size, size > 0 ? size - 1 : 1);
  bad = result != WALLOC_ERR_CORRUPT;
  for (c = 0; c < RM_CHANNELS; c++)
    bad += *cell (&f, c, 0, 0) != 0;
  TAP_OK (bad == 0, "one byte less is damage, planes are zero");
  free (copy);
  random_model_clear (&r);
  fixture_clear (&f);
}

/* Whether all cells outside of the planes are still zero and all latents in
 * range. */
static int
margins_intact (fixture * f)
{
  unsigned c, y, x;
  size_t i;

  for (c = 0; c < RM_CHANNELS; c++)
    for (y = 0; y < f->slice.rows; y++)
      for (x = 0; x < f->slice.width; x++) {
        if (abs (*cell (f, c, y, x)) > WALLOC_LATENT_MAX)
          return 0;
        *cell (f, c, y, x) = 0;
      }
  for (i = 0; i < f->elements; i++)
    if (f->buffer[i] != 0)
      return 0;
  return 1;
}

/* The checksum that a slice should end with. */
static void
mend (uint8_t * data, size_t size)
{
  if (size >= WALLOC_SLICE_CHECK)
    walloc_put_u16 (data + size - WALLOC_SLICE_CHECK,
        walloc_crc16 (data, size - WALLOC_SLICE_CHECK));
}

static void
test_checksum (void)
{
  uint8_t data[300];
  unsigned seed = 4, size, start, i, crc, bad = 0;

  for (i = 0; i < sizeof data; i++)
    data[i] = (uint8_t) (tap_random (&seed) >> 9);
  TAP_OK (walloc_crc16 ((const uint8_t *) "123456789", 9) == 0x906e,
      "the checksum's check value is the standard's");
  for (size = 0; size < 280; size++) {
    start = size % 20;
    crc = 0xffff;
    for (i = 0; i < 8 * size; i++) {
      crc ^= data[start + i / 8] >> i % 8 & 1;
      crc = crc >> 1 ^ (crc & 1 ? 0x8408 : 0);
    }
    bad += walloc_crc16 (data + start, size) != (crc ^ 0xffff);
  }
  TAP_OK (bad == 0, "280 sizes: as one bit after another");
}

/* Every bit and every length of a slice: never a crash or a write outside.
 * The checksum tells each of them. Without it a flip inside of a raw field
 * (or between symbols of equal frequency) that no context depends on leaves
 * the rest of the slice as it was, so the final states cannot tell; all
 * others are noticed. */
static void
test_damage (void)
{
  random_model r;
  fixture f;
  unsigned seed = 99, accepted = 0, tried = 0, bad = 0, i;
  size_t size, length;
  uint8_t *data;

  random_model_init (&r, 3, 300, 3);
  fixture_init (&f, &r, 19, 9);
  fill (&f, 1, &seed);
  walloc_slice_encode (&f.coder, &f.slice, f.out, f.capacity, &size);
  data = malloc (size + 64);
  memcpy (data, f.out + f.capacity - size, size);
  for (i = 0; i < size * 8; i++) {
    data[i / 8] ^= (uint8_t) (1 << i % 8);
    tried++;
    accepted += walloc_slice_decode (&f.coder, &f.slice, 0, data, size) ==
        WALLOC_OK;
    bad += !margins_intact (&f);
    data[i / 8] ^= (uint8_t) (1 << i % 8);
  }
  TAP_OK (accepted == 0, "%u of %u flips unnoticed", accepted, tried);
  tried = 0;
  for (i = 0; i < (size - WALLOC_SLICE_CHECK) * 8; i++) {
    data[i / 8] ^= (uint8_t) (1 << i % 8);
    mend (data, size);
    tried++;
    accepted += walloc_slice_decode (&f.coder, &f.slice, 0, data, size) ==
        WALLOC_OK;
    bad += !margins_intact (&f);
    data[i / 8] ^= (uint8_t) (1 << i % 8);
  }
  TAP_OK (bad == 0, "%u flips under a good checksum write nothing outside",
      tried);
  TAP_OK (accepted < tried / 4, "%u of %u unnoticed by the final states",
      accepted, tried);
  accepted = 0;
  mend (data, size);
  for (length = 1; length < size; length++)
    accepted += walloc_slice_decode (&f.coder, &f.slice, 0, data, length) ==
        WALLOC_OK;
  /* from the longest on, as mending spoils what is behind */
  for (length = size; length > 0; length--) {
    mend (data, length);
    accepted += walloc_slice_decode (&f.coder, &f.slice, 0, data, length) ==
        WALLOC_OK;
  }
  TAP_OK (accepted == 1, "all shorter lengths refused");
  memcpy (data, f.out + f.capacity - size, size);
  mend (data, size + 2);
  TAP_OK (walloc_slice_decode (&f.coder, &f.slice, 0, data, size + 2) ==
      WALLOC_ERR_CORRUPT, "bytes behind the end are damage");
  accepted = 0;
  for (i = 0; i < 20000; i++) {
    for (length = 0; length < size; length++)
      data[length] = (uint8_t) (tap_random (&seed) >> 11);
    length = 1 + tap_random (&seed) % size;
    mend (data, length);
    accepted += walloc_slice_decode (&f.coder, &f.slice, 0, data, length) ==
        WALLOC_OK;
  }
  TAP_OK (accepted == 0, "20000 random slices refused");
  free (data);
  random_model_clear (&r);
  fixture_clear (&f);
}

/* Two slices of different heights at once, by every instruction set that this
 * processor has: what one after another gives; damage in one of them does not
 * reach the other. Returns whether it was noticed, which damage of low bits is
 * not. */
static unsigned
test_several (unsigned width, unsigned rows, unsigned kind, unsigned max_shift)
{
  random_model r;
  fixture f[2];
  walloc_slice *slices[2];
  const walloc_rows_kernels *kernels;
  const uint8_t *data[2];
  uint8_t *damaged;
  walloc_result result[2];
  int16_t *copy[2];
  unsigned seed = width * 7 + rows + kind, i, k, bad, noticed = 0;
  size_t size[2];

  random_model_init (&r, seed, 200, max_shift);
  for (i = 0; i < 2; i++) {
    fixture_init (&f[i], &r, width, i ? (rows + 1) / 2 : rows);
    fill (&f[i], i ? 1 : kind, &seed);
    copy[i] = malloc (f[i].elements * sizeof *copy[i]);
    memcpy (copy[i], f[i].buffer, f[i].elements * sizeof *copy[i]);
    walloc_slice_encode (&f[i].coder, &f[i].slice, f[i].out, f[i].capacity,
        &size[i]);
    data[i] = f[i].out + f[i].capacity - size[i];
    slices[i] = &f[i].slice;
  }
  damaged = malloc (size[0]);
  memcpy (damaged, data[0], size[0]);
  damaged[size[0] / 2] ^= 16;
  mend (damaged, size[0]);
  for (k = 0; (kernels = walloc_rows_best (k)) != NULL; k++) {
    bad = 0;
    f[0].coder.kernels = kernels;
    for (i = 0; i < 2; i++)
      memset (&f[i].buffer[f[i].slice.planes - f[i].buffer], 7,
          width * sizeof *f[i].buffer);
    walloc_slice_decode_several (&f[0].coder, slices, 2, 0, data, size, result);
    for (i = 0; i < 2; i++)
      bad += result[i] != WALLOC_OK || memcmp (copy[i], f[i].buffer,
          f[i].elements * sizeof *copy[i]) != 0;
    TAP_OK (bad == 0, "%ux%u kind %u shift %u: two at once, %s", width, rows,
        kind, max_shift, kernels->isa);
    for (i = 0; i < 2; i++)
      bad += walloc_slice_decode (&f[0].coder, slices[i], 0, data[i],
          size[i]) != WALLOC_OK || memcmp (copy[i], f[i].buffer,
          f[i].elements * sizeof *copy[i]) != 0;
    TAP_OK (bad == 0, "one after the other, %s", kernels->isa);
    data[0] = damaged;
    walloc_slice_decode_several (&f[0].coder, slices, 2, 0, data, size, result);
    data[0] = f[0].out + f[0].capacity - size[0];
    noticed = result[0] == WALLOC_ERR_CORRUPT;
    bad += result[1] != WALLOC_OK
        || memcmp (copy[1], f[1].buffer, f[1].elements * sizeof *copy[1]) != 0;
    for (i = 0; noticed && i < f[0].elements; i++)
      bad += f[0].buffer[i] != 0;
    TAP_OK (bad == 0, "damage in one of them stays there, %s", kernels->isa);
  }
  TAP_OK (k > 0, "%u instruction sets", k);
  for (i = 0; i < 2; i++) {
    free (copy[i]);
    fixture_clear (&f[i]);
  }
  free (damaged);
  random_model_clear (&r);
  return noticed;
}

int
main (void)
{
  unsigned widths[] =
      { 1, 2, 3, 15, 16, 17, 31, 32, 33, 100 }, i, kind, noticed = 0;

  test_rans ();
  test_checksum ();
  for (i = 0; i < sizeof widths / sizeof *widths; i++) {
    test_context (widths[i], 60, 1);
    test_context (widths[i], 2047, 3);
    for (kind = 0; kind < 4; kind++)
      test_round_trip (widths[i], 1 + i, kind, i % 3 ? 200 : 0, i, i & 2);
  }
  test_round_trip (240, 30, 1, 64, 0, 0);
  test_round_trip (64, 16, 2, 2047, 12, 0);
  test_round_trip (64, 16, 3, 2047, 0, 0);
  test_round_trip (5, 3, 1, 64, 0, 63);
  for (i = 0; i < sizeof widths / sizeof *widths; i++)
    noticed += test_several (widths[i], 3 + i, 1 + i % 3, i % 4);
  noticed += test_several (128, 20, 1, 0);
  noticed += test_several (129, 20, 2, 0);
  noticed += test_several (300, 31, 1, 3);
  TAP_OK (noticed >= 10, "%u of 13 slices were found to be damaged", noticed);
  test_damage ();
  return tap_done ();
}
