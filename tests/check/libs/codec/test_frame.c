/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frame headers and pixel formats: walloc/frame.h, walloc/image.h. */
#include <walloc/frame.h>

#include <string.h>

#include "common/bytes.h"
#include "common/crc32.h"
#include "tap.h"

#define ROOM 65600

/* Bytes of a header that this file spells out by hand: 24 x 20 pixels, I420,
 * one slice per grid row, no records. */
static const uint8_t by_hand[] = {
  'W', 'L', 'C', '1', 40, 0, 0x00, 0x02, 60, 0, 0, 0,
  0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01,
  23, 0, 19, 0, 1, 2, 0x50, 0, 0x0c, 0, 1, 0,
  0, 7, 10, 20
};

static void
fill (walloc_frame_info * info, unsigned width, unsigned height,
    unsigned slice_rows)
{
  walloc_frame_info_init (info);
  info->model_id = UINT64_C (0x0123456789abcdef);
  info->width = width;
  info->height = height;
  info->format = WALLOC_FORMAT_I420;
  info->set = 2;
  info->step_index = 80;
  info->channels = 12;
  info->slice_rows = slice_rows;
  info->sequence = 7;
  info->slices = ((height + 7) / 8 + slice_rows - 1) / slice_rows;
}

static void
seal (uint8_t * data, size_t size)
{
  walloc_put_u32 (data + size - 4, walloc_crc32 (data, size - 4));
}

static int
same (const walloc_frame_info * a, const walloc_frame_info * b)
{
  return a->header_size == b->header_size &&
      a->payload_size == b->payload_size && a->media == b->media &&
      a->type == b->type && a->model_id == b->model_id &&
      a->width == b->width && a->height == b->height &&
      a->format == b->format && a->set == b->set &&
      a->step_index == b->step_index && a->channels == b->channels &&
      a->slice_rows == b->slice_rows && a->slices == b->slices &&
      a->scale == b->scale && a->sequence == b->sequence &&
      a->layers == b->layers && memcmp (a->layer_end, b->layer_end,
      a->layers * sizeof *a->layer_end) == 0 &&
      a->has_colour == b->has_colour &&
      memcmp (&a->colour, &b->colour, sizeof a->colour) == 0 &&
      a->pts == b->pts && a->duration == b->duration &&
      a->fps_n == b->fps_n && a->fps_d == b->fps_d &&
      a->par_n == b->par_n && a->par_d == b->par_d;
}

/* A header with all records and n slices; returns its size. */
static size_t
full_header (uint8_t * data, walloc_frame_info * info, unsigned n)
{
  uint32_t sizes[WALLOC_FRAME_MAX_SLICES];
  unsigned i;

  fill (info, 640, 8 * n, 1);
  info->has_colour = 1;
  info->colour.range = 2;
  info->colour.matrix = 6;
  info->colour.transfer = 1;
  info->colour.primaries = 5;
  info->colour.chroma_site = 6;
  info->pts = UINT64_C (5000000000);
  info->duration = 40000000;
  info->fps_n = 25;
  info->par_n = 16;
  info->par_d = 11;
  for (i = 0; i < n; i++)
    sizes[i] = 8 + i;
  if (walloc_frame_write (data, ROOM, info, sizes, NULL) != WALLOC_OK)
    return 0;
  return info->header_size;
}

static void
test_checksum (void)
{
  uint8_t data[60];
  unsigned size, start, i, bad = 0;
  uint32_t crc;

  for (i = 0; i < sizeof data; i++)
    data[i] = (uint8_t) (i * 73 + i * i);
  for (size = 0; size < 50; size++) {
    start = size % 10;
    crc = 0xffffffff;
    for (i = 0; i < 8 * size; i++) {
      crc ^= data[start + i / 8] >> i % 8 & 1;
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    bad += walloc_crc32 (data + start, size) != ~crc;
  }
  TAP_OK (bad == 0, "50 sizes: the checksum as one bit after another");
}

static void
test_layout (void)
{
  uint8_t data[64], expected[40];
  uint32_t sizes[3] = { 10, 20, 30 };
  walloc_frame_info info, back;
  walloc_error error;
  size_t offset, size;

  TAP_OK (walloc_crc32 ((const uint8_t *) "123456789", 9) == 0xcbf43926,
      "the checksum's check value is the standard's");
  TAP_OK (walloc_crc32 (data, 0) == 0, "the checksum of nothing is 0");
  fill (&info, 24, 20, 1);
  TAP_OK (walloc_frame_write (data, sizeof data, &info, sizes,
          &error) == WALLOC_OK, "a small header is written");
  memcpy (expected, by_hand, sizeof by_hand);
  seal (expected, sizeof expected);
  TAP_OK (info.header_size == 40 && info.payload_size == 60,
      "sizes are stored");
  TAP_OK (memcmp (data, expected, sizeof expected) == 0,
      "every byte is where docs/bitstream.md puts it");
  TAP_OK (walloc_frame_parse (data, sizeof data, &back, &error) == WALLOC_OK
      && same (&info, &back), "reading gives back what was written");
  TAP_OK (walloc_frame_slice (data, &back, 0, &offset, &size) == WALLOC_OK
      && offset == 40 && size == 10, "slice 0");
  TAP_OK (walloc_frame_slice (data, &back, 2, &offset, &size) == WALLOC_OK
      && offset == 70 && size == 30, "the last slice takes what is left");
  TAP_OK (walloc_frame_slice (data, &back, 3, &offset, &size) ==
      WALLOC_ERR_ARGUMENT, "there is no slice behind the last");
  data[34] = 61;
  TAP_OK (walloc_frame_slice (data, &back, 1, &offset, &size) ==
      WALLOC_ERR_CORRUPT, "slice sizes that changed are noticed");
}

static void
test_round_trip (void)
{
  static uint8_t data[ROOM];
  walloc_frame_info info, back;
  unsigned n, bad = 0;

  for (n = 1; n <= 2048; n = n < 9 ? n + 1 : n * 2 - 3)
    if (full_header (data, &info, n) == 0 ||
        walloc_frame_parse (data, info.header_size, &back, NULL) !=
        WALLOC_OK || !same (&info, &back) || back.slices != n)
      bad++;
  TAP_OK (bad == 0, "1 to 2048 slices with all records round trip");
  full_header (data, &info, 2048);
  TAP_OK (info.header_size == 34 + 2047 + 2047 - 120 + 19 + 11 + 8 + 11 + 4,
      "the header is no longer than it must be");
  fill (&info, 16384, 16384, 2048);
  TAP_OK (walloc_frame_write (data, ROOM, &info, &(uint32_t) {
          1u << 30}
          ,
          NULL) == WALLOC_OK && info.slices == 1 && info.header_size == 38 &&
      walloc_frame_parse (data, 38, &back, NULL) == WALLOC_OK &&
      same (&info, &back), "the greatest picture and payload round trip");
  fill (&info, 1, 1, 1);
  TAP_OK (walloc_frame_write (data, ROOM, &info, &(uint32_t) {
          8}
          ,
          NULL) == WALLOC_OK &&
      walloc_frame_parse (data, 38, &back, NULL) == WALLOC_OK &&
      same (&info, &back), "the smallest picture round trips");
  info.type = WALLOC_FRAME_REPEAT;
  info.slices = 0;
  info.pts = 7;
  TAP_OK (walloc_frame_write (data, ROOM, &info, NULL, NULL) == WALLOC_OK &&
      walloc_frame_parse (data, info.header_size, &back, NULL) == WALLOC_OK
      && same (&info, &back) && back.payload_size == 0 && back.pts == 7,
      "a repeat frame has neither slices nor payload");
  fill (&info, 20, 20, 2);
  info.type = WALLOC_FRAME_PREDICTED;
  TAP_OK (walloc_frame_write (data, ROOM, &info, (uint32_t[2]) {
          1, 2}
          ,
          NULL) == WALLOC_OK &&
      walloc_frame_parse (data, info.header_size, &back, NULL) == WALLOC_OK
      && same (&info, &back), "predicted frames are delimited");
}

/* Layers: segments one after another, and a picture coded at half its size. */
static void
test_layers (void)
{
  uint32_t sizes[9] = { 300, 0, 20, 40, 5, 128, 7, 8, 9 }, all[9];
  walloc_frame_info info, back;
  uint8_t data[100];
  size_t offset, size, at;
  unsigned i, bad = 0;
  walloc_error error;

  fill (&info, 47, 39, 1);
  info.scale = 1;
  info.slices = 3;
  info.layers = 3;
  info.layer_end[0] = 1;
  info.layer_end[1] = 11;
  TAP_OK (walloc_frame_write (data, sizeof data, &info, sizes, &error) ==
      WALLOC_OK && info.header_size == 34 + 4 + 2 + 7 + 1 + 4 - 1 + 1 - 1 + 1
      && info.payload_size == 517, "three layers of three slices");
  TAP_OK (walloc_frame_parse (data, sizeof data, &back, &error) == WALLOC_OK
      && same (&info, &back) && back.layer_end[2] == 12, "are read back");
  for (i = 0, at = info.header_size; i < 9; at += sizes[i++])
    bad += walloc_frame_segment (data, &back, i / 3, i % 3, &offset, &size) !=
        WALLOC_OK || offset != at || size != sizes[i];
  TAP_OK (bad == 0, "every segment is where it was put");
  TAP_OK (walloc_frame_segment_sizes (data, &back, all, 9) == WALLOC_OK &&
      memcmp (all, sizes, sizeof all) == 0, "all sizes at once");
  TAP_OK (walloc_frame_segment_sizes (data, &back, all, 8) ==
      WALLOC_ERR_ARGUMENT && walloc_frame_segment_sizes (data, &back, NULL,
          9) == WALLOC_ERR_ARGUMENT, "and no other number of them");
  TAP_OK (walloc_frame_slice (data, &back, 1, &offset, &size) == WALLOC_OK &&
      offset == info.header_size + 320u && size == 173,
      "a slice is its segments");
  TAP_OK (walloc_frame_segment (data, &back, 0, 3, &offset, &size) ==
      WALLOC_ERR_ARGUMENT && walloc_frame_segment (data, &back, 3, 0,
          &offset, &size) == WALLOC_ERR_ARGUMENT, "no others are there");
  back.channels = 11;
  TAP_OK (walloc_frame_rewrite (data, &back, data, sizeof data, &error) ==
      WALLOC_ERR_ARGUMENT, "rewriting cannot drop channels");
}

/* Headers that training/make_test_model.py wrote without this library. */
static void
test_python (void)
{
  static const char folder[] = TEST_GOLDEN_DIR "/../fuzzing/seeds/frame/";
  static const struct
  {
    const char *name;
    walloc_result expected;
  } rows[] = {
    {"plain.wlc", WALLOC_OK}, {"unknown-record.wlc", WALLOC_OK},
    {"repeat.wlc", WALLOC_OK}, {"predicted.wlc", WALLOC_OK},
    {"slices.wlc", WALLOC_OK}, {"layers.wlc", WALLOC_OK}, {"two.wlc",
        WALLOC_OK},
    {"later-version.wlc", WALLOC_ERR_UNSUPPORTED}, {"records.wlc", WALLOC_OK}
  };
  walloc_frame_info info;
  char path[500];
  uint8_t data[2000];
  size_t size = 0, i;
  FILE *file;

  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    snprintf (path, sizeof path, "%s%s", folder, rows[i].name);
    file = fopen (path, "rb");
    size = file != NULL ? fread (data, 1, sizeof data, file) : 0;
    if (file != NULL)
      fclose (file);
    TAP_OK (walloc_frame_parse (data, size, &info, NULL) == rows[i].expected,
        "%s from Python", rows[i].name);
  }
  TAP_OK (info.header_size == size && info.width == 720 &&
      info.height == 576 && info.format == WALLOC_FORMAT_I420 &&
      info.payload_size == 600 && info.slices == 3 && info.slice_rows == 24
      && info.step_index == 60 && info.channels == 24 &&
      info.model_id == UINT64_C (0x0123456789abcdef) &&
      info.pts == 1000000000 && info.duration == 40000000 &&
      info.fps_n == 30000 && info.fps_d == 1001 && info.par_n == 16 &&
      info.par_d == 11 && info.has_colour && info.colour.range == 2 &&
      info.colour.matrix == 1 && info.colour.chroma_site == 2,
      "every field is what Python put there");
}

static void
test_damage (void)
{
  static uint8_t data[ROOM], copy[ROOM];
  walloc_frame_info info, back;
  walloc_error error;
  size_t size = full_header (data, &info, 3), i;
  unsigned bad = 0, bit, named = 0, accepted = 0;
  walloc_result result;

  for (i = 0; i < size; i++) {
    /* exactly i bytes, so that a sanitizer sees reads behind them */
    uint8_t *exact = malloc (i + 1);

    memcpy (exact, data, i);
    result = walloc_frame_parse (exact, i, &back, &error);
    bad += result != WALLOC_ERR_TRUNCATED;
    bad += back.header_size != (i >= 6 ? info.header_size : 0);
    named += strlen (error.text) > 10;
    free (exact);
  }
  TAP_OK (bad == 0, "%lu truncations are reported as such",
      (unsigned long) size);
  TAP_OK (named == size, "each with a sentence");
  for (i = 0; i < size; i++) {
    for (bit = 0; bit < 8; bit++) {
      memcpy (copy, data, size);
      copy[i] ^= (uint8_t) (1 << bit);
      result = walloc_frame_parse (copy, size, &back, &error);
      /* a greater header size asks for more bytes; all else is damage */
      accepted += result == WALLOC_OK;
      if (result != WALLOC_ERR_CORRUPT && !((i == 4 || i == 5) &&
              result == WALLOC_ERR_TRUNCATED))
        bad++;
      /* with more bytes behind it, that is damage as well */
      if (walloc_frame_parse (copy, ROOM, &back, NULL) != WALLOC_ERR_CORRUPT)
        bad++;
    }
  }
  TAP_OK (accepted == 0, "no flipped bit is accepted");
  TAP_OK (bad == 0, "%lu flipped bits are reported as damage",
      (unsigned long) (8 * size));
  TAP_OK (walloc_frame_parse (data, size, NULL, &error) ==
      WALLOC_ERR_ARGUMENT, "no place for the answer is refused");
  TAP_OK (walloc_frame_parse (NULL, 40, &back, &error) ==
      WALLOC_ERR_ARGUMENT, "no data is refused");
  TAP_OK (walloc_frame_parse ((const uint8_t *) "WLC2", 4, &back, &error) ==
      WALLOC_ERR_CORRUPT, "another magic is no frame");
  TAP_OK (walloc_frame_parse ((const uint8_t *) "RIFF", 1, &back, &error) ==
      WALLOC_ERR_CORRUPT, "nor is a wrong first byte");
}

/* One field changed, with a checksum that holds. */
static void
test_fields (void)
{
  static const struct
  {
    const char *what;
    unsigned at, size;
    uint32_t value;
    walloc_result expected;
  } rows[] = {
    {"media 2", 6, 1, 0x02, WALLOC_ERR_UNSUPPORTED},
    {"media 3", 6, 1, 0x03, WALLOC_ERR_UNSUPPORTED},
    {"frame type 3", 6, 1, 0x0c, WALLOC_ERR_UNSUPPORTED},
    {"reserved bit 4", 6, 1, 0x10, WALLOC_ERR_UNSUPPORTED},
    {"reserved bit 7", 6, 1, 0x80, WALLOC_ERR_UNSUPPORTED},
    {"version 0", 7, 1, 0x00, WALLOC_ERR_UNSUPPORTED},
    {"version 1", 7, 1, 0x01, WALLOC_ERR_UNSUPPORTED},
    {"version 3", 7, 1, 0x03, WALLOC_ERR_UNSUPPORTED},
    {"coder 1", 7, 1, 0x12, WALLOC_ERR_UNSUPPORTED},
    {"a payload of more than 2^30", 8, 4, (1u << 30) + 1, WALLOC_ERR_CORRUPT},
    {"a payload less than the slices", 8, 4, 29, WALLOC_ERR_CORRUPT},
    {"16385 pixels of width", 20, 2, 16384, WALLOC_ERR_CORRUPT},
    {"65536 pixels of height", 22, 2, 65535, WALLOC_ERR_CORRUPT},
    {"16385 pixels of height", 22, 2, 16384, WALLOC_ERR_CORRUPT},
    {"pixel format 11", 24, 1, 11, WALLOC_ERR_UNSUPPORTED},
    {"pixel format 255", 24, 1, 255, WALLOC_ERR_UNSUPPORTED},
    {"step index 177", 26, 2, 177, WALLOC_ERR_CORRUPT},
    {"no channels", 28, 2, 0, WALLOC_ERR_CORRUPT},
    {"no rows per slice", 30, 2, 0, WALLOC_ERR_CORRUPT},
    {"2049 rows per slice", 30, 2, 2049, WALLOC_ERR_CORRUPT},
    {"more slices than sizes", 22, 2, 999, WALLOC_ERR_CORRUPT},
    {"a size without an end", 34, 2, 0xffff, WALLOC_ERR_CORRUPT},
    {"a size longer than it must be", 34, 2, 0x0080, WALLOC_ERR_CORRUPT},
    {"flag 16", 32, 1, 0x10, WALLOC_ERR_UNSUPPORTED},
    {"flag 128", 32, 1, 0x80, WALLOC_ERR_UNSUPPORTED},
    {"scale 3", 32, 1, 0x03, WALLOC_ERR_UNSUPPORTED},
    {"two layers that end at 5140", 32, 1, 0x04, WALLOC_ERR_CORRUPT},
    {"four layers in two bytes", 32, 1, 0x0c, WALLOC_ERR_CORRUPT},
    {"a header too small for anything", 4, 2, 37, WALLOC_ERR_CORRUPT},
    {"a repeat frame with payload", 6, 1, 0x08, WALLOC_ERR_CORRUPT},
    /* what must be taken */
    {"sequence 255", 33, 1, 255, WALLOC_OK},
    {"step index 176", 26, 2, 176, WALLOC_OK},
    {"set 255", 25, 1, 255, WALLOC_OK},
    {"65535 channels", 28, 2, 65535, WALLOC_OK},
    {"pixel format 10", 24, 1, 10, WALLOC_OK},
    {"16384 pixels of width", 20, 2, 16383, WALLOC_OK},
    {"a payload of 2^30", 8, 4, 1u << 30, WALLOC_OK}
  };
  uint32_t sizes[3] = { 10, 20, 30 };
  walloc_frame_info info, back;
  walloc_result result;
  walloc_error error;
  uint8_t data[64], copy[64];
  unsigned i, j;

  fill (&info, 24, 20, 1);
  walloc_frame_write (data, sizeof data, &info, sizes, NULL);
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    memcpy (copy, data, sizeof copy);
    for (j = 0; j < rows[i].size; j++)
      copy[rows[i].at + j] = (uint8_t) (rows[i].value >> 8 * j);
    seal (copy, info.header_size);
    error.text[0] = '\0';
    result = walloc_frame_parse (copy, info.header_size, &back, &error);
    TAP_OK (result == rows[i].expected && (result == WALLOC_OK ||
            strlen (error.text) > 10), "%s: %s", rows[i].what,
        result == WALLOC_OK ? "taken" : error.text);
    if (result == WALLOC_ERR_UNSUPPORTED)
      TAP_OK (back.header_size == 40 && back.payload_size == 60,
          "%s: sizes are known, so a reader can go on", rows[i].what);
  }
}

/* A one-slice header with these bytes in place of records. */
static walloc_result
parse_with (const void *records, size_t size, walloc_frame_info * info,
    walloc_error * error)
{
  uint8_t data[600];

  fill (info, 8, 8, 1);
  walloc_frame_write (data, sizeof data, info, &(uint32_t) {
      9}
      , NULL);
  memcpy (data + 34, records, size);
  walloc_put_u16 (data + 4, (uint32_t) (38 + size));
  seal (data, 38 + size);
  return walloc_frame_parse (data, 38 + size, info, error);
}

static void
test_records (void)
{
  static const struct
  {
    const char *what;
    size_t size;
    uint8_t bytes[44];
    walloc_result expected;
  } rows[] = {
    {"one stray byte", 1, {0}, WALLOC_ERR_CORRUPT},
    {"two stray bytes", 2, {9, 0}, WALLOC_ERR_CORRUPT},
    {"a record that leaves the header", 4, {9, 2, 0, 1}, WALLOC_ERR_CORRUPT},
    {"a length of 65535", 3, {9, 255, 255}, WALLOC_ERR_CORRUPT},
    {"a time of 15 bytes", 18, {1, 15, 0}, WALLOC_ERR_CORRUPT},
    {"a rate of 9 bytes", 12, {2, 9, 0, 1, 0, 0, 0, 1}, WALLOC_ERR_CORRUPT},
    {"a colour of 4 bytes", 7, {3, 4, 0}, WALLOC_ERR_CORRUPT},
    {"an aspect of 0 bytes", 3, {4, 0, 0}, WALLOC_ERR_CORRUPT},
    {"rate 0/1", 11, {2, 8, 0, 0, 0, 0, 0, 1}, WALLOC_ERR_CORRUPT},
    {"rate 25/0", 11, {2, 8, 0, 25}, WALLOC_ERR_CORRUPT},
    {"aspect 0/1", 11, {4, 8, 0, 0, 0, 0, 0, 1}, WALLOC_ERR_CORRUPT},
    {"aspect 1/0", 11, {4, 8, 0, 1}, WALLOC_ERR_CORRUPT},
    {"colour range 3", 8, {3, 5, 0, 3, 1, 1, 1, 0}, WALLOC_ERR_CORRUPT},
    {"colour twice", 16, {3, 5, 0, 1, 1, 1, 1, 0, 3, 5, 0, 1, 1, 1, 1, 0},
        WALLOC_ERR_CORRUPT},
    {"an unknown record twice", 6, {200, 0, 0, 200, 0, 0},
        WALLOC_ERR_CORRUPT},
    {"unknown records", 11, {200, 0, 0, 0, 5, 0, 1, 2, 3, 4, 5}, WALLOC_OK},
    {"colour with code points of the future", 8, {3, 5, 0, 0, 255, 255, 255,
            255}, WALLOC_OK}
  };
  walloc_frame_info info;
  walloc_result result;
  walloc_error error;
  unsigned i;

  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    error.text[0] = '\0';
    result = parse_with (rows[i].bytes, rows[i].size, &info, &error);
    TAP_OK (result == rows[i].expected, "%s: %s", rows[i].what,
        result == WALLOC_OK ? "taken" : error.text);
  }
  TAP_OK (info.has_colour && info.colour.matrix == 255 &&
      info.pts == WALLOC_TIME_NONE && info.fps_n == 0 && info.fps_d == 1 &&
      info.par_n == 1 && info.par_d == 1,
      "what no record says keeps its default");
}

static void
test_rewrite (void)
{
  static const uint8_t extra[] = { 99, 4, 0, 'a', 'b', 'c', 'd', 77, 0, 0 };
  static uint8_t data[ROOM], out[ROOM];
  walloc_frame_info info, back;
  walloc_error error;
  size_t size = full_header (data, &info, 4);

  /* unknown records in front of the known ones */
  memmove (data + 37 + sizeof extra, data + 37, size - 37);
  memcpy (data + 37, extra, sizeof extra);
  size += sizeof extra;
  walloc_put_u16 (data + 4, (uint32_t) size);
  seal (data, size);
  TAP_OK (walloc_frame_parse (data, size, &info, &error) == WALLOC_OK,
      "unknown records may come first");
  info.pts = 123;
  info.duration = WALLOC_TIME_NONE;
  TAP_OK (walloc_frame_rewrite (data, &info, out, ROOM, &error) == WALLOC_OK
      && walloc_frame_parse (out, info.header_size, &back, NULL) == WALLOC_OK
      && same (&info, &back) && back.pts == 123 && back.slices == 4 &&
      back.header_size == size, "a new time stamp");
  TAP_OK (memcmp (out + 32, data + 32, 5) == 0, "the slice table stays");
  TAP_OK (memcmp (out + size - 4 - sizeof extra, extra, sizeof extra) == 0,
      "unknown records stay, in their order");
  info.pts = WALLOC_TIME_NONE;
  info.fps_n = 0;
  TAP_OK (walloc_frame_rewrite (data, &info, out, 60, &error) ==
      WALLOC_ERR_SPACE && info.header_size == size - 19 - 11,
      "too little space says how much is needed");
  TAP_OK (walloc_frame_rewrite (data, &info, out, info.header_size,
          &error) == WALLOC_OK &&
      walloc_frame_parse (out, info.header_size, &back, NULL) == WALLOC_OK
      && same (&info, &back), "and the second try fits exactly");
  info.slice_rows = 2;
  info.slices = 2;
  TAP_OK (walloc_frame_rewrite (data, &info, out, ROOM, &error) ==
      WALLOC_ERR_ARGUMENT, "slices cannot change");
  walloc_frame_parse (data, size, &info, NULL);
  info.payload_size++;
  TAP_OK (walloc_frame_rewrite (data, &info, out, ROOM, &error) ==
      WALLOC_ERR_ARGUMENT, "nor can the payload");
  walloc_frame_parse (data, size, &info, NULL);
  info.step_index = 200;
  TAP_OK (walloc_frame_rewrite (data, &info, out, ROOM, &error) ==
      WALLOC_ERR_ARGUMENT, "nor fields leave their range");
  data[40] ^= 1;
  walloc_frame_info_init (&back);
  TAP_OK (walloc_frame_rewrite (data, &info, out, ROOM, &error) ==
      WALLOC_ERR_CORRUPT, "a damaged header is not rewritten");
}

static void
refuse (const char *what, const walloc_frame_info * changed,
    const uint32_t * sizes)
{
  walloc_frame_info info = *changed;
  uint8_t data[200];
  walloc_error error = { "" };
  walloc_result result;

  result = walloc_frame_write (data, sizeof data, &info, sizes, &error);
  TAP_OK (result == WALLOC_ERR_ARGUMENT && strlen (error.text) > 10,
      "%s cannot be written: %s", what, error.text);
}

static void
test_write (void)
{
  uint32_t sizes[3] = { 10, 20, 30 };
  walloc_frame_info good, info;
  uint8_t data[64];
  walloc_error error;

  fill (&good, 24, 20, 1);
#define REFUSE(what, change) \
  do { info = good; change; refuse (what, &info, sizes); } while (0)
  REFUSE ("width 0", info.width = 0);
  REFUSE ("width 16385", info.width = 16385);
  REFUSE ("height 0", info.height = 0; info.slices = 0);
  REFUSE ("height 16385", info.height = 16385; info.slice_rows = 1024);
  REFUSE ("format 11", info.format = WALLOC_FORMAT_COUNT);
  REFUSE ("format -1", info.format = (walloc_format) - 1);
  REFUSE ("set 256", info.set = 256);
  REFUSE ("step 177", info.step_index = 177);
  REFUSE ("no channels", info.channels = 0);
  REFUSE ("65536 channels", info.channels = 65536);
  REFUSE ("no rows per slice", info.slice_rows = 0);
  REFUSE ("2049 rows per slice", info.slice_rows = 2049; info.slices = 1);
  REFUSE ("scale 3", info.scale = 3);
  REFUSE ("sequence 256", info.sequence = 256);
  REFUSE ("no layers", info.layers = 0);
  REFUSE ("five layers", info.layers = 5);
  REFUSE ("a layer without channels", info.layers = 2; info.layer_end[0] = 0);
  REFUSE ("a last layer without channels", info.layers = 2;
      info.layer_end[0] = 12);
  REFUSE ("layers that fall", info.layers = 3; info.layer_end[0] = 5;
      info.layer_end[1] = 5);
  REFUSE ("a slice too few", info.slices = 2);
  REFUSE ("a slice too many", info.slices = 4);
  REFUSE ("slices of a repeat frame", info.type = WALLOC_FRAME_REPEAT);
  REFUSE ("frame type 3", info.type = (walloc_frame_type) 3);
  REFUSE ("audio", info.media = WALLOC_MEDIA_AUDIO);
  REFUSE ("rate 25/0", info.fps_n = 25; info.fps_d = 0);
  REFUSE ("aspect 1/0", info.par_n = 2; info.par_d = 0);
  REFUSE ("colour range 3", info.has_colour = 1; info.colour.range = 3);
  REFUSE ("2^30 + 1 bytes", sizes[2] = (1u << 30) - 29);
  sizes[2] = 30;
  refuse ("no table of sizes", &good, NULL);
  info = good;
  TAP_OK (walloc_frame_write (data, 39, &info, sizes, &error) ==
      WALLOC_ERR_SPACE && info.header_size == 40,
      "one byte too few, and how many are needed");
  TAP_OK (walloc_frame_write (NULL, 0, &info, sizes, &error) ==
      WALLOC_ERR_SPACE && info.header_size == 40,
      "no buffer asks for the size");
  TAP_OK (walloc_frame_write (NULL, 64, &info, sizes, &error) ==
      WALLOC_ERR_ARGUMENT, "a buffer of NULL is refused");
  TAP_OK (walloc_frame_write (data, 64, NULL, sizes, &error) ==
      WALLOC_ERR_ARGUMENT, "no info is refused");
  info.par_n = 0;
  info.par_d = 0;
  info.fps_d = 0;
  TAP_OK (walloc_frame_write (data, 40, &info, sizes, &error) == WALLOC_OK &&
      info.header_size == 40, "an unknown rate and aspect write nothing");
}

static void
test_find (void)
{
  const uint8_t data[] = "WLWLC1xWLC1WL";
  size_t size = sizeof data - 1;

  TAP_OK (walloc_frame_find (data, size, 0) == 2, "the first magic");
  TAP_OK (walloc_frame_find (data, size, 2) == 2, "at the start");
  TAP_OK (walloc_frame_find (data, size, 3) == 7, "the next one");
  TAP_OK (walloc_frame_find (data, size, 8) == 11, "a beginning at the end");
  TAP_OK (walloc_frame_find (data, 10, 8) == 10, "none");
  TAP_OK (walloc_frame_find (data, 10, 7) == 7, "three bytes of one");
  TAP_OK (walloc_frame_find (data, 3, 10) == 3, "a start behind the end");
  TAP_OK (walloc_frame_find (NULL, 0, 0) == 0, "no data");
}

static void
test_formats (void)
{
  TAP_OK (walloc_format_planes (WALLOC_FORMAT_GRAY8) == 1 &&
      walloc_format_planes (WALLOC_FORMAT_NV12) == 2 &&
      walloc_format_planes (WALLOC_FORMAT_Y42B) == 3 &&
      walloc_format_planes (WALLOC_FORMAT_XBGR) == 1, "planes");
  TAP_OK (walloc_format_planes (WALLOC_FORMAT_COUNT) == 0 &&
      walloc_format_planes ((walloc_format) - 1) == 0,
      "unknown formats have none");
  TAP_OK (walloc_format_row_bytes (WALLOC_FORMAT_I420, 0, 5) == 5 &&
      walloc_format_row_bytes (WALLOC_FORMAT_I420, 2, 5) == 3 &&
      walloc_format_row_bytes (WALLOC_FORMAT_NV12, 1, 5) == 6 &&
      walloc_format_row_bytes (WALLOC_FORMAT_Y42B, 1, 5) == 3 &&
      walloc_format_row_bytes (WALLOC_FORMAT_Y444, 1, 5) == 5 &&
      walloc_format_row_bytes (WALLOC_FORMAT_BGR, 0, 5) == 15 &&
      walloc_format_row_bytes (WALLOC_FORMAT_XRGB, 0, 5) == 20,
      "bytes per row, odd width");
  TAP_OK (walloc_format_rows (WALLOC_FORMAT_I420, 1, 7) == 4 &&
      walloc_format_rows (WALLOC_FORMAT_NV12, 1, 1) == 1 &&
      walloc_format_rows (WALLOC_FORMAT_Y42B, 1, 7) == 7 &&
      walloc_format_rows (WALLOC_FORMAT_RGB, 0, 7) == 7, "rows, odd height");
  TAP_OK (walloc_format_rows (WALLOC_FORMAT_RGB, 1, 7) == 0 &&
      walloc_format_row_bytes (WALLOC_FORMAT_NV12, 2, 7) == 0 &&
      walloc_format_row_bytes (WALLOC_FORMAT_I420, 3, 7) == 0 &&
      walloc_format_row_bytes (WALLOC_FORMAT_COUNT, 0, 7) == 0,
      "planes that do not exist have no bytes");
  TAP_OK (strcmp (walloc_format_name (WALLOC_FORMAT_RGBX), "RGBx") == 0 &&
      strcmp (walloc_format_name (WALLOC_FORMAT_I420), "I420") == 0 &&
      walloc_format_name (WALLOC_FORMAT_COUNT) == NULL, "names");
}

int
main (void)
{
  test_checksum ();
  test_layout ();
  test_round_trip ();
  test_layers ();
  test_python ();
  test_damage ();
  test_fields ();
  test_records ();
  test_rewrite ();
  test_write ();
  test_find ();
  test_formats ();
  return tap_done ();
}
