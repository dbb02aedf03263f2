/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Model files: good ones, and what is wrong with bad ones. */
#include <walloc/model.h>

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "common/bytes.h"
#include "model/model.h"
#include "model_file.h"
#include "tap.h"
#include "transform/intwavelet.h"

#define ORDERED TEST_GOLDEN_DIR "/models/ordered-test.wlm"
#define REFERENCE TEST_GOLDEN_DIR "/models/reference-test.wlm"

/* From training/walloc_model.py, which computes them on its own. */
#define ORDERED_ID UINT64_C (0x80da4daf99a857cc)

/* A heap that counts, and fails at a chosen allocation. */
typedef struct
{
  unsigned calls, live, fail_at;
} counting_heap;

static void *
heap_alloc (void *user, size_t size)
{
  counting_heap *heap = user;
  void *block;

  if (++heap->calls == heap->fail_at)
    return NULL;
  block = malloc (size);
  heap->live += block != NULL;
  return block;
}

static void
heap_free (void *user, void *block)
{
  ((counting_heap *) user)->live--;
  free (block);
}

static walloc_result
load (const model_file * f, walloc_error * error)
{
  walloc_model *model = NULL;
  walloc_result result;
  uint8_t *bytes;
  size_t size;

  bytes = model_file_bytes (f, &size);
  error->text[0] = '\0';
  result = walloc_model_load_memory (bytes, size, NULL, &model, error);
  free (bytes);
  if ((result == WALLOC_OK) != (model != NULL))
    TAP_OK (0, "result and model agree");
  walloc_model_unref (model);
  return result;
}

/* The file must be refused with a text that has this word. */
static void
refused (const model_file * f, const char *word, const char *what)
{
  walloc_error error;
  walloc_result result = load (f, &error);

  TAP_OK (result == WALLOC_ERR_MODEL && strstr (error.text, word) != NULL,
      "%s: %s", what, result == WALLOC_OK ? "taken!" : error.text);
}

static void
test_ordered (void)
{
  const walloc_tap_list *list;
  const walloc_freq_table *t;
  walloc_model_info info;
  walloc_model *m = NULL;
  walloc_error error;
  unsigned step, channels, c, k, bad = 0, sum;
  double entry, gain;

  if (!TAP_OK (walloc_model_load (ORDERED, NULL, &m, &error) == WALLOC_OK,
          "ordered-test.wlm loads"))
    return;
  walloc_model_get_info (m, &info);
  TAP_OK (info.kind == WALLOC_MODEL_ORDERED && info.channels == 192 &&
      info.sets == 2 && info.levels == 3 &&
      strcmp (info.name, "ordered-test") == 0, "its facts");
  TAP_OK (info.id == ORDERED_ID, "its id is the one that Python computes");
  TAP_OK (info.formats == 0x7ff && info.decoders == 3,
      "it takes all formats and has a linear decoder");
  TAP_OK (walloc_model_quality (m, 1, &step, &channels) == WALLOC_OK &&
      step == 176 && channels == 12 &&
      walloc_model_quality (m, 100, &step, &channels) == WALLOC_OK &&
      step == 0 && channels == 192, "quality 1 and 100");
  TAP_OK (walloc_model_quality (m, 0, &step, &channels) ==
      WALLOC_ERR_ARGUMENT && walloc_model_quality (m, 101, NULL, NULL) ==
      WALLOC_ERR_ARGUMENT, "quality 0 and 101 do not exist");
  TAP_OK (strcmp (walloc_model_metadata (m, "walloc.licence"),
          "LGPL-2.1-or-later") == 0 &&
      walloc_model_metadata (m, "walloc.nothing") == NULL, "metadata");
  TAP_OK (walloc_model_set_of_step (m, 0) == 0 &&
      walloc_model_set_of_step (m, 72) == 0 &&
      walloc_model_set_of_step (m, 73) == 1 &&
      walloc_model_set_of_step (m, 176) == 1, "sets by step");

  /* each row has one entry; it must be the gain that C states */
  for (c = 0; c < 192; c++) {
    sum = 0;
    for (k = 0; k < 96; k++) {
      entry = m->analysis[96 * c + k];
      if (entry == 0)
        continue;
      sum++;
      gain = m->group[c] == 0 ? walloc_int_gain (k, 3) :
          m->group[c] == 1 ? walloc_int_gain (k % 16, 2) :
          walloc_int_gain (16 + k % 48, 3);
      gain = ldexp (gain, (int) (WALLOC_INT_FRACTION + m->analysis_bits));
      bad += fabs (entry - gain) > 0.501 || m->synthesis[96 * c + k] != 1;
    }
    bad += sum != 1;
  }
  TAP_OK (bad == 0, "its projection has the gains of intwavelet.h");

  list = &m->set[1].taps[0];
  TAP_OK (list->mean == 3 && list->spread == 4 && list->tap[0].weight == 192
      && list->tap[0].dx == -1 && list->tap[2].weight == -128 &&
      list->tap[3].weight == 23, "mean taps come first, in order");
  list = &m->set[0].taps[191];
  TAP_OK (list->mean == 0 && list->spread == 9 && list->tap[0].plane == 191 &&
      list->tap[8].plane < 191, "the last channel has lower ones as taps");
  bad = 0;
  for (c = 0; c < m->info.channels; c += 7) {
    for (k = 0; k < m->buckets * 4; k++) {
      t = walloc_model_table (m, 1, c, k / 4, k % 4);
      sum = 2u * m->max_symbol[k / 4] + 2;
      bad += t->symbol[0].start != 0 || t->last[sum - 1] != 32767 ||
          t->symbol[sum - 1].start + t->symbol[sum - 1].freq != 32768 ||
          t->symbol[1].start != t->last[0] + 1 ||
          (sum < 32 && (t->symbol[sum].freq != 0 || t->last[sum] != 32767));
    }
  }
  TAP_OK (bad == 0, "frequency tables are complete");
  TAP_OK (((uintptr_t) m->set[0].tables & 63) == 0 &&
      ((uintptr_t) m->synthesis & 63) == 0, "tables are aligned");
  TAP_OK (walloc_model_ref (m) == m, "a second reference");
  walloc_model_unref (m);
  TAP_OK (m->info.channels == 192, "keeps the model alive");
  walloc_model_unref (m);
}

static void
test_reference (void)
{
  walloc_model_info info;
  walloc_model *m = NULL;
  walloc_error error;
  unsigned i, j, k, step, channels;
  double product, worst = 0;

  if (!TAP_OK (walloc_model_load (REFERENCE, NULL, &m, &error) == WALLOC_OK,
          "reference-test.wlm loads"))
    return;
  walloc_model_get_info (m, &info);
  TAP_OK (info.kind == WALLOC_MODEL_REFERENCE && info.channels == 12 &&
      info.sets == 1 && info.formats == 0x7e0 && info.decoders == 3 &&
      m->latent_bits == 8, "its facts");
  TAP_OK (walloc_model_quality (m, 37, &step, &channels) == WALLOC_OK &&
      step == 0 && channels == 12, "quality changes nothing");
  TAP_OK (m->analysis == NULL && m->set[0].weight == NULL,
      "it has no tables of the other kind");
  for (i = 0; i < 12; i++) {
    for (j = 0; j < 12; j++) {
      product = i == j ? -1 : 0;
      for (k = 0; k < 192; k++)
        product += (double) m->analysis_f[192 * i + k] * m->linear[12 * k + j];
      worst = fmax (worst, fabs (product));
    }
  }
  TAP_OK (worst < 1e-5, "its linear decoder inverts: %g", worst);
  walloc_model_unref (m);
}

static void
test_arguments (void)
{
  walloc_model *m = (walloc_model *) & m;
  walloc_model_info info;
  walloc_error error;

  TAP_OK (walloc_model_load ("/no/such/model.wlm", NULL, &m, &error) ==
      WALLOC_ERR_NOT_FOUND && m == NULL, "no file: %s", error.text);
  TAP_OK (walloc_model_load ("/", NULL, &m, &error) == WALLOC_ERR_IO,
      "a folder: %s", error.text);
  TAP_OK (walloc_model_load ("/dev/null", NULL, &m, &error) ==
      WALLOC_ERR_IO, "a device: %s", error.text);
  TAP_OK (walloc_model_load (__FILE__, NULL, &m, &error) != WALLOC_OK,
      "a C file: %s", error.text);
  TAP_OK (walloc_model_load (NULL, NULL, &m, &error) == WALLOC_ERR_ARGUMENT,
      "no path");
  TAP_OK (walloc_model_load (ORDERED, NULL, NULL, &error) ==
      WALLOC_ERR_ARGUMENT, "no place for the model");
  TAP_OK (walloc_model_load_memory (NULL, 8, NULL, &m, &error) ==
      WALLOC_ERR_ARGUMENT, "no memory");
  TAP_OK (walloc_model_load_memory (NULL, 0, NULL, &m, NULL) ==
      WALLOC_ERR_MODEL, "nothing at all, and no place for the text");
  TAP_OK (walloc_model_load_memory (ORDERED, (size_t) 513 << 20, NULL, &m,
          &error) == WALLOC_ERR_LIMIT, "513 MiB: %s", error.text);
  TAP_OK (walloc_model_ref (NULL) == NULL &&
      walloc_model_metadata (NULL, "x") == NULL, "no model");
  walloc_model_unref (NULL);
  memset (&info, 1, sizeof info);
  walloc_model_get_info (NULL, &info);
  TAP_OK (info.channels == 0, "no facts");
}

static void
test_memory (void)
{
  counting_heap heap = { 0, 0, 0 };
  walloc_allocator a = { heap_alloc, heap_free, &heap, 0 };
  walloc_model *m = NULL;
  walloc_error error;
  unsigned all, i, bad = 0;
  size_t limit, used;

  TAP_OK (walloc_model_load (REFERENCE, &a, &m, &error) == WALLOC_OK &&
      heap.live > 10, "the caller's heap is used");
  used = m->mem.used;
  walloc_model_unref (m);
  TAP_OK (heap.live == 0, "and all of it given back");
  all = heap.calls;
  for (i = 1; i <= all; i++) {
    heap.calls = 0;
    heap.fail_at = i;
    bad += walloc_model_load (REFERENCE, &a, &m, &error) != WALLOC_ERR_MEMORY
        || m != NULL || heap.live != 0;
  }
  TAP_OK (bad == 0, "each of %u failing allocations is survived", all);
  heap.fail_at = 0;
  bad = 0;
  for (limit = 1; limit < used; limit += 97) {
    a.limit = limit;
    bad += walloc_model_load (REFERENCE, &a, &m, &error) != WALLOC_ERR_LIMIT
        || m != NULL || heap.live != 0;
  }
  TAP_OK (bad == 0, "limits are kept: %s", error.text);
  a.limit = used;
  TAP_OK (walloc_model_load (REFERENCE, &a, &m, &error) == WALLOC_OK,
      "%lu bytes suffice", (unsigned long) used);
  walloc_model_unref (m);
}

/* Cut short everywhere in the head, and at many places behind it. */
static void
test_truncation (const char *path)
{
  model_file *f = model_file_open (path);
  walloc_model *m = NULL;
  walloc_error error;
  uint8_t *bytes, *exact;
  size_t size, n, header;
  unsigned bad = 0, silent = 0, count = 0;

  bytes = model_file_bytes (f, &size);
  header = 8 + (size_t) walloc_get_u64 (bytes);
  for (n = 0; n < size; n += n < header + 64 ? 1 : 397) {
    exact = malloc (n + 1);
    memcpy (exact, bytes, n);
    error.text[0] = '\0';
    bad += walloc_model_load_memory (exact, n, NULL, &m, &error) !=
        WALLOC_ERR_MODEL || m != NULL;
    silent += error.text[0] == '\0';
    count++;
    free (exact);
  }
  TAP_OK (bad == 0, "%u truncations are refused", count);
  TAP_OK (silent == 0, "with a reason");
  exact = malloc (size + 1);
  memcpy (exact, bytes, size);
  exact[size] = 0;
  TAP_OK (walloc_model_load_memory (exact, size + 1, NULL, &m, &error) ==
      WALLOC_ERR_MODEL, "a byte too many: %s", error.text);
  TAP_OK (walloc_model_load_memory (bytes, size, NULL, &m, &error) ==
      WALLOC_OK, "the whole is taken");
  walloc_model_unref (m);
  free (exact);
  free (bytes);
  model_file_free (f);
}

/* The header as text, in front of the reference model's tensors. */
static void
refused_text (const char *text, size_t length, const char *word,
    const char *what)
{
  walloc_model *m = NULL;
  walloc_error error;
  walloc_result result;
  uint8_t *bytes = calloc (1, 8 + length + 16);

  walloc_put_u64 (bytes, length);
  memcpy (bytes + 8, text, length);
  result = walloc_model_load_memory (bytes, 8 + length + 16, NULL, &m, &error);
  TAP_OK (result == WALLOC_ERR_MODEL && strstr (error.text, word) != NULL,
      "%s: %s", what, error.text);
  walloc_model_unref (m);
  free (bytes);
}

static void
test_header (void)
{
  static const struct
  {
    const char *text, *word, *what;
  } rows[] = {
    {"", "JSON", "an empty header"},
    {"{", "JSON", "half an object"},
    {"[]", "object", "a list"},
    {"{}x", "JSON", "text behind the object"},
    {"{\"a\":1}", "dtype", "a tensor that is a number"},
    {"{\"a\":{}}", "dtype", "a tensor without anything"},
    {"{\"a\":{\"dtype\":8}}", "dtype", "a type that is a number"},
    {"{\"a\":{\"dtype\":\"F8\"}}", "not known", "an unknown type"},
    {"{\"a\":{\"dtype\":\"U8\"}}", "shape", "no shape"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[16.0]}}", "shape", "a real size"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[-1]}}", "shape", "a negative size"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1]}}", "shape",
        "nine dimensions"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[16]}}", "offsets", "no offsets"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[0]}}",
        "offsets", "one offset"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[0,16,16]}}",
        "offsets", "three offsets"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[-1,15]}}",
        "offsets", "a negative offset"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[17],\"data_offsets\":[0,17]}}",
        "leave", "an end behind the file's"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[16,0]}}",
        "leave", "an end before the start"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[15],\"data_offsets\":[0,16]}}",
        "agree", "a shape too small"},
    {"{\"a\":{\"dtype\":\"U16\",\"shape\":[16],\"data_offsets\":[0,16]}}",
        "agree", "a type too wide"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],"
          "\"data_offsets\":[0,0]}}", "too many", "a product beyond 64 bits"},
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],"
          "\"data_offsets\":[0,0]}}", "too many", "bytes beyond 64 bits"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[99999999999999999999],"
          "\"data_offsets\":[0,0]}}", "JSON", "a size beyond 64 bits"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[0,16]},"
          "\"a\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[0,16]}}",
        "uplicate", "a name twice"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},"
          "\"b\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[7,16]}}",
        "overlap", "an overlap"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},"
          "\"b\":{\"dtype\":\"U8\",\"shape\":[7],\"data_offsets\":[9,16]}}",
        "gap", "a gap"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[15],\"data_offsets\":[0,15]}}",
        "no tensor owns", "a byte left over"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[0,16]}}",
        "no walloc model", "a safetensors file of something else"},
    {"{\"__metadata__\":[]}", "metadata", "metadata in a list"},
    {"{\"__metadata__\":{\"a\":1}}", "string", "metadata of numbers"},
    {"{\"a\\u0000b\":{}}", "JSON", "a name with a zero byte"},
    {"{\"\xff\":{}}", "JSON", "a name that is not UTF-8"}
  };
  uint8_t head[16] = { 0 };
  walloc_model *m = NULL;
  walloc_error error;
  size_t size = 600000, i;
  char *text;

  for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
    refused_text (rows[i].text, strlen (rows[i].text), rows[i].word,
        rows[i].what);
  walloc_put_u64 (head, UINT64_MAX);
  TAP_OK (walloc_model_load_memory (head, 16, NULL, &m, &error) ==
      WALLOC_ERR_MODEL, "a header of 2^64 - 1 bytes: %s", error.text);
  walloc_put_u64 (head, (1 << 20) + 1);
  TAP_OK (walloc_model_load_memory (head, 16, NULL, &m, &error) ==
      WALLOC_ERR_MODEL, "a header of 1 MiB and a byte: %s", error.text);
  text = malloc (size);
  memset (text, '[', size);
  refused_text (text, size, "deep", "lists in lists in lists");
  for (i = 0; i < size; i++)
    text[i] = i % 2 ? '[' : '{';
  refused_text (text, size, "deep", "and objects between them");
  free (text);
  text = malloc (100 * 1025 + 2);
  strcpy (text, "{");
  for (i = 0, size = 1; i < 1025; i++)
    size += (size_t) sprintf (text + size, "%s\"%lu\":{\"dtype\":\"U8\","
        "\"shape\":[0],\"data_offsets\":[0,0]}", i ? "," : "",
        (unsigned long) i);
  strcpy (text + size, "}");
  refused_text (text, size + 1, "1024", "1025 tensors");
  free (text);
}

/* One element of one tensor changed. */
static void
test_values (void)
{
  static const struct
  {
    const char *path, *name;
    size_t index;
    int32_t value;
    const char *what;
  } rows[] = {
    {ORDERED, "codec.group", 5, 3, "group 3"},
    {REFERENCE, "codec.group", 5, 1, "chroma in a reference model"},
    {ORDERED, "codec.analysis", 64, 1, "luma that looks at chroma"},
    {ORDERED, "codec.synthesis", 64, 0x3f800000, "and back"},
    {ORDERED, "codec.synthesis", 3, 0x7fc00000, "a NaN"},
    {ORDERED, "codec.synthesis", 3, (int32_t) 0xff800000, "an infinity"},
    {ORDERED, "codec.synthesis", 3, 0x47800001, "a float beyond 65536"},
    {ORDERED, "codec.recon", 9, 0x7fc00000, "a NaN of shrinkage"},
    {ORDERED, "codec.recon", 9, 0x3f000001, "shrinkage beyond 0.5"},
    {ORDERED, "codec.weight", 200, 63, "a weight below 64"},
    {ORDERED, "codec.rounding", 200, 129, "rounding up"},
    {ORDERED, "codec.set_limit", 1, 65534, "a last limit of 65534"},
    {ORDERED, "codec.quality", 20, 177, "step index 177"},
    {ORDERED, "codec.quality", 21, 0, "quality without channels"},
    {ORDERED, "codec.quality", 21, 193, "channels that do not exist"},
    {ORDERED, "codec.bias_s", 7, -1, "a negative bias"},
    {ORDERED, "codec.bias_s", 7, (1 << 28) + 1, "a bias beyond 2^28"},
    {ORDERED, "codec.class", 7, 3, "a class that does not exist"},
    {ORDERED, "codec.thresholds", 20, 0, "thresholds that descend"},
    {ORDERED, "codec.shift", 3, 13, "a shift of 13"},
    {ORDERED, "codec.max_symbol", 3, 0, "no symbols"},
    {ORDERED, "codec.max_symbol", 3, 16, "16 symbols"},
    {ORDERED, "codec.max_symbol", 0, 3, "more symbols than frequencies"},
    {ORDERED, "codec.freq", 0, 0, "a frequency of 0"},
    {ORDERED, "codec.freq", 0, 65535, "a frequency beyond the sum"},
    {ORDERED, "codec.freq", 31, 1, "a frequency behind the escape"},
    {ORDERED, "codec.active", 9, 0, "a channel never active"},
    {ORDERED, "codec.active", 9, 32768, "a channel always active"},
    /* tap 0 of channel 0, set 0: kind, plane, dy, dx, weight */
    {ORDERED, "codec.tap", 0, 2, "a tap of kind 2"},
    {ORDERED, "codec.tap", 0, -2, "a tap of kind -2"},
    {ORDERED, "codec.tap", 1, 1, "a tap on a later channel"},
    {ORDERED, "codec.tap", 1, -1, "a tap on channel -1"},
    {ORDERED, "codec.tap", 2, -3, "a tap three rows up"},
    {ORDERED, "codec.tap", 2, 1, "a tap on the row below"},
    {ORDERED, "codec.tap", 3, 0, "a tap on the latent itself"},
    {ORDERED, "codec.tap", 3, 1, "a tap on the latent to come"},
    {ORDERED, "codec.tap", 3, 3, "a tap three columns away"},
    {ORDERED, "codec.tap", 4, 2048, "a weight of 2048"},
    {ORDERED, "codec.tap", 4, -32768, "a weight of -32768"},
    /* tap 4 is the first mean tap: 192 + 192 + 128 without it */
    {ORDERED, "codec.tap", 24, 449, "mean weights beyond 768"},
    {ORDERED, "codec.tap", 24, -449, "negative ones as well"},
    {REFERENCE, "codec.analysis", 0, 0x7fc00000, "a NaN of analysis"},
    {REFERENCE, "codec.bias", 0, 0x7f800000, "an infinite bias"},
    {REFERENCE, "decoder.linear", 0, 0x7fc00000, "a NaN of synthesis"},
    {REFERENCE, "decoder.linear.bias", 0, 0x7fc00000, "a NaN of its bias"}
  };
  model_file *f;
  walloc_error error;
  size_t i;

  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    f = model_file_open (rows[i].path);
    model_file_poke (f, rows[i].name, rows[i].index, rows[i].value);
    /* a greater max_symbol shows where the frequencies are missing */
    refused (f, strstr (rows[i].what, "than freq") ? "codec.freq" :
        rows[i].name, rows[i].what);
    model_file_free (f);
  }
  /* the same places with values that are just allowed */
  f = model_file_open (ORDERED);
  model_file_poke (f, "codec.weight", 200, 64);
  model_file_poke (f, "codec.rounding", 200, 128);
  model_file_poke (f, "codec.recon", 9, 0x3f000000);
  model_file_poke (f, "codec.bias_s", 7, 1 << 28);
  model_file_poke (f, "codec.active", 9, 32767);
  model_file_poke (f, "codec.tap", 4, 2047);
  model_file_poke (f, "codec.tap", 24, 448);
  model_file_poke (f, "codec.synthesis", 3, 0x47800000);
  TAP_OK (load (f, &error) == WALLOC_OK, "the outermost values are taken%s",
      error.text);
  model_file_free (f);
  f = model_file_open (ORDERED);
  for (i = 0; i < 64; i++)
    model_file_poke (f, "codec.analysis", i, i % 2 ? 1040 : -1040);
  refused (f, "codec.analysis", "a row that could overflow 32 bits");
  model_file_free (f);
}

static void
test_shapes (void)
{
  static const char *const names[] = {
    "codec.group", "codec.analysis", "codec.synthesis", "codec.weight",
    "codec.rounding", "codec.recon", "codec.set_limit", "codec.quality",
    "codec.tap", "codec.bias_s", "codec.class", "codec.thresholds",
    "codec.shift", "codec.max_symbol", "codec.freq", "codec.active"
  };
  static const char *const reference[] = {
    "codec.analysis", "codec.bias", "decoder.linear", "decoder.linear.bias"
  };
  model_file *f;
  char what[100];
  unsigned i;

  for (i = 0; i < 20; i++) {
    const char *path = i < 16 ? ORDERED : REFERENCE;
    const char *name = i < 16 ? names[i] : reference[i - 16];

    f = model_file_open (path);
    model_file_rename (f, name, "other.name");
    sprintf (what, "%s missing", name);
    refused (f, name, what);
    model_file_free (f);

    f = model_file_open (path);
    model_file_flatten (f, name, 1);
    sprintf (what, "%s with one dimension more", name);
    refused (f, name, what);
    model_file_free (f);

    f = model_file_open (path);
    model_file_retype (f, name);
    sprintf (what, "%s of another type", name);
    refused (f, name, what);
    model_file_free (f);

    f = model_file_open (path);
    model_file_shrink (f, name);
    sprintf (what, "%s with its first dimension halved", name);
    refused (f, "", what);
    model_file_free (f);
  }
}

static void
test_metadata (void)
{
  static const struct
  {
    const char *path, *key, *value;
  } rows[] = {
    {ORDERED, "walloc.format", NULL},
    {ORDERED, "walloc.format", "2"},
    {ORDERED, "walloc.kind", NULL},
    {ORDERED, "walloc.kind", "unordered"},
    {ORDERED, "walloc.media", NULL},
    {ORDERED, "walloc.media", "audio"},
    {ORDERED, "walloc.media", "smell"},
    {ORDERED, "walloc.name", NULL},
    {ORDERED, "walloc.levels", NULL},
    {ORDERED, "walloc.levels", "2"},
    {ORDERED, "walloc.levels", "03 "},
    {ORDERED, "walloc.levels", ""},
    {ORDERED, "walloc.levels", "-3"},
    {ORDERED, "walloc.levels", "300"},
    {ORDERED, "walloc.analysis_bits", NULL},
    {ORDERED, "walloc.analysis_bits", "7"},
    {ORDERED, "walloc.analysis_bits", "15"},
    {REFERENCE, "walloc.latent_bits", NULL},
    {REFERENCE, "walloc.latent_bits", "1"},
    {REFERENCE, "walloc.latent_bits", "9"}
  };
  walloc_error error;
  model_file *f;
  char what[100];
  unsigned i;

  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    f = model_file_open (rows[i].path);
    model_file_metadata (f, rows[i].key, rows[i].value);
    sprintf (what, "%s %s", rows[i].key,
        rows[i].value ? rows[i].value : "missing");
    refused (f, rows[i].key, what);
    model_file_free (f);
  }
  /* the kind decides which tensors must be there */
  f = model_file_open (ORDERED);
  model_file_metadata (f, "walloc.kind", "reference");
  model_file_metadata (f, "walloc.latent_bits", "8");
  refused (f, "codec.", "an ordered model that says it is a reference");
  model_file_free (f);
  f = model_file_open (ORDERED);
  model_file_metadata (f, "walloc.card", "something else");
  model_file_metadata (f, "my.key", "my value");
  TAP_OK (load (f, &error) == WALLOC_OK, "free metadata is taken");
  model_file_free (f);
}

static uint64_t
id_of (const model_file * f)
{
  walloc_model_info info = { 0 };
  walloc_model *m = NULL;
  walloc_error error;
  uint8_t *bytes;
  size_t size;

  bytes = model_file_bytes (f, &size);
  if (walloc_model_load_memory (bytes, size, NULL, &m, &error) != WALLOC_OK)
    printf ("# %s\n", error.text);
  walloc_model_get_info (m, &info);
  walloc_model_unref (m);
  free (bytes);
  return info.id;
}

static void
test_id (void)
{
  static const struct
  {
    const char *name;
    size_t index;
    int32_t value;
    int same;
  } rows[] = {
    {"codec.rounding", 3, 77, 1},
    {"codec.quality", 0, 175, 1},
    {"codec.weight", 3, 4097, 0},
    {"codec.active", 3, 1234, 0},
    {"codec.synthesis", 1, 0x3dcccccd, 0}
  };
  model_file *f = model_file_open (ORDERED);
  uint64_t id;
  unsigned i;

  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    model_file_free (f);
    f = model_file_open (ORDERED);
    model_file_poke (f, rows[i].name, rows[i].index, rows[i].value);
    id = id_of (f);
    TAP_OK (id != 0 && (id == ORDERED_ID) == rows[i].same,
        "%s %s the id", rows[i].name, rows[i].same ? "keeps" : "changes");
  }
  model_file_free (f);
  f = model_file_open (ORDERED);
  model_file_metadata (f, "walloc.name", "renamed");
  TAP_OK (id_of (f) == ORDERED_ID, "the name is not part of the id");
  model_file_append (f, "decoder.fast.onnx", "U8", 5, "onnx!");
  TAP_OK (id_of (f) == ORDERED_ID, "nor are networks");
  model_file_append (f, "codec.zzz", "U8", 1, "x");
  id = id_of (f);
  TAP_OK (id != 0 && id != ORDERED_ID, "unknown tensors of the codec are");
  model_file_free (f);
}

static void
test_networks (void)
{
  walloc_model_info info;
  walloc_model *m = NULL;
  walloc_error error;
  uint8_t *bytes, *odd;
  model_file *f;
  size_t size;

  f = model_file_open (ORDERED);
  model_file_append (f, "decoder.fast.onnx", "U8", 5, "first");
  model_file_append (f, "decoder.best.onnx", "U8", 6, "second");
  bytes = model_file_bytes (f, &size);
  /* at an odd address, to see that no tensor is read in place */
  odd = malloc (size + 1);
  memcpy (odd + 1, bytes, size);
  TAP_OK (walloc_model_load_memory (odd + 1, size, NULL, &m, &error) ==
      WALLOC_OK, "a model with networks loads%s", "");
  memset (odd, 0xff, size + 1);
  walloc_model_get_info (m, &info);
  TAP_OK (info.decoders == 15, "and says that it has them");
  TAP_OK (m != NULL && m->fast.size == 5 &&
      memcmp (m->fast.data, "first", 5) == 0 && m->best.size == 6 &&
      memcmp (m->best.data, "second", 6) == 0,
      "their bytes stay when the caller's are gone");
  walloc_model_unref (m);
  free (odd);
  free (bytes);
  model_file_append (f, "decoder.third", "F32", 4, "\0\0\200\177");
  TAP_OK (load (f, &error) == WALLOC_OK, "tensors of others are ignored");
  model_file_free (f);
  f = model_file_open (ORDERED);
  model_file_append (f, "decoder.best.onnx", "I8", 5, "first");
  refused (f, "decoder.best.onnx", "a network of another type");
  model_file_free (f);
  f = model_file_open (ORDERED);
  model_file_append (f, "decoder.fast.onnx", "U8", 0, "");
  refused (f, "decoder.fast.onnx", "an empty network");
  model_file_free (f);
}

/* No byte of the header may change unnoticed into a crash. */
static void
test_noise (void)
{
  model_file *f = model_file_open (REFERENCE);
  walloc_model *m = NULL;
  walloc_error error;
  unsigned seed = 5, i, j, taken = 0;
  uint8_t *bytes, *copy;
  size_t size, header;

  bytes = model_file_bytes (f, &size);
  header = 8 + (size_t) walloc_get_u64 (bytes);
  copy = malloc (size);
  for (i = 0; i < 4000; i++) {
    memcpy (copy, bytes, size);
    for (j = 0; j < 1 + i % 3; j++)
      copy[tap_random (&seed) % (i % 2 ? header : size)] =
          (uint8_t) tap_random (&seed);
    if (walloc_model_load_memory (copy, size, NULL, &m, &error) == WALLOC_OK)
      taken++;
    walloc_model_unref (m);
  }
  TAP_OK (taken < 4000, "4000 files with noise: %u harmless", taken);
  free (copy);
  free (bytes);
  model_file_free (f);
}

int
main (void)
{
  test_ordered ();
  test_reference ();
  test_arguments ();
  test_memory ();
  test_truncation (REFERENCE);
  test_header ();
  test_values ();
  test_shapes ();
  test_metadata ();
  test_id ();
  test_networks ();
  test_noise ();
  return tap_done ();
}
