/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Model files that break one rule of docs/model-format.md each. */
#include <walloc/model.h>

#include <string.h>

#include "common/bytes.h"
#include "model_file.h"
#include "tap.h"

#define ORDERED TEST_GOLDEN_DIR "/models/ordered-test.wlm"
#define REFERENCE TEST_GOLDEN_DIR "/models/reference-test.wlm"
#define SOUND TEST_GOLDEN_DIR "/models/reference-sound-test.wlm"

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
    {SOUND, "codec.group", 5, 1, "a second signal's in a reference model"},
    {SOUND, "codec.analysis", 12287, 0x7fc00000, "a NaN for sound"},
    {SOUND, "decoder.linear", 12287, 0x47800001, "a float beyond 65536"},
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
    {ORDERED, "codec.scale", 0, 19, "more taken from a step than it is"},
    {ORDERED, "codec.scale", 1, 149, "a scale that ends before it begins"},
    {ORDERED, "codec.scale", 1, 171, "a quarter before half of the size"},
    {ORDERED, "codec.scale", 3, 177, "a base that is no step index"},
    {ORDERED, "codec.scale", 4, 4097, "a slope beyond 4096"},
    {ORDERED, "codec.bias_s", 7, 0, "no bias"},
    {ORDERED, "codec.cap", 1, 0, "no magnitudes"},
    {ORDERED, "codec.class", 7, 3, "a class that does not exist"},
    {ORDERED, "codec.bucket", 20, 16, "a bucket that does not exist"},
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
    {ORDERED, "codec.tap", 0, 4, "a tap of kind 4"},
    {ORDERED, "codec.tap", 0, -2, "a tap of kind -2"},
    {ORDERED, "codec.tap", 1, 1, "a tap on a later channel"},
    {ORDERED, "codec.tap", 1, -1, "a tap on channel -1"},
    {ORDERED, "codec.tap", 2, -3, "a tap three rows up"},
    {ORDERED, "codec.tap", 2, 1, "a tap on the row below"},
    {ORDERED, "codec.tap", 3, 0, "a tap on the latent itself"},
    {ORDERED, "codec.tap", 3, 1, "a tap on the latent to come"},
    {ORDERED, "codec.tap", 3, 3, "a tap three columns away"},
    {ORDERED, "codec.tap", 4, 2048, "a weight of 2048"},
    {ORDERED, "codec.tap", 4, -1, "a magnitude with a negative weight"},
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
  model_file_poke (f, "codec.bias_s", 7, 1);
  model_file_poke (f, "codec.active", 9, 32767);
  model_file_poke (f, "codec.tap", 4, 2047);
  model_file_poke (f, "codec.tap", 24, 448);
  model_file_poke (f, "codec.synthesis", 3, 0x47800000);
  TAP_OK (model_file_load (f, &error) == WALLOC_OK,
      "the outermost values are taken%s", error.text);
  model_file_poke (f, "codec.bias_s", 0, 1000);
  refused (f, "codec.tap", "a sum that 16 bits do not hold");
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
    "codec.tap", "codec.bias_s", "codec.class", "codec.offset", "codec.cap",
    "codec.bucket", "codec.shift", "codec.max_symbol", "codec.freq",
    "codec.active"
  };
  static const char *const reference[] = {
    "codec.analysis", "codec.bias", "decoder.linear", "decoder.linear.bias"
  };
  model_file *f;
  char what[100];
  unsigned i;

  for (i = 0; i < 26; i++) {
    const char *path = i < 18 ? ORDERED : i < 22 ? REFERENCE : SOUND;
    const char *name = i < 18 ? names[i] : reference[(i - 18) % 4];

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
    {REFERENCE, "walloc.latent_bits", "9"},
    {SOUND, "walloc.latent_bits", NULL},
    {SOUND, "walloc.levels", "3"}
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
  f = model_file_open (SOUND);
  model_file_metadata (f, "walloc.kind", "ordered");
  model_file_metadata (f, "walloc.analysis_bits", "12");
  refused (f, "codec.", "a reference model of sound that says it is ordered");
  model_file_free (f);
  f = model_file_open (SOUND);
  model_file_metadata (f, "walloc.media", "video");
  model_file_metadata (f, "walloc.levels", "3");
  refused (f, "codec.analysis", "and one that says it is of pictures");
  model_file_free (f);
  f = model_file_open (SOUND);
  model_file_rename (f, "codec.bias", "decoder.post");
  refused (f, "codec.bias", "a bias that went to the filter");
  model_file_free (f);
  f = model_file_open (ORDERED);
  model_file_metadata (f, "walloc.card", "something else");
  model_file_metadata (f, "my.key", "my value");
  TAP_OK (model_file_load (f, &error) == WALLOC_OK, "free metadata is taken");
  model_file_free (f);
}

int
main (void)
{
  test_header ();
  test_values ();
  test_shapes ();
  test_metadata ();
  return tap_done ();
}
