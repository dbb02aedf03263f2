/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder's memory: none is taken or given back from frame to frame, and
 * all of it stays below what docs/design/kernels.md states.
 * test-memory MODEL prints the table of that page. */
#include "codec_util.h"
#include "model_file.h"

#include <limits.h>

typedef struct
{
  size_t now, peak;
  unsigned calls;
} memory_count;

/* The size is kept in front of a block. */
#define FRONT 64

static void *
count_alloc (void *user, size_t size)
{
  memory_count *m = user;
  char *p = malloc (size + FRONT);

  if (p == NULL)
    return NULL;
  memcpy (p, &size, sizeof size);
  m->calls++;
  m->now += size;
  m->peak = m->now > m->peak ? m->now : m->peak;
  return p + FRONT;
}

static void
count_free (void *user, void *memory)
{
  memory_count *m = user;
  size_t size;

  memcpy (&size, (char *) memory - FRONT, sizeof size);
  m->calls++;
  m->now -= size;
  free ((char *) memory - FRONT);
}

/* Encodes frames that move, with the parameters of turn i changed as a rate
 * control changes them. Returns calls of the allocator after the first two
 * frames, the most bytes in *peak. */
static unsigned
encode_some (walloc_model * model, walloc_format format, unsigned width,
    unsigned height, unsigned threads, walloc_prediction predict,
    unsigned quality, unsigned frames, memory_count * m)
{
  walloc_allocator allocator = { count_alloc, count_free, m, 0 };
  walloc_runner runner = { run_threads, &threads, threads };
  walloc_encode_params params;
  walloc_encoder *encoder;
  walloc_image image;
  walloc_error error;
  const uint8_t *data;
  unsigned i, steady = 0;
  size_t size;

  memset (m, 0, sizeof *m);
  if (walloc_encoder_new (model, &allocator, threads > 1 ? &runner : NULL,
          &encoder, &error) != WALLOC_OK)
    return UINT_MAX;
  picture_new (&image, format, width, height);
  walloc_encode_params_init (&params);
  for (i = 0; i < frames; i++) {
    /* the first frame is the largest: noise */
    picture_draw (&image, i == 0 ? 2 : i % 2, i);
    params.quality = quality - i % 4;
    params.predict = predict == WALLOC_PREDICT_ALLOWED && i == 0 ?
        WALLOC_PREDICT_KEY : predict;
    if (i == 2)
      steady = m->calls;
    if (walloc_encoder_encode (encoder, &image, &params, &data, &size, NULL,
            &error) != WALLOC_OK) {
      printf ("# %s\n", error.text);
      steady = UINT_MAX;
      break;
    }
  }
  steady = steady == UINT_MAX ? steady : m->calls - steady;
  picture_free (&image);
  walloc_encoder_free (encoder);
  return steady;
}

static void
test_steady (walloc_model * model)
{
  static const walloc_format formats[] = { WALLOC_FORMAT_I420,
    WALLOC_FORMAT_NV12, WALLOC_FORMAT_Y42B, WALLOC_FORMAT_RGB
  };
  unsigned f, threads, predict, calls;
  memory_count m;

  for (f = 0; f < sizeof formats / sizeof *formats; f++)
    for (threads = 1; threads <= 3; threads += 2)
      for (predict = 0; predict <= WALLOC_PREDICT_ALLOWED; predict += 2) {
        calls = encode_some (model, formats[f], 1550, 390, threads,
            (walloc_prediction) predict, 80, 5, &m);
        TAP_OK (calls == 0 && m.now == 0,
            "%s, %u threads%s: %u calls of the allocator in 3 frames, "
            "%zu bytes left at the end", walloc_format_name (formats[f]),
            threads, predict ? ", predicted" : "", calls, m.now);
      }
}

/* Frames whose scale is chosen, or told, and differs from that of the frame
 * before: all of them together, from the first on. What a stream needs of
 * memory is there after a first frame of each kind. */
static void
test_scales (walloc_format format, unsigned threads, walloc_prediction predict)
{
  static const uint16_t table[2][5] = {
    {90, 150, 20, 74, 112}, {120, 170, 25, 106, 112}
  };
  static const unsigned steps[] = { 60, 119, 149, 165, 89, 174, 100, 149 };
  walloc_model *model = model_with_scales (MODEL ("ordered-test.wlm"), table);
  memory_count m = { 0, 0, 0 };
  walloc_allocator allocator = { count_alloc, count_free, &m, 0 };
  walloc_runner runner = { run_threads, &threads, threads };
  walloc_encode_params params;
  walloc_encoder *encoder;
  walloc_frame_info info;
  unsigned i, steady = 0, scales = 0, changes = 0, before = 0, bad = 0;
  const uint8_t *data;
  walloc_image image;
  size_t size;

  walloc_encoder_new (model, &allocator, threads > 1 ? &runner : NULL,
      &encoder, NULL);
  picture_new (&image, format, 950, 690);
  walloc_encode_params_init (&params);
  params.use_step = 1;
  for (i = 0; i < 24; i++) {
    picture_draw (&image, i == 0 ? 2 : i / 8 % 2, i);
    params.step_index = i == 0 ? 0 : steps[i % 8];
    params.shrink = i < 16 ? 0 : 1u << i % 3;
    params.predict = i == 0 && predict == WALLOC_PREDICT_ALLOWED ?
        WALLOC_PREDICT_KEY : predict;
    if (i == 1)
      steady = m.calls;
    bad += walloc_encoder_encode (encoder, &image, &params, &data, &size,
        &info, NULL) != WALLOC_OK;
    scales |= 1u << info.scale;
    changes += info.scale != before;
    before = info.scale;
  }
  steady = m.calls - steady;
  picture_free (&image);
  walloc_encoder_free (encoder);
  walloc_model_unref (model);
  TAP_OK (bad == 0 && steady == 0 && m.now == 0 && scales == 7 && changes > 7,
      "%s, %u threads%s: %u calls of the allocator in 23 frames with %u "
      "changes of scale, %zu bytes left at the end",
      walloc_format_name (format), threads, predict ? ", predicted" : "",
      steady, changes, m.now);
}

static void
print_table (walloc_model * model)
{
  static const unsigned sizes[][2] = { {1920, 1080}, {3840, 2160} };
  unsigned s, threads, predict;
  memory_count m;

  printf ("# MiB of the encoder at its peak, I420 noise and pictures at "
      "quality 50\n");
  for (s = 0; s < 2; s++)
    for (predict = 0; predict <= WALLOC_PREDICT_ALLOWED; predict += 2)
      for (threads = 1; threads <= 2; threads++) {
        encode_some (model, WALLOC_FORMAT_I420, sizes[s][0], sizes[s][1],
            threads, (walloc_prediction) predict, 50, 3, &m);
        printf ("# %ux%u, %u threads, %s: %.1f MiB\n", sizes[s][0],
            sizes[s][1], threads, predict ? "predicted frames" :
            "key frames", (double) m.peak / (1 << 20));
      }
}

int
main (int argc, char **argv)
{
  walloc_model *model = load_model (argc > 1 ? argv[1] :
      MODEL ("ordered-test.wlm"));
  memory_count m;

  if (argc > 1) {
    print_table (model);
    walloc_model_unref (model);
    return 0;
  }
  test_steady (model);
  test_scales (WALLOC_FORMAT_I420, 1, WALLOC_PREDICT_NONE);
  test_scales (WALLOC_FORMAT_NV12, 3, WALLOC_PREDICT_NONE);
  test_scales (WALLOC_FORMAT_RGB, 3, WALLOC_PREDICT_NONE);
  test_scales (WALLOC_FORMAT_I420, 2, WALLOC_PREDICT_ALLOWED);
  /* a model of 96 channels needs less than the shipped one of 192 */
  encode_some (model, WALLOC_FORMAT_I420, 1920, 1080, 1, WALLOC_PREDICT_NONE,
      50, 1, &m);
  TAP_OK (m.peak < 24 << 20, "1080p: %.1f MiB at the peak",
      (double) m.peak / (1 << 20));
  walloc_model_unref (model);
  return tap_done ();
}
