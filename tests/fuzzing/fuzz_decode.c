/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole frames through the decoder, with both kinds of model: as they are,
 * and with model id and checksums mended so that damage behind them is reached.
 * Latents must be in range; decoding twice must give the same samples. */
#include <walloc/decoder.h>

#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/crc16.h"
#include "common/crc32.h"

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

static void
decode (walloc_model * model, const uint8_t * data, size_t size)
{
  static const walloc_decoder_limits limits = { MAX_PIXELS };
  walloc_frame_info info;
  walloc_decoder *decoder;
  walloc_image image;
  walloc_result first, second;
  unsigned p, damaged;
  uint8_t *memory;
  size_t bytes = 0;

  if (walloc_decoder_new (model, NULL, NULL, &limits, &decoder, NULL) !=
      WALLOC_OK)
    return;
  check_latents (decoder, data, size);
  memset (&image, 0, sizeof image);
  image.width = image.height = 1;
  if (walloc_frame_parse (data, size, &info, NULL) == WALLOC_OK &&
      (uint64_t) info.width * info.height <= MAX_PIXELS) {
    image.format = info.format;
    image.width = info.width;
    image.height = info.height;
  }
  memory = calloc (6, (size_t) image.width * image.height + 2 * image.width +
      2 * image.height);
  require (memory != NULL);
  for (p = 0; p < walloc_format_planes (image.format); p++) {
    image.stride[p] = (ptrdiff_t) walloc_format_row_bytes (image.format, p,
        image.width);
    image.plane[p] = memory + bytes;
    bytes += (size_t) image.stride[p] * walloc_format_rows (image.format, p,
        image.height);
  }
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
  }
  free (memory);
  walloc_decoder_free (decoder);
}

/* Puts right what every slice ends with, or no damage in it gets further. */
static void
mend_slices (uint8_t * data, size_t size)
{
  walloc_frame_info info;
  size_t offset, length;
  unsigned i;

  if (walloc_frame_parse (data, size, &info, NULL) != WALLOC_OK)
    return;
  for (i = 0; i < info.slices; i++)
    if (walloc_frame_slice (data, &info, i, &offset, &length) == WALLOC_OK &&
        length >= 2 && offset <= size && length <= size - offset)
      walloc_put_u16 (data + offset + length - 2,
          walloc_crc16 (data + offset, length - 2));
}

static void
run (const char *path, const uint8_t * data, size_t size)
{
  walloc_model *model;
  walloc_model_info info;
  uint8_t *mended;
  size_t header;

  if (walloc_model_load (path, NULL, &model, NULL) != WALLOC_OK)
    abort ();
  decode (model, data, size);
  header = size >= WALLOC_FRAME_MIN_HEADER ? walloc_get_u16 (data + 4) : 0;
  if (header >= WALLOC_FRAME_MIN_HEADER && header <= size) {
    walloc_model_get_info (model, &info);
    mended = malloc (size);
    require (mended != NULL);
    memcpy (mended, data, size);
    walloc_put_u64 (mended + 12, info.id);
    walloc_put_u32 (mended + header - 4, walloc_crc32 (mended, header - 4));
    mend_slices (mended, size);
    decode (model, mended, size);
    free (mended);
  }
  walloc_model_unref (model);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  run (TEST_GOLDEN_DIR "/models/ordered-test.wlm", data, size);
  run (TEST_GOLDEN_DIR "/models/reference-test.wlm", data, size);
  return 0;
}
