/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers of sound. */
#include <string.h>

#include <walloc/frame.h>

#include "common/bytes.h"
#include "common/crc32.h"
#include "tap.h"

/* docs/bitstream.md, section 1.1, by hand: 44100 Hz, 3 channels. */
static const uint8_t by_hand[] = {
  'W', 'L', 'C', '1', 66, 0, 1, 2, 30, 0, 0, 0,
  8, 7, 6, 5, 4, 3, 2, 1, 0x44, 0xac, 0, 2, 0, 4, 200, 0, 96, 0, 32, 0,
  0, 77, 10,                    /* size of the first pair's slice */
  5, 8, 0, 252, 7, 0, 0, 9, 0, 0, 0,
  6, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0,
  7, 2, 0, 3, 16, 0, 0, 0, 0
};

static void
seal (uint8_t * data, size_t size)
{
  walloc_put_u32 (data + size - 4, walloc_crc32 (data, size - 4));
}

static void
fill (walloc_frame_info * info)
{
  walloc_frame_info_init (info);
  info->media = WALLOC_MEDIA_AUDIO;
  info->model_id = UINT64_C (0x0102030405060708);
  info->rate = 44100;
  info->audio_channels = 3;
  info->slices = 2;
  info->columns = 32;
  info->set = 4;
  info->step_index = 200;
  info->channels = 96;
  info->sequence = 77;
  info->trim_start = 2044;
  info->trim_end = 9;
  info->mask = 7;
  info->rotation[0] = 3;
}

static void
test_layout (void)
{
  const uint32_t sizes[2] = { 10, 20 };
  uint8_t data[96], expected[sizeof by_hand];
  walloc_frame_info info, back;
  size_t offset, size;

  fill (&info);
  TAP_OK (walloc_frame_write (data, sizeof data, &info, sizes,
          NULL) == WALLOC_OK && info.header_size == sizeof by_hand,
      "a header of %u bytes", info.header_size);
  memcpy (expected, by_hand, sizeof by_hand);
  seal (expected, sizeof expected);
  TAP_OK (memcmp (data, expected, sizeof expected) == 0,
      "every byte is where docs/bitstream.md puts it");
  TAP_OK (walloc_frame_parse (data, sizeof data, &back, NULL) == WALLOC_OK &&
      back.media == WALLOC_MEDIA_AUDIO && back.rate == 44100 &&
      back.audio_channels == 3 && back.columns == 32 && back.slices == 2 &&
      back.set == 4 && back.step_index == 200 && back.channels == 96 &&
      back.sequence == 77 && back.trim_start == 2044 && back.trim_end == 9 &&
      back.mask == 7 && back.rotation[0] == 3 && back.rotation[1] == 16 &&
      back.payload_size == 30 && back.pts == WALLOC_TIME_NONE,
      "reading gives back what was written");
  TAP_OK (walloc_frame_slice (data, &back, 1, &offset, &size) == WALLOC_OK &&
      offset == sizeof by_hand + 10 && size == 20, "the second pair's slice");
  back.pts = 12345;
  back.trim_start = 0;
  TAP_OK (walloc_frame_rewrite (expected, &back, data, sizeof data,
          NULL) == WALLOC_OK && walloc_frame_parse (data, sizeof data, &info,
          NULL) == WALLOC_OK && info.pts == 12345 && info.trim_start == 0 &&
      info.trim_end == 9, "a rewritten header");
}

static void
test_plain (void)
{
  const uint32_t sizes[4] = { 0, 0, 0, 0 };
  walloc_frame_info info, back;
  uint8_t data[96];
  unsigned channels;

  for (channels = 1; channels <= WALLOC_AUDIO_MAX_CHANNELS; channels++) {
    fill (&info);
    info.audio_channels = channels;
    info.slices = (channels + 1) / 2;
    info.trim_start = info.trim_end = 0;
    info.mask = 0;
    info.rotation[0] = WALLOC_AUDIO_MID_SIDE;
    TAP_OK (walloc_frame_write (data, sizeof data, &info, sizes,
            NULL) == WALLOC_OK && info.header_size == 37 + info.slices &&
        walloc_frame_parse (data, sizeof data, &back, NULL) == WALLOC_OK &&
        back.slices == info.slices && back.rotation[3] == 16,
        "%u channels: no records, %u bytes", channels, info.header_size);
  }
}

/* What was taken from the samples of whole blocks. */
static void
test_whole (void)
{
  static const uint8_t record[] = { 8, 16, 0,
    0, 0, 0x20, 0xc1, 0, 0, 0x80, 0x47, /* -10, 65536 */
    0, 0, 0, 0, 0, 0, 0, 0
  };
  static const struct
  {
    unsigned at;
    uint32_t value;
    const char *what;
  } rows[] = {
    {3, 0x7fc00000, "a mean that is not a number"},
    {3, 0xff800000, "an infinite mean"},
    {3, 0x48800001, "a mean beyond 2^18"},
    {7, 0xbf800000, "a peak below 0"},
    {7, 0x7f800000, "an infinite peak"},
    {15, 0x48800001, "the second pair's peak beyond 2^18"},
    {0, 0x0000100a, "(an unknown record)"},
  };
  const uint32_t sizes[2] = { 10, 20 };
  walloc_frame_info info, back;
  walloc_result result;
  walloc_error error;
  uint8_t data[128];
  unsigned at, i;

  fill (&info);
  info.whole = 1;
  info.mean[0] = -10;
  info.peak[0] = 65536;
  TAP_OK (walloc_frame_write (data, sizeof data, &info, sizes,
          NULL) == WALLOC_OK && info.header_size == sizeof by_hand +
      sizeof record && memcmp (data + info.header_size - 4 - sizeof record,
          record, sizeof record) == 0 && walloc_frame_parse (data, sizeof data,
          &back, NULL) == WALLOC_OK && back.whole && back.mean[0] == -10 &&
      back.peak[0] == 65536 && back.peak[1] == 0, "means and peaks");
  at = info.header_size - 4 - (unsigned) sizeof record;
  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    memcpy (data + at, record, sizeof record);
    walloc_put_u32 (data + at + rows[i].at, rows[i].value);
    seal (data, info.header_size);
    strcpy (error.text, "taken");
    result = walloc_frame_parse (data, sizeof data, &back, &error);
    TAP_OK (result == (rows[i].at == 0 ? WALLOC_OK : WALLOC_ERR_CORRUPT),
        "%s: %s", rows[i].what, error.text);
  }
  TAP_OK (back.whole == 0, "a frame without the record is none of these");
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
    {"a predicted frame", 6, 1, 0x05, WALLOC_ERR_UNSUPPORTED},
    {"a repeat frame", 6, 1, 0x09, WALLOC_ERR_UNSUPPORTED},
    {"no rate", 20, 2, 0, WALLOC_ERR_CORRUPT},
    {"16 MHz", 22, 1, 0xff, WALLOC_OK},
    {"9 channels", 23, 1, 8, WALLOC_ERR_UNSUPPORTED},
    {"a reserved byte", 24, 1, 1, WALLOC_ERR_UNSUPPORTED},
    {"step index 353", 26, 2, 353, WALLOC_ERR_CORRUPT},
    {"step index 352", 26, 2, 352, WALLOC_OK},
    {"no latent channels", 28, 2, 0, WALLOC_ERR_CORRUPT},
    {"no columns", 30, 2, 0, WALLOC_ERR_CORRUPT},
    {"2049 columns", 30, 2, 2049, WALLOC_ERR_CORRUPT},
    {"2048 columns", 30, 2, 2048, WALLOC_OK},
    {"7 columns, less than is trimmed", 30, 2, 7, WALLOC_ERR_CORRUPT},
    {"a scale", 32, 1, 1, WALLOC_ERR_UNSUPPORTED},
    {"flag bit 4", 32, 1, 16, WALLOC_ERR_UNSUPPORTED},
    {"more trimmed than there is", 38, 4, 8190, WALLOC_ERR_CORRUPT},
    {"a trim record of 7 bytes", 36, 1, 7, WALLOC_ERR_CORRUPT},
    {"a rotation of 64", 60, 1, 64, WALLOC_ERR_CORRUPT},
    {"a rotation of 63", 60, 1, 63, WALLOC_OK},
    {"a rotation for one pair", 58, 1, 1, WALLOC_ERR_CORRUPT},
  };
  uint8_t data[sizeof by_hand];
  walloc_frame_info info;
  walloc_result result;
  walloc_error error;
  unsigned i, k;

  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    memcpy (data, by_hand, sizeof data);
    for (k = 0; k < rows[i].size; k++)
      data[rows[i].at + k] = (uint8_t) (rows[i].value >> 8 * k);
    seal (data, sizeof data);
    error.text[0] = '\0';
    result = walloc_frame_parse (data, sizeof data, &info, &error);
    TAP_OK (result == rows[i].expected, "%s: %s", rows[i].what,
        result == WALLOC_OK ? "taken" : error.text);
  }
}

static void
test_write (void)
{
  const uint32_t sizes[2] = { 10, 20 };
  walloc_frame_info info;
  walloc_error error;
  uint8_t data[96];

#define REFUSE(change) \
  do { \
    fill (&info); \
    change; \
    TAP_OK (walloc_frame_write (data, sizeof data, &info, sizes, \
            &error) == WALLOC_ERR_ARGUMENT, "%s: %s", #change, error.text); \
  } while (0)
  REFUSE (info.rate = 0);
  REFUSE (info.rate = 1 << 24);
  REFUSE (info.audio_channels = 0);
  REFUSE (info.audio_channels = 9);
  REFUSE (info.slices = 1);
  REFUSE (info.columns = 0);
  REFUSE (info.columns = 2049);
  REFUSE (info.step_index = 353);
  REFUSE (info.trim_start = 8184);
  REFUSE (info.trim_end = 6149);
  REFUSE (info.rotation[1] = 64);
  REFUSE ((info.whole = 1, info.mean[1] = 262145));
  REFUSE ((info.whole = 1, info.peak[0] = -1));
  REFUSE (info.type = WALLOC_FRAME_REPEAT);
  REFUSE (info.channels = 0);
  REFUSE (info.media = (walloc_media) 2);
}

int
main (void)
{
  test_layout ();
  test_plain ();
  test_whole ();
  test_fields ();
  test_write ();
  return tap_done ();
}
