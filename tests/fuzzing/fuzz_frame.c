/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frame headers: whatever parses must be in range, writable, survive
 * rewriting, and be thinned to what was announced. */
#include <walloc/frame.h>

#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/crc32.h"

int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);

static void
require (int condition)
{
  if (!condition)
    abort ();
}

static void
check_slices (const uint8_t * data, const walloc_frame_info * info)
{
  size_t offset, size, end = info->header_size;
  unsigned i;

  for (i = 0; i < info->slices; i++) {
    require (walloc_frame_slice (data, info, i, &offset, &size) == WALLOC_OK);
    require (offset == end);
    end += size;
  }
  require (info->slices == 0 ||
      end == (size_t) info->header_size + info->payload_size);
  require (walloc_frame_slice (data, info, info->slices, &offset, &size) !=
      WALLOC_OK);
}

static void
check_rewrite (const uint8_t * data, const walloc_frame_info * info)
{
  walloc_frame_info changed = *info, back;
  walloc_result result;
  uint8_t *out;

  changed.pts = 1;
  changed.duration = 2;
  result = walloc_frame_rewrite (data, &changed, NULL, 0, NULL);
  if (result == WALLOC_ERR_ARGUMENT)    /* no room for one more record */
    return;
  require (result == WALLOC_ERR_SPACE);
  out = malloc (changed.header_size);
  require (out != NULL);
  require (walloc_frame_rewrite (data, &changed, out, changed.header_size,
          NULL) == WALLOC_OK);
  require (walloc_frame_parse (out, changed.header_size, &back, NULL) ==
      WALLOC_OK);
  require (back.pts == 1 && back.duration == 2 &&
      back.width == info->width && back.slices == info->slices &&
      back.payload_size == info->payload_size &&
      back.fps_n == info->fps_n && back.has_colour == info->has_colour &&
      back.rate == info->rate && back.columns == info->columns &&
      back.trim_start == info->trim_start && back.mask == info->mask &&
      memcmp (back.rotation, info->rotation, sizeof back.rotation) == 0);
  check_slices (out, &back);
  free (out);
}

/* A relay's work on a frame with a header that parsed: sizes known before,
 * and a result that parses and has the segments that stay. */
static void
check_thin (const uint8_t * data, size_t size, const walloc_frame_info * info)
{
  size_t sizes[WALLOC_FRAME_MAX_LAYERS], old, kept, bytes, offset, other;
  walloc_frame_info thin, back;
  uint8_t *whole, *out;
  unsigned keep, i;

  require (walloc_frame_layer_sizes (data, info, sizes) == WALLOC_OK);
  /* a payload that most mutations announce is not worth its memory */
  if (info->payload_size > 1 << 16) {
    require (walloc_frame_thin (data, info->header_size, 1, NULL, 0, &thin,
            NULL) == WALLOC_ERR_TRUNCATED);
    return;
  }
  bytes = (size_t) info->header_size + info->payload_size;
  whole = calloc (1, bytes);
  require (whole != NULL);
  memcpy (whole, data, size < bytes ? size : bytes);
  for (keep = 1; keep <= info->layers; keep++) {
    require (keep == info->layers ? sizes[keep - 1] == bytes :
        sizes[keep - 1] < sizes[keep]);
    out = malloc (sizes[keep - 1]);
    require (out != NULL);
    require (walloc_frame_thin (whole, bytes, keep, out, sizes[keep - 1],
            &thin, NULL) == WALLOC_OK);
    require (walloc_frame_parse (out, sizes[keep - 1], &back, NULL) ==
        WALLOC_OK && memcmp (&back, &thin, sizeof thin) == 0);
    require (back.layers == keep && back.slices == info->slices &&
        back.header_size + (size_t) back.payload_size == sizes[keep - 1]);
    for (i = 0; i < info->slices; i++) {
      require (walloc_frame_segment (whole, info, i, keep - 1, &offset,
              &old) == WALLOC_OK);
      require (walloc_frame_segment (out, &back, i, keep - 1, &other,
              &kept) == WALLOC_OK && old == kept);
      require (memcmp (whole + offset, out + other, old) == 0);
    }
    free (out);
  }
  free (whole);
}

static void
parse (const uint8_t * data, size_t size)
{
  walloc_frame_info info;
  walloc_error error;
  walloc_result result;

  result = walloc_frame_parse (data, size, &info, &error);
  require (memchr (error.text, 0, sizeof error.text) != NULL ||
      result == WALLOC_OK);
  if (result == WALLOC_ERR_TRUNCATED)
    require (info.header_size == 0 || info.header_size > size);
  if (result != WALLOC_OK)
    return;
  require (info.header_size <= size &&
      info.slices <= WALLOC_FRAME_MAX_SLICES &&
      info.payload_size <= WALLOC_FRAME_MAX_PAYLOAD);
  if (info.media == WALLOC_MEDIA_AUDIO)
    require (info.rate >= 1 && info.audio_channels >= 1 &&
        info.audio_channels <= WALLOC_AUDIO_MAX_CHANNELS &&
        info.columns >= 1 && info.columns <= WALLOC_AUDIO_MAX_COLUMNS &&
        info.slices == (info.audio_channels + 1) / 2 &&
        info.type == WALLOC_FRAME_KEY &&
        (uint64_t) info.trim_start + info.trim_end <=
        (uint64_t) info.columns * 256 && info.rotation[0] < 64);
  else
    require (info.width >= 1 && info.height >= 1 &&
        info.width <= WALLOC_MAX_SIZE && info.height <= WALLOC_MAX_SIZE &&
        info.fps_d > 0 && info.par_d > 0 &&
        (unsigned) info.format < WALLOC_FORMAT_COUNT);
  check_slices (data, &info);
  check_rewrite (data, &info);
  check_thin (data, size, &info);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  size_t at, header;
  uint8_t *copy;

  parse (data, size);
  for (at = walloc_frame_find (data, size, 0); at + 4 <= size;
      at = walloc_frame_find (data, size, at + 1))
    require (memcmp (data + at, "WLC1", 4) == 0);
  require (at <= size);
  /* again with a checksum that holds, or no mutation would get far */
  if (size < WALLOC_FRAME_MIN_HEADER)
    return 0;
  header = walloc_get_u16 (data + 4);
  if (header < WALLOC_FRAME_MIN_HEADER || header > size)
    header = size < WALLOC_FRAME_MAX_HEADER ? size : WALLOC_FRAME_MAX_HEADER;
  copy = malloc (header);
  require (copy != NULL);
  memcpy (copy, data, header);
  memcpy (copy, "WLC1", 4);
  walloc_put_u16 (copy + 4, (uint32_t) header);
  walloc_put_u32 (copy + header - 4, walloc_crc32 (copy, header - 4));
  parse (copy, header);
  free (copy);
  return 0;
}
