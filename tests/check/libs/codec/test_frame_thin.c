/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Leaving out layers of frames: walloc_frame_thin(). */
#include <walloc/frame.h>

#include <string.h>

#include "common/bytes.h"
#include "common/crc32.h"
#include "tap.h"

#define ROOM 200000
#define MAX_SIZES (WALLOC_FRAME_MAX_LAYERS * WALLOC_FRAME_MAX_SLICES)

/* Records of this version and of a later one, in an order of their own. */
static const uint8_t records[] = {
  99, 4, 0, 'a', 'b', 'c', 'd',
  4, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0,
  77, 0, 0,
  2, 8, 0, 25, 0, 0, 0, 1, 0, 0, 0
};

static uint8_t frame[ROOM], out[ROOM], again[ROOM];

/* A frame whose segments hold their number in every byte, with records behind
 * the table; its size. */
static size_t
make (walloc_frame_info * info, unsigned slices, unsigned layers,
    const uint32_t * sizes)
{
  unsigned i;
  size_t at;

  walloc_frame_info_init (info);
  info->model_id = 1;
  info->width = 640;
  info->height = 8 * slices;
  info->format = WALLOC_FORMAT_RGB;
  info->step_index = 80;
  info->channels = 12;
  info->slice_rows = 1;
  info->slices = slices;
  info->sequence = 200;
  info->type = WALLOC_FRAME_PREDICTED;
  info->layers = layers;
  for (i = 0; i + 1 < layers; i++)
    info->layer_end[i] = 2 + 3 * i;
  if (walloc_frame_write (frame, ROOM, info, sizes, NULL) != WALLOC_OK)
    return 0;
  at = info->header_size - 4;
  memcpy (frame + at, records, sizeof records);
  info->header_size += sizeof records;
  walloc_put_u16 (frame + 4, info->header_size);
  at = info->header_size;
  walloc_put_u32 (frame + at - 4, walloc_crc32 (frame, at - 4));
  for (i = 0; i < slices * layers; at += sizes[i++])
    memset (frame + at, (int) (i % 251), sizes[i]);
  return at;
}

/* Whether out is frame with so many layers, segment by segment. */
static int
right (const walloc_frame_info * info, const walloc_frame_info * thin,
    unsigned layers)
{
  size_t offset, size, old_offset, old_size, at = thin->header_size;
  walloc_frame_info back;
  unsigned i, k;

  if (walloc_frame_parse (out, thin->header_size, &back, NULL) != WALLOC_OK ||
      memcmp (&back, thin, sizeof back) != 0 || back.layers != layers ||
      back.channels != info->layer_end[layers - 1] ||
      back.slices != info->slices || back.sequence != info->sequence ||
      back.type != info->type || back.fps_n != 25 ||
      memcmp (out + at - 4 - sizeof records, records, sizeof records) != 0)
    return 0;
  for (i = 0; i < info->slices; i++) {
    for (k = 0; k < layers; k++, at += size) {
      if (walloc_frame_segment (frame, info, i, k, &old_offset, &old_size) !=
          WALLOC_OK || walloc_frame_segment (out, thin, i, k, &offset,
              &size) != WALLOC_OK || size != old_size || offset != at ||
          memcmp (frame + old_offset, out + offset, size) != 0)
        return 0;
    }
  }
  return at == (size_t) thin->header_size + thin->payload_size;
}

static void
test_layers (void)
{
  static uint32_t sizes[MAX_SIZES];
  size_t total, known[WALLOC_FRAME_MAX_LAYERS];
  unsigned slices, layers, keep, i, seed = 5, bad = 0, count = 0;
  walloc_frame_info info, parsed, thin;
  walloc_error error;

  for (slices = 1; slices <= 2048; slices = slices < 4 ? slices + 1 :
      slices * 2) {
    for (layers = 1; layers <= WALLOC_FRAME_MAX_LAYERS; layers++) {
      for (i = 0; i < slices * layers; i++)
        sizes[i] = tap_random (&seed) % (slices > 100 ? 20 : 300);
      sizes[0] = slices > 100 ? 0 : 20000;      /* three bytes of table */
      total = make (&info, slices, layers, sizes);
      if (walloc_frame_parse (frame, total, &parsed, NULL) != WALLOC_OK ||
          walloc_frame_layer_sizes (frame, &parsed, known) != WALLOC_OK)
        bad++;
      bad += total == 0 || known[layers - 1] != total;
      for (i = layers; i < WALLOC_FRAME_MAX_LAYERS; i++)
        bad += known[i] != 0;
      for (keep = 1; keep <= layers; keep++, count++) {
        memset (out, 0xee, sizeof out);
        bad += walloc_frame_thin (frame, total, keep, out, known[keep - 1],
            &thin, &error) != WALLOC_OK;
        bad += !right (&parsed, &thin, keep);
        bad += (size_t) thin.header_size + thin.payload_size !=
            known[keep - 1] || out[known[keep - 1]] != 0xee;
      }
      bad += memcmp (frame, out, total) != 0;
    }
  }
  TAP_OK (bad == 0 && count == 130, "%u frames: segments and records are "
      "those of before, and sizes known before", count);
}

/* Thinning twice is thinning once. */
static void
test_twice (void)
{
  uint32_t sizes[8] = { 9, 200, 0, 50000, 1, 130, 4, 3 };
  walloc_frame_info info, first, second, direct;
  size_t total = make (&info, 2, 4, sizes), size;

  TAP_OK (walloc_frame_thin (frame, total, 9, out, ROOM, &first, NULL) ==
      WALLOC_OK && first.layers == 4 && memcmp (out, frame, total) == 0,
      "more layers than there are: a copy");
  walloc_frame_thin (frame, total, 3, out, ROOM, &first, NULL);
  size = (size_t) first.header_size + first.payload_size;
  TAP_OK (first.layers == 3 && first.channels == 8 &&
      first.payload_size == 209 + 135, "three of four");
  TAP_OK (walloc_frame_thin (out, size, 1, again, ROOM, &second, NULL) ==
      WALLOC_OK && walloc_frame_thin (frame, total, 1, out, ROOM, &direct,
          NULL) == WALLOC_OK && memcmp (&second, &direct, sizeof direct) == 0
      && memcmp (out, again, direct.header_size + direct.payload_size) == 0,
      "then one of three: the same as one of four");
  TAP_OK (second.layers == 1 && second.channels == 2 &&
      second.payload_size == 10, "which has the first layer alone");
}

static void
test_repeat (void)
{
  walloc_frame_info info, thin;
  size_t sizes[WALLOC_FRAME_MAX_LAYERS];

  walloc_frame_info_init (&info);
  info.width = info.height = 100;
  info.format = WALLOC_FORMAT_I420;
  info.type = WALLOC_FRAME_REPEAT;
  info.channels = 12;
  info.slice_rows = 8;
  info.layers = 3;
  info.layer_end[0] = 4;
  info.layer_end[1] = 8;
  info.pts = 5;
  TAP_OK (walloc_frame_write (frame, ROOM, &info, NULL, NULL) == WALLOC_OK &&
      walloc_frame_layer_sizes (frame, &info, sizes) == WALLOC_OK &&
      sizes[0] == 57 && sizes[1] == 59 && sizes[2] == 61 && sizes[3] == 0,
      "sizes of a repeat frame");
  TAP_OK (walloc_frame_thin (frame, 61, 1, out, 57, &thin, NULL) == WALLOC_OK
      && walloc_frame_parse (out, 57, &info, NULL) == WALLOC_OK &&
      info.layers == 1 && info.channels == 4 && info.pts == 5 &&
      info.type == WALLOC_FRAME_REPEAT, "which is thinned like others");
}

static void
test_refused (void)
{
  uint32_t sizes[6] = { 10, 20, 30, 40, 50, 60 };
  size_t total, need, i, known[WALLOC_FRAME_MAX_LAYERS];
  walloc_frame_info info, parsed, thin;
  walloc_error error = { "" };
  unsigned bad = 0;

  total = make (&info, 2, 3, sizes);
  walloc_frame_parse (frame, total, &parsed, NULL);
  for (i = 0; i < total; i++) {
    /* exactly i bytes, so that a sanitizer sees reads behind them */
    uint8_t *exact = malloc (i + 1);

    memcpy (exact, frame, i);
    bad += walloc_frame_thin (exact, i, 1, out, ROOM, &thin, &error) !=
        WALLOC_ERR_TRUNCATED || strlen (error.text) < 10;
    free (exact);
  }
  TAP_OK (bad == 0, "%lu truncations are reported: %s",
      (unsigned long) total, error.text);
  TAP_OK (walloc_frame_thin (frame, total, 0, out, ROOM, &thin, &error) ==
      WALLOC_ERR_ARGUMENT && strstr (error.text, "at least 1"),
      "no layers at all: %s", error.text);
  TAP_OK (walloc_frame_thin (frame, total, 1, out, ROOM, NULL, &error) ==
      WALLOC_ERR_ARGUMENT, "no place for the header");
  TAP_OK (walloc_frame_thin (NULL, 0, 1, out, ROOM, &thin, &error) ==
      WALLOC_ERR_TRUNCATED, "no data");
  TAP_OK (walloc_frame_thin (NULL, 50, 1, out, ROOM, &thin, &error) ==
      WALLOC_ERR_ARGUMENT, "data of NULL");
  TAP_OK (walloc_frame_thin (frame, total, 2, NULL, 0, &thin, &error) ==
      WALLOC_ERR_SPACE && thin.layers == 2, "no space asks for the size");
  need = (size_t) thin.header_size + thin.payload_size;
  memset (out, 0xee, ROOM);
  TAP_OK (walloc_frame_thin (frame, total, 2, out, need - 1, &thin,
          &error) == WALLOC_ERR_SPACE && out[0] == 0xee && out[60] == 0xee,
      "a byte too few writes nothing: %s", error.text);
  TAP_OK (walloc_frame_thin (frame, total, 2, out, need, &thin,
          &error) == WALLOC_OK && right (&parsed, &thin, 2) &&
      out[need] == 0xee, "and as many as needed do");
  TAP_OK (walloc_frame_thin (frame, total, 2, NULL, need, &thin, &error) ==
      WALLOC_ERR_SPACE, "a buffer of NULL is refused");
  TAP_OK (walloc_frame_layer_sizes (NULL, &parsed, known) ==
      WALLOC_ERR_ARGUMENT && walloc_frame_layer_sizes (frame, NULL, known) ==
      WALLOC_ERR_ARGUMENT && walloc_frame_layer_sizes (frame, &parsed, NULL)
      == WALLOC_ERR_ARGUMENT, "sizes of nothing are refused");
  parsed.payload_size = 100;
  TAP_OK (walloc_frame_layer_sizes (frame, &parsed, known) ==
      WALLOC_ERR_CORRUPT, "a table that does not fit the payload");
  frame[40] ^= 1;
  TAP_OK (walloc_frame_thin (frame, total, 2, out, ROOM, &thin, &error) ==
      WALLOC_ERR_CORRUPT, "a damaged header: %s", error.text);
}

int
main (void)
{
  test_layers ();
  test_twice ();
  test_repeat ();
  test_refused ();
  return tap_done ();
}
