/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One slice of latents. The first three bytes choose model, set, width, rows,
 * absent channels, one layer or two, and whether it is predicted; the rest are
 * the layers but for their checksums, which are made here, or no mutation
 * would get further. Nothing outside of the planes may be written, nor what is
 * skipped; latents must be in range, and a slice that is accepted must come
 * back byte by byte when its latents are encoded again (the coder is bijective
 * but for flags of planes that are all zero). */
#include "common/bytes.h"
#include "common/crc16.h"
#include "entropy/slice.h"

#include <stdlib.h>
#include <string.h>

#define CHANNELS 12
#define CANARY 0x5a5a
#define KEPT -1234
#define LAYERS 2

int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);

static void
require (int condition)
{
  if (!condition)
    abort ();
}

static int16_t *
cell (const walloc_slice * slice, unsigned c, unsigned y, unsigned x)
{
  return slice->planes + c * slice->plane_stride + y * slice->stride + x;
}

/* Whether a plane that was coded as active has nothing in it: the encoder
 * would write the flag otherwise. */
static int
has_idle_plane (const walloc_slice * slice)
{
  unsigned c, y, x, any;

  for (c = 0; c < CHANNELS; c++) {
    any = 0;
    for (y = 0; y < slice->rows; y++)
      for (x = 0; x < slice->width; x++)
        any |= *cell (slice, c, y, x) != 0 && (slice->skip == NULL ||
            !slice->skip[y * slice->width + x]);
    if (slice->live[c] && !any)
      return 1;
  }
  return 0;
}

static void
run (const walloc_model * model, const uint8_t * data, size_t size)
{
  unsigned width = 1 + data[0] % 40, rows = 1 + data[1] % 12, c, y, x;
  walloc_slice_coder coder;
  walloc_slice slice;
  uint8_t present[CHANNELS], *in, *out, *skip;
  int16_t *buffer, *scratch;
  unsigned layers = 1 + (data[1] / 12 & 1), predicted = data[2] >> 6 & 1, l;
  static const unsigned ends[] = { 5 };
  size_t elements = walloc_slice_elements (width, rows, CHANNELS), i;
  size_t worst = walloc_slice_worst (width, rows, CHANNELS), cells = 0;
  size_t length[LAYERS], again[LAYERS], sum = 0;
  int good = 1;

  for (c = 0; c < CHANNELS; c++)
    present[c] = (data[2] >> 4 & 3) != 3 || c % 3 != 1;
  memset (&slice, 0, sizeof slice);
  walloc_slice_coder_init (&coder, model, (data[2] & 15) %
      model->info.sets, CHANNELS, present);
  walloc_slice_coder_layers (&coder, layers, ends);
  buffer = calloc (elements, sizeof *buffer);
  scratch =
      aligned_alloc (64, (walloc_slice_scratch (model, width, rows, CHANNELS,
              WALLOC_SLICE_BOTH) + 63) / 64 * 64);
  skip = calloc (rows, width);
  in = malloc (size + LAYERS * WALLOC_SLICE_CHECK);
  out = malloc (worst);
  require (buffer != NULL && scratch != NULL && in != NULL && out != NULL &&
      skip != NULL);
  data += 3;
  size -= 3;
  for (l = 0; l < layers; l++) {
    length[l] = l + 1 < layers ? size / 2 : size;
    memcpy (in + sum, data, length[l]);
    data += length[l];
    size -= length[l];
    if (length[l] > 0) {
      walloc_put_u16 (in + sum + length[l], walloc_crc16 (in + sum, length[l]));
      length[l] += WALLOC_SLICE_CHECK;
    }
    sum += length[l];
  }
  slice.width = width;
  slice.rows = rows;
  slice.stride = walloc_slice_stride (width);
  slice.plane_stride = walloc_slice_plane_stride (width, rows);
  slice.planes = buffer + walloc_slice_origin (width);
  slice.scratch = scratch;
  slice.skip = predicted ? skip : NULL;
  slice.skip_stride = width;
  for (c = 0; c < CHANNELS; c++)
    for (y = 0; y < rows; y++)
      for (x = 0; x < width; x++)
        *cell (&slice, c, y, x) = predicted ? present[c] ? KEPT : 0 : CANARY;
  for (l = 0, sum = 0; l < layers && good; sum += length[l++])
    good = walloc_slice_decode (&coder, &slice, l, in + sum, length[l]) ==
        WALLOC_OK;
  if (good && !has_idle_plane (&slice)) {
    require (walloc_slice_encode (&coder, &slice, out, worst, again) ==
        WALLOC_OK);
    /* nor does it write a layer in which nothing is coded */
    for (l = 0, i = worst; l < layers; l++)
      i -= again[l];
    for (l = 0, sum = 0; l < layers; i += again[l], sum += length[l++]) {
      require (again[l] == length[l] || again[l] == 0);
      require (memcmp (out + i, in + sum, again[l]) == 0);
    }
  }
  for (c = 0; c < CHANNELS; c++)
    for (y = 0; y < rows; y++)
      for (x = 0; x < width; x++) {
        require (abs (*cell (&slice, c, y, x)) <= WALLOC_LATENT_MAX);
        require (!good || !predicted || !skip[y * width + x] || !present[c] ||
            *cell (&slice, c, y, x) == KEPT);
        *cell (&slice, c, y, x) = 0;
      }
  for (i = 0; i < elements; i++)
    cells += buffer[i] != 0;
  require (cells == 0);
  free (buffer);
  free (scratch);
  free (skip);
  free (in);
  free (out);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  walloc_model *model;

  if (size < 3)
    return 0;
  if (walloc_model_load (data[2] & 128 ?
          TEST_GOLDEN_DIR "/models/reference-test.wlm" :
          TEST_GOLDEN_DIR "/models/ordered-test.wlm", NULL, &model, NULL) !=
      WALLOC_OK)
    abort ();
  run (model, data, size);
  walloc_model_unref (model);
  return 0;
}
