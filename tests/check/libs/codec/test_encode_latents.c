/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames from latents: what a decoder gave comes back to the byte, what a
 * network gave is quantised like the encoder's own values, and whatever else
 * floats can be does no harm. */
#include "codec_util.h"

#include "bottleneck/quantiser.h"
#include "entropy/rows.h"
#include "model/model.h"

#define WIDTH 611
#define HEIGHT 449

typedef struct
{
  walloc_latent_planes planes;
  float *memory;
  walloc_frame_info info;
} given;

static walloc_encoder *
new_encoder (walloc_model * model, const walloc_runner * runner)
{
  walloc_encoder *encoder = NULL;

  if (walloc_encoder_new (model, NULL, runner, &encoder, NULL) != WALLOC_OK)
    exit (1);
  return encoder;
}

/* A frame's latents as floats, with gaps of what is not a number between rows
 * and planes. */
static int
take (walloc_model * model, const uint8_t * data, size_t size, given * g)
{
  walloc_decoder *decoder = NULL;
  walloc_latent_planes *p = &g->planes;
  walloc_latents l;
  unsigned c, x, y;
  size_t i, n;
  int good;

  good = walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL) ==
      WALLOC_OK && walloc_decoder_latents (decoder, data, size, &l, NULL,
      NULL) == WALLOC_OK && walloc_frame_parse (data, size, &g->info, NULL) ==
      WALLOC_OK;
  memset (p, 0, sizeof *p);
  g->memory = NULL;
  if (good) {
    p->format = g->info.format;
    p->width = g->info.width;
    p->height = g->info.height;
    p->scale = g->info.scale;
    p->channels = l.channels;
    p->columns = l.width;
    p->rows = l.height;
    p->stride = l.width + 3;
    p->plane_stride = p->stride * l.height + 7;
    n = p->plane_stride * l.channels;
    p->data = g->memory = malloc (n * sizeof *g->memory);
    for (i = 0; i < n; i++)
      g->memory[i] = NAN;
    for (c = 0; c < l.channels; c++)
      for (y = 0; y < l.height; y++)
        for (x = 0; x < l.width; x++)
          g->memory[c * p->plane_stride + y * p->stride + x] = l.step[c] *
              (float) l.data[((size_t) c * l.height + y) * l.width + x];
  }
  walloc_decoder_free (decoder);
  return good;
}

/* Parameters that are those of a frame. */
static walloc_encode_params
params_of (const walloc_frame_info * info)
{
  walloc_encode_params params;

  walloc_encode_params_init (&params);
  params.use_step = 1;
  params.step_index = info->step_index;
  params.channels = info->channels;
  params.layers = info->layers;
  params.pts = info->pts;
  params.duration = info->duration;
  params.fps_n = info->fps_n;
  params.fps_d = info->fps_d;
  return params;
}

/* Decoded and encoded again: the same bytes. */
static void
test_round_trip (walloc_model * model, walloc_format format, unsigned shrink,
    unsigned step_index, unsigned layers)
{
  unsigned threads = 3;
  walloc_runner runner = { run_threads, &threads, 3 };
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_encoder *again = new_encoder (model, &runner);
  walloc_encode_params params;
  walloc_image image;
  const uint8_t *data, *same;
  size_t size = 0, bytes = 0;
  walloc_frame_info info;
  given g = { {0}, NULL, {0} };
  int good;

  picture_new (&image, format, WIDTH, HEIGHT);
  picture_draw (&image, 1, 7);
  walloc_encode_params_init (&params);
  params.use_step = 1;
  params.step_index = step_index;
  params.shrink = shrink;
  params.layers = layers;
  params.pts = 123456789;
  params.fps_n = 25;
  params.fps_d = 1;
  params.channels = format == WALLOC_FORMAT_NV12 ? 31 : 0;
  good = walloc_encoder_encode (encoder, &image, &params, &data, &size, NULL,
      NULL) == WALLOC_OK && take (model, data, size, &g);
  params = params_of (&g.info);
  good = good && walloc_encoder_encode_latents (again, &g.planes, &params,
      &same, &bytes, &info, NULL) == WALLOC_OK;
  TAP_OK (good && bytes == size && memcmp (data, same, size) == 0 &&
      info.step_index == g.info.step_index && size > 500, "%s at 1/%u, step "
      "index %u, %u layers, %u channels: the same %zu bytes",
      walloc_format_name (format), shrink, g.info.step_index, info.layers,
      info.channels, size);
  free (g.memory);
  picture_free (&image);
  walloc_encoder_free (encoder);
  walloc_encoder_free (again);
}

/* Encodes and decodes one grid of values in all channels; latents belong to
 * the decoder. */
static walloc_result
pass (walloc_encoder * encoder, walloc_decoder * decoder,
    walloc_format format, const float *values, unsigned columns, unsigned rows,
    unsigned channels, unsigned step_index, walloc_latents * latents)
{
  walloc_latent_planes planes = { format, 8 * columns, 8 * rows, 0, channels,
    columns, rows, values, 0, 0
  };
  walloc_encode_params params;
  const uint8_t *data;
  walloc_result result;
  size_t size;

  walloc_encode_params_init (&params);
  params.use_step = 1;
  params.step_index = step_index;
  result = walloc_encoder_encode_latents (encoder, &planes, &params, &data,
      &size, NULL, NULL);
  if (result == WALLOC_OK)
    result = walloc_decoder_latents (decoder, data, size, latents, NULL, NULL);
  return result;
}

/* Values of all kinds: rounded with the offset of the set, multiples as they
 * are, at every step. */
static void
test_quantiser (walloc_model * model)
{
  enum
  { COLUMNS = 40, ROWS = 30, CHANNELS = 5, CELLS = COLUMNS * ROWS };
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_decoder *decoder = NULL;
  float *values = malloc (CHANNELS * CELLS * sizeof *values);
  int *want = malloc (CHANNELS * CELLS * sizeof *want);
  unsigned step_index, i, c, seed = 11, wrong = 0, failed = 0, exact = 0;
  const walloc_model_set *set;
  walloc_latents l;
  double step, offset;

  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  for (step_index = 0; step_index <= WALLOC_STEP_MAX; step_index += 8) {
    set = &model->set[walloc_model_set_of_step (model, step_index)];
    for (c = 0; c < CHANNELS; c++) {
      step = (float) ((double) walloc_step_24 (step_index, set->weight[c]) /
          (1 << 24));
      offset = set->rounding[c] / 256.0;
      for (i = 0; i < CELLS; i++) {
        unsigned v = tap_random (&seed);
        int q = (int) (v % 4 == 0 ? v >> 4 & 16383 : v >> 4 & 7);
        int sign = v & 8 ? -1 : 1;
        /* not quite as far as where it is decided */
        double low = q > 0 ? 0.01 - offset : 0, high = 0.99 - offset;

        if (v >> 20 & 1) {
          exact++;
          values[c * CELLS + i] = (float) (sign * q) * (float) step;
        } else {
          values[c * CELLS + i] = (float) (sign * step * (q + low +
                  (high - low) * (v >> 21 & 255) / 255));
        }
        want[c * CELLS + i] = sign * q;
      }
    }
    if (pass (encoder, decoder, WALLOC_FORMAT_I420, values, COLUMNS, ROWS,
            CHANNELS, step_index, &l) != WALLOC_OK || l.channels != CHANNELS) {
      failed++;
      continue;
    }
    for (i = 0; i < CHANNELS * CELLS; i++)
      wrong += l.data[i] != want[i];
  }
  TAP_OK (failed == 0 && wrong == 0 && exact > 1000, "dead zone and multiples "
      "(%u) at every 8th step: %u wrong, %u failed", exact, wrong, failed);
  free (values);
  free (want);
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

static void
test_strange (walloc_model * model, int most)
{
  static const float odd[] = { NAN, -NAN, INFINITY, -INFINITY, 3e38f, -3e38f,
    1e-40f, -0.0f
  };
  const int want[] = { 0, 0, most, -most, most, -most, 0, 0 };
  walloc_format format = model->info.formats >> WALLOC_FORMAT_I420 & 1 ?
      WALLOC_FORMAT_I420 : WALLOC_FORMAT_RGB;
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_decoder *decoder = NULL;
  unsigned n = model->info.channels, i, wrong = 0;
  float *values = malloc (8 * 3 * n * sizeof *values);
  walloc_latents l;
  int good;

  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  for (i = 0; i < 24 * n; i++)
    values[i] = odd[i % 8];
  good = pass (encoder, decoder, format, values, 8, 3, n, 60, &l) == WALLOC_OK;
  for (i = 0; good && i < 24 * n; i++)
    if (l.group[i / 24] != WALLOC_GROUP_DETAIL)
      wrong += l.data[i] != want[i % 8];
  TAP_OK (good && wrong == 0, "model '%s': what is no number is 0, limits at "
      "%d", model->info.name, most);
  free (values);
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

/* Kind reference: companded integers, to the byte. */
static void
test_reference (walloc_model * model)
{
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_encode_params params;
  walloc_image image;
  const uint8_t *data;
  uint8_t *first = NULL;
  given g = { {0}, NULL, {0} };
  size_t size = 0, bytes = 0;
  int good;

  picture_new (&image, WALLOC_FORMAT_RGB, 80, 60);
  picture_draw (&image, 1, 3);
  good = walloc_encoder_encode (encoder, &image, NULL, &data, &size, NULL,
      NULL) == WALLOC_OK && take (model, data, size, &g);
  if (good) {
    first = malloc (size);
    memcpy (first, data, size);
    params = params_of (&g.info);
    good = walloc_encoder_encode_latents (encoder, &g.planes, &params, &data,
        &bytes, NULL, NULL) == WALLOC_OK;
  }
  TAP_OK (good && bytes == size && memcmp (data, first, size) == 0,
      "kind reference: the same %zu bytes", bytes);
  g.planes.scale = 1;
  TAP_OK (walloc_encoder_encode_latents (encoder, &g.planes, NULL, &data,
          &bytes, NULL, NULL) == WALLOC_ERR_UNSUPPORTED && data == NULL,
      "but at no other scale");
  free (first);
  free (g.memory);
  picture_free (&image);
  walloc_encoder_free (encoder);
}

/* A grey frame gets colour: its own latents stay, and it decodes. */
static void
test_colour (walloc_model * model)
{
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_decoder *decoder = NULL;
  walloc_encode_params params;
  walloc_image grey, picture;
  walloc_latents l;
  const uint8_t *data;
  unsigned c, luma = 0, x, y, cb = model->info.channels;
  given g = { {0}, NULL, {0} }, own = { {0}, NULL, {0} };
  size_t size = 0, i, plane;
  double sum = 0;
  int good;

  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  picture_new (&grey, WALLOC_FORMAT_GRAY8, WIDTH, HEIGHT);
  picture_new (&picture, WALLOC_FORMAT_I420, WIDTH, HEIGHT);
  picture_draw (&grey, 0, 3);
  walloc_encode_params_init (&params);
  params.quality = 70;
  params.shrink = 1;
  good = walloc_encoder_encode (encoder, &grey, &params, &data, &size, NULL,
      NULL) == WALLOC_OK && take (model, data, size, &g);
  /* the first channel of chroma carries a mean: in units of samples of a J = 2
   * packet, four times that */
  for (c = g.planes.channels; good && c-- > 0;)
    if (model->group[c] == WALLOC_GROUP_CHROMA)
      cb = c;
  for (y = 0; good && y < g.planes.rows; y++)
    for (x = 0; x < g.planes.columns; x++)
      g.memory[cb * g.planes.plane_stride + y * g.planes.stride + x] = 160;
  g.planes.format = WALLOC_FORMAT_I420;
  params = params_of (&g.info);
  good = good && walloc_encoder_encode_latents (encoder, &g.planes, &params,
      &data, &size, NULL, NULL) == WALLOC_OK && take (model, data, size, &own)
      && walloc_decoder_decode (decoder, data, size, WALLOC_DECODER_LINEAR,
      &picture, NULL, NULL) == WALLOC_OK &&
      walloc_decoder_latents (decoder, data, size, &l, NULL, NULL) == WALLOC_OK;
  plane = (size_t) l.width * l.height;
  for (c = 0; good && c < l.channels; c++)
    for (i = 0; i < plane && l.group[c] == WALLOC_GROUP_LUMA; i++) {
      float v = (float) l.data[c * plane + i] * l.step[c];

      luma += v != g.memory[c * g.planes.plane_stride + i / l.width *
          g.planes.stride + i % l.width];
    }
  for (y = 0; good && y < HEIGHT / 2; y++)
    for (x = 0; x < WIDTH / 2; x++)
      for (c = 1; c < 3; c++)
        sum += abs (picture.plane[c][y * picture.stride[c] + x] - 128);
  sum /= (WIDTH / 2) * (HEIGHT / 2);
  TAP_OK (good && luma == 0 && sum > 25 && sum < 60, "grey with a colour: "
      "%u latents of luma changed, chroma is %.1f off grey", luma, sum);
  free (g.memory);
  free (own.memory);
  picture_free (&grey);
  picture_free (&picture);
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

typedef struct
{
  unsigned calls;
} counter;

static void *
count_alloc (void *user, size_t size)
{
  ((counter *) user)->calls++;
  return malloc (size);
}

static void
count_free (void *user, void *memory)
{
  (void) user;
  free (memory);
}

/* Pictures before and after are encoded as without; nothing is allocated. */
static void
test_between (walloc_model * model)
{
  counter calls = { 0 };
  walloc_allocator allocator = { count_alloc, count_free, &calls, 0 };
  walloc_encoder *plain = new_encoder (model, NULL), *mixed = NULL;
  walloc_encode_params params, own;
  walloc_encoder_stats stats;
  walloc_image image;
  walloc_frame_info info;
  const uint8_t *data, *other;
  size_t size, bytes;
  unsigned i, good = 0, before = 0;
  given g = { {0}, NULL, {0} };

  walloc_encoder_new (model, &allocator, NULL, &mixed, NULL);
  picture_new (&image, WALLOC_FORMAT_I420, WIDTH, HEIGHT);
  for (i = 0; i < 6; i++) {
    picture_draw (&image, i % 3, i);
    walloc_encode_params_init (&params);
    params.quality = 40;
    params.shrink = 1;
    walloc_encoder_encode (plain, &image, &params, &data, &size, NULL, NULL);
    good += walloc_encoder_encode (mixed, &image, &params, &other, &bytes,
        &info, NULL) == WALLOC_OK && bytes == size && memcmp (data, other,
        size) == 0;
    if (i == 0)
      good += take (model, data, size, &g);
    own = params_of (&g.info);
    good += walloc_encoder_encode_latents (mixed, &g.planes, &own, &other,
        &bytes, &info, NULL) == WALLOC_OK && info.type == WALLOC_FRAME_KEY;
    if (i == 2)
      before = calls.calls;
  }
  walloc_encoder_get_stats (mixed, &stats);
  TAP_OK (good == 13 && stats.frames == 12 && calls.calls == before &&
      before > 0, "latents between pictures: %u of 13, %u allocations",
      good, calls.calls);
  params.predict = WALLOC_PREDICT_KEY;
  walloc_encoder_encode (mixed, &image, &params, &other, &bytes, NULL, NULL);
  walloc_encoder_encode_latents (mixed, &g.planes, &own, &other, &bytes, NULL,
      NULL);
  params.predict = WALLOC_PREDICT_ALLOWED;
  TAP_OK (walloc_encoder_encode (mixed, &image, &params, &other, &bytes, &info,
          NULL) == WALLOC_OK && info.type == WALLOC_FRAME_KEY, "what follows "
      "builds on nothing before");
  free (g.memory);
  picture_free (&image);
  walloc_encoder_free (plain);
  walloc_encoder_free (mixed);
}

static void
test_refused (walloc_model * model)
{
  walloc_encoder *encoder = new_encoder (model, NULL), *poor = NULL;
  walloc_allocator small = { NULL, NULL, NULL, 300000 };
  float values[3 * 2 * 4] = { 0 };
  const walloc_latent_planes good = { WALLOC_FORMAT_I420, 17, 9, 0, 4, 3, 2,
    values, 0, 0
  };
  walloc_latent_planes p;
  walloc_encode_params params;
  const uint8_t *data;
  walloc_error error;
  size_t size;

#define RESULT() walloc_encoder_encode_latents (encoder, &p, &params, &data, \
    &size, NULL, &error)
#define BAD(change) (p = good, walloc_encode_params_init (&params), \
    error.text[0] = 0, (change), RESULT () == WALLOC_ERR_ARGUMENT && \
    data == NULL && size == 0 && error.text[0] != 0)
  TAP_OK (!BAD (p.stride = 3), "rows side by side are good");
  TAP_OK (BAD (p.data = NULL), "%s", error.text);
  TAP_OK (BAD (p.format = (walloc_format) 99), "%s", error.text);
  TAP_OK (BAD (p.width = 0) && BAD (p.height = 16385) && BAD (p.scale = 3),
      "%s", error.text);
  TAP_OK (BAD (p.scale = 1) && BAD (p.columns = 2) && BAD (p.rows = 3) &&
      BAD (p.channels = 0) && BAD (p.channels = 5000), "%s", error.text);
  TAP_OK (BAD (p.stride = 2) && BAD (p.plane_stride = 5), "%s", error.text);
  TAP_OK (BAD ((params.use_step = 1, params.step_index = 177)), "%s",
      error.text);
  TAP_OK (BAD (params.quality = 101) && BAD (params.layers = 5), "%s",
      error.text);
  p = good;
  walloc_encode_params_init (&params);
  params.predict = WALLOC_PREDICT_KEY;
  TAP_OK (RESULT () == WALLOC_ERR_UNSUPPORTED, "%s", error.text);
  TAP_OK (walloc_encoder_encode_latents (NULL, &good, NULL, &data, &size, NULL,
          NULL) == WALLOC_ERR_ARGUMENT &&
      walloc_encoder_encode_latents (encoder, NULL, NULL, &data, &size, NULL,
          NULL) == WALLOC_ERR_ARGUMENT &&
      walloc_encoder_encode_latents (encoder, &good, NULL, NULL, &size, NULL,
          NULL) == WALLOC_ERR_ARGUMENT, "no encoder, latents, place");
  walloc_encoder_new (model, &small, NULL, &poor, NULL);
  TAP_OK (walloc_encoder_encode_latents (poor, &good, NULL, &data, &size, NULL,
          &error) == WALLOC_ERR_MEMORY, "%s", error.text);
  TAP_OK (walloc_encoder_encode_latents (encoder, &good, NULL, &data, &size,
          NULL, NULL) == WALLOC_OK, "and it still works");
  walloc_encoder_free (poor);
  walloc_encoder_free (encoder);
}

int
main (void)
{
  walloc_model *photo = load_model (TEST_MODELS_DIR "/photo-1.wlm");
  walloc_model *test = load_model (MODEL ("ordered-test.wlm"));
  walloc_model *reference = load_model (MODEL ("reference-test.wlm"));

  test_round_trip (photo, WALLOC_FORMAT_I420, 1, 84, 3);
  test_round_trip (photo, WALLOC_FORMAT_NV12, 1, 70, 1);
  test_round_trip (photo, WALLOC_FORMAT_Y444, 1, 60, 4);
  test_round_trip (photo, WALLOC_FORMAT_RGB, 2, 40, 2);
  test_round_trip (photo, WALLOC_FORMAT_Y42B, 4, 30, 2);
  test_round_trip (photo, WALLOC_FORMAT_GRAY8, 1, 0, 1);
  test_round_trip (photo, WALLOC_FORMAT_I420, 1, 112, 1);
  test_round_trip (test, WALLOC_FORMAT_Y444, 1, 75, 2);
  test_quantiser (photo);
  test_quantiser (test);
  test_strange (photo, WALLOC_LATENT_MAX);
  test_strange (reference, (1 << (reference->latent_bits - 1)) - 1);
  test_reference (reference);
  test_colour (photo);
  test_between (photo);
  test_refused (photo);
  walloc_model_unref (photo);
  walloc_model_unref (test);
  walloc_model_unref (reference);
  return tap_done ();
}
