/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Costs of symbols, and latents chosen by rate and distortion. */
#include "codec_util.h"

#include "codec/rdo.h"

#define WIDTH 60
#define ROWS 40
#define STEP 80

static void
test_costs (void)
{
  unsigned f, bad = 0;

  for (f = 1; f <= 32768; f++)
    bad += fabs (walloc_cost_of (f) - 256 * (15 - log2 (f))) > 1.01;
  TAP_OK (bad == 0, "costs of all frequencies");
  TAP_OK (walloc_cost_of (32768) == 0 && walloc_cost_of (1) == 15 * 256,
      "of the least and the greatest");
}

/* Latents with the quantiser's rounding, and what they were made from. */
typedef struct
{
  walloc_slice_coder coder;
  walloc_slice slice;
  uint8_t present[WALLOC_MODEL_MAX_CHANNELS];
  int16_t *planes, *fine, *fine_start;
  size_t elements;
  uint8_t *out;
  size_t out_size;
} scene;

/* Magnitudes that fall with the channel's number and differ from place to
 * place; much is near half a step. */
static void
scene_new (scene * s, const walloc_model * model)
{
  unsigned d = model->info.channels, c, y, x, seed = 7, set;
  double step = pow (2, STEP / 16.0), scale, v;
  size_t at;
  int q;

  memset (s, 0, sizeof *s);
  for (c = 0; c < d; c++)
    s->present[c] = model->group[c] != WALLOC_GROUP_DETAIL;
  set = walloc_model_set_of_step (model, STEP);
  walloc_slice_coder_init (&s->coder, model, set, d, s->present);
  s->elements = walloc_slice_elements (WIDTH, ROWS, d);
  s->planes = calloc (s->elements, sizeof *s->planes);
  s->fine = calloc (s->elements, sizeof *s->fine);
  s->slice.width = WIDTH;
  s->slice.rows = ROWS;
  s->slice.stride = walloc_slice_stride (WIDTH);
  s->slice.plane_stride = walloc_slice_plane_stride (WIDTH, ROWS);
  s->slice.planes = s->planes + walloc_slice_origin (WIDTH);
  s->slice.scratch =
      malloc (walloc_slice_scratch (model, WIDTH, ROWS, d, WALLOC_SLICE_BOTH));
  s->fine_start = s->fine + walloc_slice_origin (WIDTH);
  for (c = 0; c < d; c++)
    for (y = 0; y < ROWS && s->present[c]; y++)
      for (x = 0; x < WIDTH; x++) {
        scale = 12.0 / (1 + c) * (0.3 + (x > WIDTH / 2) + (y > ROWS / 3));
        v = tap_random (&seed) % 2000 / 1000.0 - 1;
        v *= fabs (v) * 3 * scale;
        at = c * s->slice.plane_stride + y * s->slice.stride + x;
        s->fine_start[at] = (int16_t) lrint (fmax (-32000, fmin (32000,
                    v * step * 16)));
        q = (int) (fabs (s->fine_start[at] / 16.0 / step) + 0.4);
        s->slice.planes[at] = (int16_t) (v < 0 ? -q : q);
      }
  s->out_size = walloc_slice_worst (WIDTH, ROWS, d);
  s->out = malloc (s->out_size);
}

static void
scene_free (scene * s)
{
  free (s->planes);
  free (s->fine);
  free (s->slice.scratch);
  free (s->out);
}

/* Bits of the slice, and squared error in squared steps as decoded. */
static void
judge (scene * s, double *bits, double *error)
{
  const walloc_model *model = s->coder.model;
  const walloc_model_set *set = &model->set[s->coder.set];
  size_t size = 0, at;
  unsigned c, y, x;
  double v, step;
  int q, a;

  *bits = *error = 0;
  if (walloc_slice_encode (&s->coder, &s->slice, s->out, s->out_size,
          &size) != WALLOC_OK)
    abort ();
  *bits = 8.0 * (double) size;
  for (c = 0; c < model->info.channels; c++)
    for (y = 0; y < ROWS && s->present[c]; y++)
      for (x = 0; x < WIDTH; x++) {
        at = c * s->slice.plane_stride + y * s->slice.stride + x;
        q = s->slice.planes[at];
        a = abs (q);
        step = pow (2, STEP / 16.0) * set->weight[c] / 4096;
        v = a == 0 ? 0 : a - set->recon[3 * c + (a < 3 ? a - 1 : 2)];
        v = (q < 0 ? -v : v) - s->fine_start[at] / 16.0 / step;
        *error += v * v * set->weight[c] * set->weight[c] / 4096 / 4096;
      }
}

/* Error plus rate at the price that decisions are made with: all speeds are
 * better than none of it, and of those that weigh everything each is better
 * than the one before; margins stay zero. */
static void
test_decisions (const walloc_model * model)
{
  walloc_rdo rdo;
  walloc_mem mem;
  double bits, error, j[6], first_bits = 0;
  unsigned speed, used = 0;
  size_t i, at, bad;
  void *memory;
  scene s;

  walloc_mem_init (&mem, NULL);
  memset (&rdo, 0, sizeof rdo);
  for (speed = 5; speed >= 1; speed--) {
    scene_new (&s, model);
    if (speed < 5) {
      TAP_OK (walloc_rdo_begin (&rdo, &mem, &s.coder, STEP, speed, NULL) ==
          WALLOC_OK, "speed %u begins", speed);
      if (used == 0)
        used = (unsigned) mem.used;
      memory = calloc (1, walloc_rdo_bytes (WIDTH, ROWS, model->info.channels));
      walloc_rdo_slice (&rdo, &s.slice, s.fine_start, memory);
      free (memory);
    }
    judge (&s, &bits, &error);
    j[speed] = error + 46 / 256.0 * bits;
    TAP_OK (speed == 5 || j[speed] < j[speed == 4 ? 5 : speed == 3 ? 5 :
            speed + 1], "speed %u: %.0f bits, error %.0f, together %.0f",
        speed, bits, error, j[speed]);
    if (speed == 5)
      first_bits = bits;
    else
      TAP_OK (bits < 0.95 * first_bits, "fewer bits than at speed 5");
    for (i = bad = 0; i < s.elements; i++) {
      at = i - walloc_slice_origin (WIDTH);
      if (i < walloc_slice_origin (WIDTH) || at % s.slice.stride >= WIDTH ||
          at % s.slice.plane_stride / s.slice.stride >= ROWS)
        bad += s.planes[i] != 0;
    }
    TAP_OK (bad == 0, "nothing is written around the planes");
    scene_free (&s);
  }
  TAP_OK (mem.used == used, "memory of a set is made once");
  walloc_rdo_release (&rdo, &mem);
  TAP_OK (mem.used == 0, "and given back");
  mem.a.limit = 1000;
  scene_new (&s, model);
  TAP_OK (walloc_rdo_begin (&rdo, &mem, &s.coder, STEP, 1, NULL) ==
      WALLOC_ERR_MEMORY && mem.used == 0, "or not at all");
  TAP_OK (walloc_rdo_begin (&rdo, &mem, &s.coder, STEP, 5, NULL) ==
      WALLOC_OK, "speed 5 needs none");
  scene_free (&s);
}

/* Through the encoder: fewer bytes, the same quality, the same bytes with any
 * threads, and the default is speed 5. */
static void
test_encoder (walloc_model * model, walloc_format format)
{
  unsigned count = 4, speed, bad;
  walloc_runner runner = { run_threads, &count, 4 };
  walloc_encoder *encoder, *other;
  walloc_decoder *decoder;
  walloc_encode_params params;
  walloc_frame_info info;
  const uint8_t *data, *same;
  size_t size, again, sizes[6];
  double psnr[6];
  walloc_image in, out;
  walloc_error error;

  walloc_encoder_new (model, NULL, NULL, &encoder, NULL);
  walloc_encoder_new (model, NULL, &runner, &other, NULL);
  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  picture_new (&in, format, 1603, 515);
  picture_new (&out, format, 1603, 515);
  picture_draw (&in, 1, 4);
  for (speed = 0; speed <= 5; speed++) {
    walloc_encode_params_init (&params);
    params.use_step = 1;
    params.step_index = 56;
    params.speed = speed;
    walloc_encoder_encode (encoder, &in, &params, &data, &size, &info, &error);
    walloc_encoder_encode (other, &in, &params, &same, &again, NULL, &error);
    bad = size != again || memcmp (data, same, size) != 0;
    walloc_decoder_decode (decoder, data, size, WALLOC_DECODER_LINEAR, &out,
        NULL, NULL);
    sizes[speed] = size;
    psnr[speed] = picture_psnr (&in, &out);
    TAP_OK (bad == 0 && info.step_index == 56,
        "%s, speed %u: %zu bytes, %.2f dB, the same with threads",
        walloc_format_name (format), speed, size, psnr[speed]);
  }
  TAP_OK (sizes[0] == sizes[5], "speed 0 is 5");
  for (speed = 1, bad = 0; speed < 5; speed++)
    bad += sizes[speed] >= sizes[5] || psnr[speed] >= psnr[5];
  TAP_OK (bad == 0, "fewer bytes and more error at the same step");
  params.use_step = 0;
  params.speed = 4;
  walloc_encoder_encode (encoder, &in, &params, &data, &size, &info, &error);
  speed = info.step_index;
  params.speed = 5;
  walloc_encoder_encode (encoder, &in, &params, &data, &size, &info, &error);
  TAP_OK (speed + WALLOC_RDO_FINER == info.step_index,
      "a quality's step makes up for what is left out");
  params.speed = 6;
  TAP_OK (walloc_encoder_encode (encoder, &in, &params, &data, &size, NULL,
          &error) == WALLOC_ERR_ARGUMENT, "speed 6: %s", error.text);
  picture_free (&in);
  picture_free (&out);
  walloc_encoder_free (encoder);
  walloc_encoder_free (other);
  walloc_decoder_free (decoder);
}

/* Small pictures at all speeds and sizes; the fuzzers' kind of noise. */
static void
test_sizes (walloc_model * model)
{
  unsigned w, h, speed, bad = 0;
  walloc_encode_params params;
  walloc_encoder *encoder;
  walloc_decoder *decoder;
  walloc_image in, out;
  const uint8_t *data;
  size_t size;

  walloc_encoder_new (model, NULL, NULL, &encoder, NULL);
  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  for (h = 1; h <= 33; h += 4)
    for (w = 1; w <= 33; w += 4)
      for (speed = 1; speed <= 4; speed++) {
        picture_new (&in, WALLOC_FORMAT_Y444, w, h);
        picture_new (&out, WALLOC_FORMAT_Y444, w, h);
        picture_draw (&in, 2 + w % 2, w);
        walloc_encode_params_init (&params);
        params.use_step = 1;
        params.step_index = 3 * w;
        params.speed = speed;
        bad += walloc_encoder_encode (encoder, &in, &params, &data, &size,
            NULL, NULL) != WALLOC_OK;
        bad += walloc_decoder_decode (decoder, data, size,
            WALLOC_DECODER_LINEAR, &out, NULL, NULL) != WALLOC_OK;
        bad += w < 8 && picture_psnr (&in, &out) < 30;
        picture_free (&in);
        picture_free (&out);
      }
  TAP_OK (bad == 0, "noise of all sizes at all speeds");
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

int
main (void)
{
  walloc_model *model = load_model (MODEL ("ordered-test.wlm"));

  test_costs ();
  test_decisions (model);
  test_encoder (model, WALLOC_FORMAT_I420);
  test_encoder (model, WALLOC_FORMAT_RGB);
  test_sizes (model);
  walloc_model_unref (model);
  return tap_done ();
}
