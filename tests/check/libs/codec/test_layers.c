/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers and predicted slices of the latent coder: round trips, what stays
 * valid when a layer is lost, and that skipped cells are left alone. */
#include "common/crc16.h"
#include "entropy/rans.h"
#include "entropy/skip.h"

#include "slice_fixture.h"

static void
keep (const fixture * f, int16_t * copy)
{
  memcpy (copy, f->buffer, f->elements * sizeof *copy);
}

static int
same (const fixture * f, const int16_t * copy)
{
  return memcmp (copy, f->buffer, f->elements * sizeof *copy) == 0;
}

/* Cells of channels [first, RM_CHANNELS) that are not skipped. */
static void
set_cells (fixture * f, unsigned first, int16_t value)
{
  unsigned c, y, x;

  for (c = first; c < RM_CHANNELS; c++)
    for (y = 0; y < f->slice.rows; y++)
      for (x = 0; x < f->slice.width; x++)
        if (f->slice.skip == NULL ||
            !f->slice.skip[y * f->slice.skip_stride + x])
          *cell (f, c, y, x) = f->present[c] ? value : 0;
}

static size_t
encode (fixture * f, size_t *size)
{
  walloc_result result;
  unsigned i;
  size_t sum = 0;

  result = walloc_slice_encode (&f->coder, &f->slice, f->out, f->capacity,
      size);
  if (result != WALLOC_OK)
    return (size_t) -1;
  for (i = 0; i < f->coder.layers; i++)
    sum += size[i];
  return sum;
}

/* Layers [0, layers); the number of those that failed. */
static unsigned
decode (fixture * f, unsigned layers, const uint8_t * data, const size_t *size)
{
  unsigned i, bad = 0;

  for (i = 0; i < layers; i++) {
    bad += walloc_slice_decode (&f->coder, &f->slice, i, data, size[i]) !=
        WALLOC_OK;
    data += size[i];
  }
  return bad;
}

/* The first n channels only. */
static unsigned
decode_prefix (fixture * f, unsigned n, const uint8_t * data,
    const size_t *size)
{
  const walloc_slice_coder all = f->coder;
  unsigned ends[WALLOC_SLICE_LAYERS], layers, bad;

  for (layers = 1; all.end[layers - 1] < n; layers++)
    ends[layers - 1] = all.end[layers - 1];
  walloc_slice_coder_init (&f->coder, all.model, all.set, n, f->present);
  walloc_slice_coder_layers (&f->coder, layers, ends);
  f->coder.open = n < all.end[layers - 1];
  bad = decode (f, layers, data, size);
  f->coder = all;
  return bad;
}

/* Whether the channels below n are those of copy, and all others of last. */
static int
same_prefix (const fixture * f, unsigned n, const int16_t * copy,
    const int16_t * last)
{
  unsigned c, y;
  size_t at;

  for (c = 0; c < RM_CHANNELS; c++)
    for (y = 0; y < f->slice.rows; y++) {
      at = (size_t) (cell (f, c, y, 0) - f->buffer);
      if (memcmp (f->buffer + at, (c < n ? copy : last) + at,
              f->slice.width * sizeof *copy) != 0)
        return 0;
    }
  return 1;
}

static void
test_layers (unsigned width, unsigned rows, unsigned layers,
    const unsigned *ends, unsigned kind)
{
  random_model r;
  fixture f;
  int16_t *copy, *last;
  uint8_t *data;
  size_t size[WALLOC_SLICE_LAYERS], sum, at;
  unsigned seed = width + kind, bad, k, c, first;

  random_model_init (&r, 5 + width, 200, 2);
  fixture_init (&f, &r, width, rows);
  walloc_slice_coder_layers (&f.coder, layers, ends);
  f.present[2] = 0;
  fill (&f, kind, &seed);
  copy = malloc (f.elements * sizeof *copy);
  keep (&f, copy);
  sum = encode (&f, size);
  data = f.out + f.capacity - sum;
  set_cells (&f, 0, 77);
  bad = sum == (size_t) -1 || decode (&f, layers, data, size) > 0;
  TAP_OK (!bad && same (&f, copy), "%u layers of %ux%u, kind %u: %zu bytes",
      layers, width, rows, kind, sum);

  last = malloc (f.elements * sizeof *last);
  set_cells (&f, 0, 77);
  keep (&f, last);
  for (k = 1, bad = 0; k <= RM_CHANNELS; k++) {
    memcpy (f.buffer, last, f.elements * sizeof *last);
    bad += decode_prefix (&f, k, data, size);
    bad += !same_prefix (&f, k, copy, last);
  }
  TAP_OK (bad == 0, "the first channels only");
  for (k = 1, bad = 0; k <= RM_CHANNELS && size[0] > 0; k++) {
    data[size[0] - 3] ^= 16;
    bad += decode_prefix (&f, k, data, size) == 0;
    data[size[0] - 3] ^= 16;
  }
  TAP_OK (bad == 0, "and damage behind them, in their layer");
  free (last);

  /* dropping layers leaves the others as they are */
  for (k = 1; k < layers; k++) {
    set_cells (&f, 0, 77);
    bad = decode (&f, k, data, size);
    first = walloc_slice_layer_first (&f.coder, k);
    walloc_slice_lose (&f.coder, &f.slice, k);
    for (c = first; c < RM_CHANNELS; c++)
      bad += f.slice.live[c] || *cell (&f, c, rows - 1, width - 1) != 0;
    for (c = 0; c < first; c++)
      bad += memcmp (cell (&f, c, 0, 0), copy + (cell (&f, c, 0, 0) -
              f.buffer), width * sizeof *copy) != 0;
    TAP_OK (bad == 0, "%u of %u layers", k, layers);
  }

  /* damage in one layer */
  for (k = 0, at = 0; k < layers; at += size[k++]) {
    if (size[k] == 0)
      continue;
    set_cells (&f, 0, 77);
    bad = decode (&f, k, data, size);
    data[at + size[k] / 2] ^= 4;
    bad += walloc_slice_decode (&f.coder, &f.slice, k, data + at, size[k]) !=
        WALLOC_ERR_CORRUPT;
    data[at + size[k] / 2] ^= 4;
    first = walloc_slice_layer_first (&f.coder, k);
    for (c = 0; c < RM_CHANNELS; c++)
      bad += *cell (&f, c, 0, 0) != (c < first ? copy[cell (&f, c, 0, 0) -
              f.buffer] : 0);
    TAP_OK (bad == 0, "damage in layer %u spares those below", k);
  }
  free (copy);
  random_model_clear (&r);
  fixture_clear (&f);
}

/* A channel cannot change what a lower layer's bytes are. */
static void
test_independent (void)
{
  static const unsigned ends[] = { 2, 4 };
  random_model r;
  fixture f;
  uint8_t first[8192];
  size_t size[WALLOC_SLICE_LAYERS], again[WALLOC_SLICE_LAYERS], sum;
  unsigned seed = 8;
  int good;

  random_model_init (&r, 9, 200, 0);
  fixture_init (&f, &r, 20, 10);
  walloc_slice_coder_layers (&f.coder, 3, ends);
  fill (&f, 1, &seed);
  sum = encode (&f, size);
  memcpy (first, f.out + f.capacity - sum, size[0] + size[1]);
  set_cells (&f, 4, 0);
  *cell (&f, 5, 9, 19) = -3;
  sum = encode (&f, again);
  good = size[0] == again[0] && size[1] == again[1] && size[2] != again[2] &&
      memcmp (first, f.out + f.capacity - sum, size[0] + size[1]) == 0;
  TAP_OK (good, "layers 0 and 1 do not depend on layer 2");
  set_cells (&f, 4, 0);
  sum = encode (&f, again);
  TAP_OK (size[0] == again[0] && size[1] == again[1] && again[2] == 0 &&
      sum == size[0] + size[1], "a layer of zeros takes no bytes");
  random_model_clear (&r);
  fixture_clear (&f);
}

/* kind 0 none skipped, 1 all, 2 at random, 3 a rectangle, 4 whole rows */
static void
fill_skip (const fixture * f, uint8_t * skip, unsigned kind, unsigned *seed)
{
  unsigned y, x;

  for (y = 0; y < f->slice.rows; y++)
    for (x = 0; x < f->slice.width; x++)
      skip[y * f->slice.skip_stride + x] = (uint8_t) (kind == 1 ||
          (kind == 2 && tap_random (seed) >> 7 & 1) || (kind == 3 &&
              (x < f->slice.width / 2 || y < 2)) || (kind == 4 && y % 3 == 1));
}

static void
test_skip (unsigned width, unsigned rows, unsigned kind, unsigned latents,
    int before)
{
  static const unsigned ends[] = { 1, 4 };
  random_model r;
  fixture f;
  int16_t *copy, *last;
  uint8_t *map, *want, *data;
  size_t size[WALLOC_SLICE_LAYERS], sum, cells, stride = width + 3;
  unsigned seed = width * 7 + kind, bad, i, n;
  walloc_result result;

  random_model_init (&r, 11 + width + kind, 200, 1);
  if (before)
    random_model_before (&r);
  fixture_init (&f, &r, width, rows);
  walloc_slice_coder_layers (&f.coder, 3, ends);
  f.present[1] = 0;
  cells = stride * rows;
  map = calloc (2, cells);
  want = malloc (cells);
  f.slice.skip_stride = stride;
  f.slice.skip = map;
  fill_skip (&f, map + cells, 2, &seed);
  f.slice.skip_before = kind == 3 ? NULL : map + cells;
  fill_skip (&f, map, kind, &seed);
  memcpy (want, map, cells);

  /* latents of the frame before, then those of this one where not skipped */
  fill (&f, 1, &seed);
  last = malloc (f.elements * sizeof *last);
  copy = malloc (f.elements * sizeof *copy);
  keep (&f, last);
  fill (&f, latents, &seed);
  for (i = 0; i < RM_CHANNELS * rows * width; i++)
    if (map[i / width % rows * stride + i % width])
      *cell (&f, i / width / rows, i / width % rows, i % width) =
          last[cell (&f, i / width / rows, i / width % rows, i % width) -
          f.buffer];
  keep (&f, copy);
  if (before) {
    result = walloc_slice_encode (&f.coder, &f.slice, f.out, f.capacity, size);
    TAP_OK (result == WALLOC_ERR_ARGUMENT, "taps of the frame before need it");
  }
  f.slice.previous = last + walloc_slice_origin (width);
  sum = encode (&f, size);
  data = f.out + f.capacity - sum;

  memcpy (f.buffer, last, f.elements * sizeof *last);
  memset (map, 5, cells);
  bad = sum == (size_t) -1 || decode (&f, 3, data, size) > 0;
  bad += !same (&f, copy);
  for (i = 0; i < cells; i++)
    bad += map[i] != (i % stride < width ? want[i] : 5);
  TAP_OK (bad == 0, "skip kind %u, latents %u, %ux%u: %zu bytes", kind,
      latents, width, rows, sum);
  for (n = 1, bad = 0; n <= RM_CHANNELS; n++) {
    memcpy (f.buffer, last, f.elements * sizeof *last);
    bad += decode_prefix (&f, n, data, size);
    bad += !same_prefix (&f, n, copy, last);
  }
  TAP_OK (bad == 0, "the first channels only, others as they were");
  for (i = 0; i < cells && (i % stride >= width || want[i]); i++);
  TAP_OK ((sum == 0) == (i == cells), "only a slice that is skipped whole "
      "takes no bytes");

  if (size[0] > 0) {
    memcpy (f.buffer, last, f.elements * sizeof *last);
    data[size[0] - 1] ^= 1;
    result = walloc_slice_decode (&f.coder, &f.slice, 0, data, size[0]);
    bad = result != WALLOC_ERR_CORRUPT || !same (&f, last);
    for (i = 0; i < cells; i++)
      bad += map[i] != (i % stride < width ? 1 : 5);
    TAP_OK (bad == 0, "damage of layer 0 leaves the frame before");
  }
  f.slice.skip = NULL;
  free (map);
  free (want);
  free (last);
  free (copy);
  random_model_clear (&r);
  fixture_clear (&f);
}

/* A still scene with one moving thing: what a map costs. */
static void
test_map_size (void)
{
  random_model r;
  fixture f;
  uint8_t map[2][240 * 17] = { {0} };
  size_t size, quiet;
  unsigned y, x, seed = 3;

  random_model_init (&r, 2, 100, 0);
  fixture_init (&f, &r, 240, 17);
  memset (map, 1, sizeof map);
  for (y = 5; y < 9; y++)
    for (x = 100; x < 108; x++)
      map[0][y * 240 + x] = map[1][y * 240 + x - 1] = 0;
  f.slice.skip = map[0];
  f.slice.skip_before = map[1];
  f.slice.skip_stride = 240;
  encode (&f, &quiet);
  TAP_OK (quiet < 70, "one moving thing among 4080 positions: %zu bytes",
      quiet);
  for (x = 0; x < sizeof map[0]; x++)
    map[0][x] = map[1][x] = tap_random (&seed) >> 9 & 1;
  encode (&f, &size);
  TAP_OK (size < 4080 / 8 * 1.05 + 30, "noise takes a bit per position: %zu",
      size);
  random_model_clear (&r);
  fixture_clear (&f);
}

/* Flips under a good checksum write nothing where nothing may be written. */
static void
test_skip_damage (void)
{
  random_model r;
  fixture f;
  uint8_t map[13 * 9], *data;
  int16_t *last;
  size_t size, i;
  unsigned seed = 21, bad = 0, accepted = 0, c, y, x;

  random_model_init (&r, 31, 200, 2);
  fixture_init (&f, &r, 13, 9);
  f.slice.skip = map;
  f.slice.skip_stride = 13;
  fill (&f, 1, &seed);
  last = malloc (f.elements * sizeof *last);
  keep (&f, last);
  fill_skip (&f, map, 2, &seed);
  encode (&f, &size);
  data = f.out + f.capacity - size;
  for (i = 0; i < (size - 2) * 8; i++) {
    memcpy (f.buffer, last, f.elements * sizeof *last);
    data[i / 8] ^= (uint8_t) (1 << i % 8);
    walloc_put_u16 (data + size - 2, walloc_crc16 (data, size - 2));
    if (walloc_slice_decode (&f.coder, &f.slice, 0, data, size) == WALLOC_OK)
      accepted++;
    else
      bad += memchr (map, 0, sizeof map) != NULL;
    data[i / 8] ^= (uint8_t) (1 << i % 8);
    for (c = 0; c < RM_CHANNELS; c++)
      for (y = 0; y < 9; y++)
        for (x = 0; x < 13; x++) {
          bad += abs (*cell (&f, c, y, x)) > WALLOC_LATENT_MAX;
          *cell (&f, c, y, x) = 0;
        }
    for (x = 0; x < f.elements; x++)
      bad += f.buffer[x] != 0;
  }
  TAP_OK (bad == 0 && accepted < size, "%zu flips in a predicted slice",
      size * 8);
  free (last);
  random_model_clear (&r);
  fixture_clear (&f);
}

int
main (void)
{
  static const unsigned one[] = { 1 }, last[] = { 5 }, four[] = { 1, 2, 5 };
  static const unsigned widths[] = { 1, 2, 16, 33, 70 };
  unsigned i, kind;

  for (i = 0; i < sizeof widths / sizeof *widths; i++)
    for (kind = 0; kind < 4; kind++) {
      test_layers (widths[i], 1 + 3 * i, 1, NULL, kind);
      test_layers (widths[i], 1 + 3 * i, 2, one, kind);
      test_layers (widths[i], 1 + 3 * i, 2, last, kind);
      test_layers (widths[i], 1 + 3 * i, 4, four, kind);
    }
  test_independent ();
  for (i = 0; i < sizeof widths / sizeof *widths; i++)
    for (kind = 0; kind < 5; kind++) {
      test_skip (widths[i], 2 + 3 * i, kind, 1, 0);
      test_skip (widths[i], 2 + 3 * i, kind, i % 2 ? 3 : 0, 1);
    }
  test_map_size ();
  test_skip_damage ();
  return tap_done ();
}
