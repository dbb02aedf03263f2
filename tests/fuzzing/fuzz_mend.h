/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the targets of decoders share: a model, the input as it came, and the
 * input with sums that hold. */
#ifndef TESTS_FUZZ_MEND_H
#define TESTS_FUZZ_MEND_H

#include <stdlib.h>
#include <string.h>

#include <walloc/frame.h>
#include <walloc/model.h>

#include "common/bytes.h"
#include "common/crc16.h"
#include "common/crc32.h"

typedef void feed_function (walloc_model * model, const uint8_t * data,
    size_t size);

/* Puts right what every segment ends with, or no damage in it gets further. */
static void
mend_segments (uint8_t * data, size_t size)
{
  walloc_frame_info info;
  size_t offset, length;
  unsigned i, k;

  if (walloc_frame_parse (data, size, &info, NULL) != WALLOC_OK)
    return;
  for (i = 0; i < info.slices; i++)
    for (k = 0; k < info.layers; k++)
      if (walloc_frame_segment (data, &info, i, k, &offset, &length) ==
          WALLOC_OK && length >= 2 && offset <= size && length <= size - offset)
        walloc_put_u16 (data + offset + length - 2,
            walloc_crc16 (data + offset, length - 2));
}

/* The same for all frames that are where the last one ends, and model id and
 * checksum of their headers. */
static void
mend (uint8_t * data, size_t size, uint64_t id)
{
  walloc_frame_info info;
  size_t header;

  while (size >= WALLOC_FRAME_MIN_HEADER) {
    header = walloc_get_u16 (data + 4);
    if (header < WALLOC_FRAME_MIN_HEADER || header > size)
      return;
    walloc_put_u64 (data + 12, id);
    walloc_put_u32 (data + header - 4, walloc_crc32 (data, header - 4));
    mend_segments (data, size);
    if (walloc_frame_parse (data, size, &info, NULL) != WALLOC_OK ||
        info.payload_size > size - header)
      return;
    data += header + info.payload_size;
    size -= header + info.payload_size;
  }
}

/* Gives the bytes, and the same with sums put right, to both functions. */
static void
feed_model (const char *path, const uint8_t * data, size_t size,
    feed_function * decode, feed_function * decode_stream)
{
  walloc_model *model;
  walloc_model_info info;
  uint8_t *mended;

  if (walloc_model_load (path, NULL, &model, NULL) != WALLOC_OK)
    abort ();
  decode (model, data, size);
  decode_stream (model, data, size);
  walloc_model_get_info (model, &info);
  mended = malloc (size + 1);
  if (mended == NULL)
    abort ();
  memcpy (mended, data, size);
  mend (mended, size, info.id);
  if (memcmp (mended, data, size) != 0) {
    decode (model, mended, size);
    decode_stream (model, mended, size);
  }
  free (mended);
  walloc_model_unref (model);
}

#endif
