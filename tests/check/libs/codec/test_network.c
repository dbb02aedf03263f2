/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network decoders of an ordered model: pictures against those of
 * training/golden_network.py (its head says what is where), sizes and formats
 * in turn through one decoder, and networks that do not fit. */
#include "codec_util.h"
#include "model/model.h"
#include "model_file.h"

#define FOLDER TEST_GOLDEN_DIR "/network/"
#define ORDERED MODEL ("ordered-test.wlm")
#define CASES 32

typedef struct
{
  char frame[40], decoder[16], format[16], file[64];
  walloc_decoder_kind kind;
  walloc_image image;
  uint8_t *data, *want;
  size_t size, want_size;
  uint64_t hash;
} golden;

static uint8_t *
read_file (const char *folder, const char *name, const char *suffix,
    size_t *size)
{
  uint8_t *data = malloc (1 << 17);
  char path[1024];
  FILE *file;

  snprintf (path, sizeof path, "%s%s%s", folder, name, suffix);
  file = fopen (path, "rb");
  if (file == NULL) {
    printf ("Bail out! %s is missing\n", path);
    exit (1);
  }
  *size = fread (data, 1, 1 << 17, file);
  fclose (file);
  return data;
}

static void
golden_load (golden * g)
{
  walloc_frame_info info;
  walloc_format format = WALLOC_FORMAT_GRAY8;

  g->data = read_file (TEST_GOLDEN_DIR "/stream/", g->frame, ".wlc", &g->size);
  g->want = read_file (FOLDER, g->file, "", &g->want_size);
  g->kind = strcmp (g->decoder, "fast") == 0 ? WALLOC_DECODER_FAST :
      WALLOC_DECODER_BEST;
  while (format < WALLOC_FORMAT_COUNT &&
      strcmp (walloc_format_name (format), g->format) != 0)
    format++;
  walloc_frame_parse (g->data, g->size, &info, NULL);
  picture_new (&g->image, format, info.width, info.height);
}

static void
golden_free (golden * g)
{
  picture_free (&g->image);
  free (g->data);
  free (g->want);
}

static unsigned
golden_list (golden * list)
{
  FILE *file = fopen (FOLDER "list.txt", "r");
  char line[256];
  unsigned n = 0;

  while (file != NULL && n < CASES && fgets (line, sizeof line, file) != NULL) {
    memset (&list[n], 0, sizeof list[n]);
    if (line[0] == '#' || sscanf (line, "%39s %15s %15s %63s", list[n].frame,
            list[n].decoder, list[n].format, list[n].file) != 4)
      continue;
    golden_load (&list[n++]);
  }
  if (file != NULL)
    fclose (file);
  return n;
}

/* How the image and the golden samples differ; the greatest difference, 256
 * when there are not as many samples. */
static unsigned
compare (const golden * g, unsigned *other, unsigned *all)
{
  const walloc_image *image = &g->image;
  unsigned worst = 0, p, y, e;
  size_t x, bytes, at = 0;

  *other = 0;
  for (p = 0; p < walloc_format_planes (image->format); p++) {
    bytes = walloc_format_row_bytes (image->format, p, image->width);
    for (y = 0; y < walloc_format_rows (image->format, p, image->height); y++)
      for (x = 0; x < bytes; x++, at++) {
        if (at >= g->want_size)
          return 256;
        e = (unsigned) abs (image->plane[p][(ptrdiff_t) y * image->stride[p] +
                (ptrdiff_t) x] - g->want[at]);
        *other += e != 0;
        worst = e > worst ? e : worst;
      }
  }
  *all = (unsigned) at;
  return at == g->want_size ? worst : 256;
}

static walloc_result
decode (walloc_decoder * decoder, const golden * g, walloc_decoder_kind kind,
    walloc_error * error)
{
  error->text[0] = 0;
  return walloc_decoder_decode (decoder, g->data, g->size, kind, &g->image,
      NULL, error);
}

static void
test_golden (walloc_model * model, golden * list, unsigned n)
{
  walloc_decoder *decoder;
  walloc_error error;
  unsigned i, other, all = 1, worst, rounded = 0;

  for (i = 0; i < n; i++) {
    walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
    walloc_decoder_set_precision (decoder, WALLOC_NET_F32, NULL);
    if (TAP_OK (decode (decoder, &list[i], list[i].kind, &error) == WALLOC_OK,
            "%s decodes %s", list[i].file, error.text)) {
      worst = compare (&list[i], &other, &all);
      /* only sums that end near a half may round to the other side */
      TAP_OK (worst <= 1 && other * 200 <= all,
          "%s: %u of %u samples differ, by at most %u", list[i].file, other,
          all, worst);
    }
    /* random weights make the most of what bfloat16 rounds */
    walloc_decoder_set_precision (decoder, WALLOC_NET_BF16, NULL);
    decode (decoder, &list[i], list[i].kind, &error);
    worst = compare (&list[i], &other, &all);
    rounded += other;
    TAP_OK (worst <= 3, "%s in bfloat16: %u of %u samples differ, "
        "by at most %u", list[i].file, other, all, worst);
    walloc_decoder_set_precision (decoder, WALLOC_NET_FASTEST, NULL);
    decode (decoder, &list[i], list[i].kind, &error);
    list[i].hash = picture_hash (&list[i].image);
    /* or all that would have shown nothing */
    decode (decoder, &list[i], WALLOC_DECODER_LINEAR, &error);
    worst = compare (&list[i], &other, &all);
    TAP_OK (worst >= 3 && other * 4 > all,
        "%s is another picture than the linear one (%u of %u, up to %u)",
        list[i].file, other, all, worst);
    if (list[i].kind == WALLOC_DECODER_FAST)
      TAP_OK (decode (decoder, &list[i], WALLOC_DECODER_AUTO,
              &error) == WALLOC_OK && picture_hash (&list[i].image) ==
          list[i].hash, "%s: auto takes the network", list[i].frame);
    walloc_decoder_free (decoder);
  }
  TAP_OK (rounded > 0, "bfloat16 was used: %u samples differ", rounded);
}

/* A network with a second input and a second output: the pictures of fast. */
static void
test_ports (const golden * list, unsigned n)
{
  walloc_decoder *decoder;
  walloc_model *model;
  walloc_error error = { "" };
  model_file *f = model_file_open (ORDERED);
  unsigned i, other, all, worst;
  uint8_t *bytes;
  size_t size;

  bytes = read_file (FOLDER, "two-ports", ".onnx", &size);
  model_file_append (f, "decoder.fast.onnx", "U8", size, (const char *) bytes);
  free (bytes);
  bytes = model_file_bytes (f, &size);
  walloc_model_load_memory (bytes, size, NULL, &model, NULL);
  model_file_free (f);
  free (bytes);
  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  walloc_decoder_set_precision (decoder, WALLOC_NET_F32, NULL);
  for (i = 0; i < n; i++) {
    if (list[i].kind != WALLOC_DECODER_FAST)
      continue;
    worst = 256;
    if (decode (decoder, &list[i], list[i].kind, &error) == WALLOC_OK)
      worst = compare (&list[i], &other, &all);
    TAP_OK (worst <= 1 && other * 200 <= all,
        "two ports, %s: up to %u %s", list[i].file, worst, error.text);
  }
  walloc_decoder_free (decoder);
  walloc_model_unref (model);
}

static void
test_precision (walloc_model * model)
{
  walloc_decoder *decoder;
  walloc_error error = { "" };

  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  TAP_OK (walloc_decoder_set_precision (decoder, (walloc_net_precision) 4,
          &error) == WALLOC_ERR_ARGUMENT && error.text[0] != 0,
      "no such precision: %s", error.text);
  TAP_OK (walloc_decoder_set_precision (NULL, WALLOC_NET_F32, &error) ==
      WALLOC_ERR_ARGUMENT, "no decoder: %s", error.text);
  walloc_decoder_free (decoder);
}

/* Sizes, formats and both networks in turn through one decoder, with threads
 * and without: each picture to the bit what a new decoder made. */
static void
test_turns (walloc_model * model, golden * list, unsigned n)
{
  unsigned threads = 3, seed = 5, i, k, bad = 0;
  walloc_runner runner = { 0 };
  walloc_decoder *decoder[2];
  walloc_decoder_stats stats;
  walloc_error error;

  runner.run = run_threads;
  runner.user = &threads;
  runner.threads = threads;
  walloc_decoder_new (model, NULL, NULL, NULL, &decoder[0], NULL);
  walloc_decoder_new (model, NULL, &runner, NULL, &decoder[1], NULL);
  for (i = 0; i < 60; i++) {
    k = tap_random (&seed) >> 8;
    bad += decode (decoder[i & 1], &list[k % n], list[k % n].kind,
        &error) != WALLOC_OK;
    bad += picture_hash (&list[k % n].image) != list[k % n].hash;
    /* the same once more, prepared */
    bad += decode (decoder[i & 1], &list[k % n], list[k % n].kind,
        &error) != WALLOC_OK;
    bad += picture_hash (&list[k % n].image) != list[k % n].hash;
    if (i % 7 == 0)
      bad += decode (decoder[i & 1], &list[i % n], WALLOC_DECODER_LINEAR,
          &error) != WALLOC_OK;
  }
  TAP_OK (bad == 0, "60 changes of size, format and network");
  walloc_decoder_get_stats (decoder[0], &stats);
  TAP_OK (stats.ns_network > 0, "the time of networks is counted");
  walloc_decoder_free (decoder[0]);
  walloc_decoder_free (decoder[1]);
}

static void
test_refused (const golden * g)
{
  static const struct
  {
    const char *name;
    walloc_result result;
    const char *words[3];
  } cases[] = {
    {"bad-input", WALLOC_ERR_MODEL, {"takes 192 planes", "193", "192 latents"}},
    {"bad-input-untold", WALLOC_ERR_MODEL, {"193 planes", "192 latents",
            "step"}},
    {"bad-input-rank", WALLOC_ERR_MODEL, {"takes 3 dimensions", "not 4",
            "height"}},
    {"bad-input-size", WALLOC_ERR_MODEL, {"7x7", "wants 4", "193 planes"}},
    {"bad-output", WALLOC_ERR_MODEL, {"gives 100 planes", "192 or 96", "7x7"}},
    {"bad-output-size", WALLOC_ERR_MODEL, {"192 planes of 4x4", "not", "7x7"}},
    {"bad-output-rank", WALLOC_ERR_MODEL, {"gives 2 dimensions", "not 4",
            "planes"}},
    {"bad-two-inputs", WALLOC_ERR_MODEL, {"'more'", "wants 193", "1"}},
    {"bad-two-outputs", WALLOC_ERR_MODEL, {"192 planes", "not 96", "7x7"}},
    {"bad-three-inputs", WALLOC_ERR_MODEL, {"3 inputs", "1 output",
            "not one or two"}},
    {"bad-three-outputs", WALLOC_ERR_MODEL, {"1 input", "3 outputs",
            "not one or two"}},
    {"bad-memory", WALLOC_ERR_LIMIT, {"limit", "193 planes",
            "; the linear decoder needs less"}},
    {"bad-operator", WALLOC_ERR_UNSUPPORTED, {"Det", "ordered-test", ""}},
    {"bad-bytes", WALLOC_ERR_MODEL, {"ONNX", "ordered-test", ""}}
  };
  walloc_decoder *decoder;
  walloc_model *model;
  walloc_error error;
  walloc_result result;
  uint8_t *net, *bytes;
  model_file *f;
  size_t size;
  unsigned i, k, told, again;
  uint64_t linear;

  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    net = read_file (FOLDER, cases[i].name, ".onnx", &size);
    f = model_file_open (ORDERED);
    model_file_append (f, "decoder.fast.onnx", "U8", size, (const char *) net);
    bytes = model_file_bytes (f, &size);
    walloc_model_load_memory (bytes, size, NULL, &model, NULL);
    model_file_free (f);
    free (bytes);
    free (net);
    walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
    result = decode (decoder, g, WALLOC_DECODER_FAST, &error);
    for (k = told = 0; k < 3; k++)
      told += strstr (error.text, cases[i].words[k]) != NULL;
    again = decode (decoder, g, WALLOC_DECODER_FAST, &error) == result;
    TAP_OK (result == cases[i].result && told == 3 && again, "%s: %s",
        cases[i].name, error.text);
    /* what a network is not good for hurts nobody else */
    k = decode (decoder, g, WALLOC_DECODER_LINEAR, &error) == WALLOC_OK;
    linear = picture_hash (&g->image);
    result = decode (decoder, g, WALLOC_DECODER_AUTO, &error);
    if (cases[i].result == WALLOC_ERR_UNSUPPORTED ||
        cases[i].result == WALLOC_ERR_LIMIT)
      k = k && result == WALLOC_OK && picture_hash (&g->image) == linear;
    else
      k = k && result == cases[i].result;
    TAP_OK (k, "linear decodes, auto %s", result == WALLOC_OK ? "as well" :
        "says the same");
    walloc_decoder_free (decoder);
    walloc_model_unref (model);
  }
}

/* Memory limits from nothing to enough: refused with a reason, and once the
 * decoder has come so far, with a cure. */
static void
test_limits (walloc_model * model, const golden * g)
{
  walloc_allocator allocator = { 0 };
  walloc_decoder *decoder;
  walloc_error error;
  walloc_result result = WALLOC_ERR_MEMORY;
  unsigned refused = 0, cured = 0, bad = 0;
  size_t limit;

  for (limit = 1000; result != WALLOC_OK && limit < (size_t) 1 << 28;
      limit += limit / 16) {
    allocator.limit = limit;
    error.text[0] = 0;
    result = walloc_decoder_new (model, &allocator, NULL, NULL, &decoder,
        &error);
    if (result == WALLOC_OK) {
      result = decode (decoder, g, g->kind, &error);
      if (result == WALLOC_OK)
        bad += picture_hash (&g->image) != g->hash;
    }
    walloc_decoder_free (decoder);
    refused += result != WALLOC_OK;
    cured += result != WALLOC_OK && strstr (error.text, "linear") != NULL;
    if (result != WALLOC_OK)
      bad += result != WALLOC_ERR_MEMORY || error.text[0] == 0;
  }
  TAP_OK (bad == 0 && result == WALLOC_OK && refused > 0,
      "%u limits refused, %zu bytes are enough", refused, limit);
  TAP_OK (cured > 0, "%u of them say what would do", cured);
}

/* Wherever memory is enough for the linear decoder, auto shows a picture:
 * what the network makes of it, else the linear one's. */
static void
test_fallback (walloc_model * model, const golden * g)
{
  static const walloc_decoder_kind kinds[] = { WALLOC_DECODER_LINEAR,
    WALLOC_DECODER_AUTO, WALLOC_DECODER_FAST
  };
  walloc_allocator allocator = { 0 };
  walloc_result result[3];
  walloc_decoder *decoder;
  walloc_error error;
  unsigned i, linear = 0, network = 0, bad = 0;
  uint64_t hash[3];
  size_t limit;

  for (limit = 100000; network == 0 && limit < (size_t) 1 << 28;
      limit += limit / 16) {
    allocator.limit = limit;
    for (i = 0; i < 3; i++) {
      result[i] = walloc_decoder_new (model, &allocator, NULL, NULL, &decoder,
          &error);
      if (result[i] == WALLOC_OK)
        result[i] = decode (decoder, g, kinds[i], &error);
      hash[i] = picture_hash (&g->image);
      walloc_decoder_free (decoder);
    }
    bad += result[1] != result[0];
    if (result[0] != WALLOC_OK)
      continue;
    linear += result[2] != WALLOC_OK;
    network += result[2] == WALLOC_OK;
    bad += hash[1] != hash[result[2] == WALLOC_OK ? 2 : 0];
  }
  TAP_OK (bad == 0 && linear > 0 && network > 0,
      "auto is linear where the network has no memory (%u limits)", linear);
}

/* Damage: concealed latents go through the network too. */
static void
test_damaged (walloc_model * model, const golden * g)
{
  walloc_decoder *decoder;
  uint8_t *copy = malloc (g->size);
  unsigned damaged = 0;

  memcpy (copy, g->data, g->size);
  copy[g->size - 1] ^= 1;
  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  TAP_OK (walloc_decoder_decode (decoder, copy, g->size, g->kind, &g->image,
          &damaged, NULL) == WALLOC_OK && damaged == 1,
      "a damaged frame decodes");
  walloc_decoder_free (decoder);
  free (copy);
}

int
main (void)
{
  walloc_model *model = load_model (MODEL ("ordered-net-test.wlm"));
  golden list[CASES];
  unsigned n = golden_list (list), i;

  TAP_OK (n == 13 && model->info.decoders == 15,
      "%u golden pictures, a model with two networks", n);
  if (n > 0) {
    test_golden (model, list, n);
    test_ports (list, n);
    test_precision (model);
    test_turns (model, list, n);
    test_refused (&list[0]);
    test_limits (model, &list[0]);
    test_fallback (model, &list[0]);
    test_damaged (model, &list[0]);
  }
  for (i = 0; i < n; i++)
    golden_free (&list[i]);
  walloc_model_unref (model);
  return tap_done ();
}
