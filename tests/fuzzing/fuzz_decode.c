/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole frames through the decoder, with both kinds of model: as they are,
 * and with model id and checksums mended so that damage behind them is reached.
 * Latents must be in range; decoding twice must give the same samples, and a
 * region those of the whole reduced picture. Frames that follow each other go
 * through one decoder as well, as predicted ones build on those before; another
 * one gets its first channels only, and must agree. */
#include <walloc/decoder.h>

#include <stdlib.h>
#include <string.h>

#include "fuzz_mend.h"

#define MAX_PIXELS (1 << 16)

int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);

static void
require (int condition)
{
  if (!condition)
    abort ();
}

static void
check_latents (walloc_decoder * decoder, const uint8_t * data, size_t size)
{
  walloc_latents latents;
  walloc_error error;
  walloc_result result;
  unsigned damaged = 77;
  size_t i, n;

  result = walloc_decoder_latents (decoder, data, size, &latents, &damaged,
      &error);
  if (result != WALLOC_OK && (result != WALLOC_ERR_TRUNCATED || damaged == 0)) {
    require (latents.data == NULL && damaged == 0);
    return;
  }
  n = (size_t) latents.channels * latents.width * latents.height;
  for (i = 0; i < n; i++)
    require (latents.data[i] >= -16383 && latents.data[i] <= 16383);
}

/* The first channels of what the other decoder gave, as long as all frames so
 * far were whole. Returns whether they still are. */
static int
check_prefix (walloc_decoder * decoder, walloc_decoder * part,
    const uint8_t * data, size_t size, int clean)
{
  walloc_latents all, some;
  unsigned damaged, lost;
  size_t plane;

  if (walloc_decoder_latents (part, data, size, &some, &lost, NULL) !=
      WALLOC_OK)
    memset (&some, 0, sizeof some);
  if (walloc_decoder_latents (decoder, data, size, &all, &damaged, NULL) !=
      WALLOC_OK || damaged > 0 || !clean)
    return 0;
  plane = (size_t) all.width * all.height;
  require (lost == 0 && some.width == all.width && some.height == all.height &&
      some.channels > 0 && some.channels <= all.channels &&
      memcmp (some.data, all.data, some.channels * plane *
          sizeof *all.data) == 0);
  return 1;
}

/* Memory for an image, which the caller frees; bytes get its size. */
static uint8_t *
make_image (walloc_image * image, walloc_format format, unsigned width,
    unsigned height, size_t *bytes)
{
  uint8_t *memory;
  unsigned p;

  memset (image, 0, sizeof *image);
  image->format = format;
  image->width = width;
  image->height = height;
  memory = calloc (6, (size_t) width * height + 2 * width + 2 * height);
  require (memory != NULL);
  *bytes = 0;
  for (p = 0; p < walloc_format_planes (format); p++) {
    image->stride[p] = (ptrdiff_t) walloc_format_row_bytes (format, p, width);
    image->plane[p] = memory + *bytes;
    *bytes += (size_t) image->stride[p] * walloc_format_rows (format, p,
        height);
  }
  return memory;
}

/* A reduced picture and a region of it, whose numbers the input's last bytes
 * choose: the region is a crop, or its place is refused. */
static void
decode_part (walloc_decoder * decoder, const walloc_frame_info * info,
    const uint8_t * data, size_t size)
{
  walloc_decode_params params;
  walloc_image whole, part;
  uint8_t *all, *memory;
  unsigned width, height, p, y, damaged;
  size_t bytes, left;
  walloc_result result;

  walloc_decode_params_init (&params);
  params.kind = WALLOC_DECODER_LINEAR;
  params.reduce = data[size - 1] & 3;
  width = walloc_decoder_reduced_size (info->width, params.reduce);
  height = walloc_decoder_reduced_size (info->height, params.reduce);
  all = make_image (&whole, info->format, width, height, &bytes);
  result = walloc_decoder_decode_with (decoder, data, size, &params, &whole,
      &damaged, NULL);
  require (result == WALLOC_OK || result == WALLOC_ERR_TRUNCATED);
  params.x = data[size - 2] % width;
  params.y = data[size - 3] % height;
  params.width = 1 + data[size - 4] % (width - params.x);
  params.height = 1 + data[size - 5] % (height - params.y);
  memory = make_image (&part, info->format, params.width, params.height,
      &bytes);
  result = walloc_decoder_decode_with (decoder, data, size, &params, &part,
      &damaged, NULL);
  require (result == WALLOC_OK || result == WALLOC_ERR_TRUNCATED ||
      (result == WALLOC_ERR_ARGUMENT && ((params.x | params.y) & 1) != 0));
  for (p = 0; result != WALLOC_ERR_ARGUMENT && p < 3; p++) {
    left = walloc_format_row_bytes (whole.format, p, params.x);
    for (y = 0; y < walloc_format_rows (part.format, p, part.height); y++)
      require (memcmp (part.plane[p] + (ptrdiff_t) y * part.stride[p],
              whole.plane[p] + (ptrdiff_t) (y + walloc_format_rows
                  (whole.format, p, params.y)) * whole.stride[p] + left,
              (size_t) part.stride[p]) == 0);
  }
  params.reduce = data[size - 6];
  params.width += data[size - 7] * 0x01010101u;
  walloc_decoder_decode_with (decoder, data, size, &params, &part, NULL, NULL);
  free (memory);
  free (all);
}

static void
decode (walloc_model * model, const uint8_t * data, size_t size)
{
  static const walloc_decoder_limits limits = { MAX_PIXELS };
  walloc_frame_info info;
  walloc_decoder *decoder;
  walloc_image image;
  walloc_result first, second;
  unsigned damaged, width = 1, height = 1;
  walloc_format format = WALLOC_FORMAT_GRAY8;
  uint8_t *memory;
  size_t bytes;

  if (walloc_decoder_new (model, NULL, NULL, &limits, &decoder, NULL) !=
      WALLOC_OK)
    return;
  check_latents (decoder, data, size);
  if (walloc_frame_parse (data, size, &info, NULL) == WALLOC_OK &&
      (uint64_t) info.width * info.height <= MAX_PIXELS) {
    format = info.format;
    width = info.width;
    height = info.height;
  }
  memory = make_image (&image, format, width, height, &bytes);
  first = walloc_decoder_decode (decoder, data, size, WALLOC_DECODER_LINEAR,
      &image, &damaged, NULL);
  if (first == WALLOC_OK) {
    uint8_t *copy = malloc (bytes);

    require (copy != NULL);
    memcpy (copy, memory, bytes);
    second = walloc_decoder_decode (decoder, data, size,
        WALLOC_DECODER_LINEAR, &image, NULL, NULL);
    require (second == WALLOC_OK && memcmp (copy, memory, bytes) == 0);
    free (copy);
    decode_part (decoder, &info, data, size);
  }
  free (memory);
  walloc_decoder_free (decoder);
}

/* All frames of the input through one decoder, which conceals what is lost or
 * not, as the last byte says. */
static void
decode_stream (walloc_model * model, const uint8_t * data, size_t size)
{
  static const walloc_decoder_limits limits = { MAX_PIXELS };
  walloc_frame_info info;
  walloc_decoder *decoder, *part, *film;
  walloc_image image;
  unsigned damaged, frames;
  int clean = 1;
  uint8_t *memory;
  size_t bytes, at = 0;

  if (size == 0 || walloc_decoder_new (model, NULL, NULL, &limits, &decoder,
          NULL) != WALLOC_OK)
    return;
  require (walloc_decoder_new (model, NULL, NULL, &limits, &part, NULL) ==
      WALLOC_OK && walloc_decoder_set_channels (part, 1 + data[size - 1] / 4,
          NULL) == WALLOC_OK);
  walloc_decoder_set_conceal (decoder, data[size - 1] & 1);
  require (walloc_decoder_new (model, NULL, NULL, &limits, &film, NULL) ==
      WALLOC_OK);
  walloc_decoder_set_recall (film, 1);
  for (frames = 0; frames < 16; frames++) {
    at = walloc_frame_find (data, size, at);
    if (at >= size || walloc_frame_parse (data + at, size - at, &info, NULL)
        != WALLOC_OK)
      break;
    clean = check_prefix (decoder, part, data + at, size - at, clean);
    check_latents (decoder, data + at, size - at);
    check_latents (film, data + at, size - at);
    if ((uint64_t) info.width * info.height <= MAX_PIXELS) {
      memory = make_image (&image, info.format, info.width, info.height,
          &bytes);
      walloc_decoder_decode (decoder, data + at, size - at,
          WALLOC_DECODER_LINEAR, &image, &damaged, NULL);
      free (memory);
    }
    at += info.header_size;
    at += info.payload_size < size - at ? info.payload_size : size - at;
  }
  walloc_decoder_free (film);
  walloc_decoder_free (part);
  walloc_decoder_free (decoder);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  feed_model (TEST_GOLDEN_DIR "/models/ordered-test.wlm", data, size,
      decode, decode_stream);
  feed_model (TEST_GOLDEN_DIR "/models/reference-test.wlm", data, size,
      decode, decode_stream);
  return 0;
}
