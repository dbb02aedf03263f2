/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The metadata of a task network (docs/design/latent-inference.md): every key
 * is checked, and what is wrong is told with the key, what is there and what
 * should be. */
#include "task/task-private.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* bytes of JSON that are looked at */
#define MAX_JSON ((size_t) 4 << 20)

/* Fails with the key, what it holds, and what it should. */
static walloc_result
wrong (walloc_error * error, const char *key, const char *value,
    const char *expected)
{
  char quoted[TASK_QUOTE];

  if (value == NULL)
    return walloc_fail (error, WALLOC_ERR_MODEL, "the ONNX file has no "
        "metadata '%s'; %s is expected (docs/design/latent-inference.md)", key,
        expected);
  return walloc_fail (error, WALLOC_ERR_MODEL, "metadata '%s' is '%s'; %s is "
      "expected", key, walloc_task_quote (quoted, value), expected);
}

static const char *
get (const walloc_task * t, const char *key)
{
  return walloc_net_metadata (t->net, key);
}

/* Number of a list of names, -1: not in it. */
static int
find_word (const char *value, const char *const *words, int n)
{
  int i;

  for (i = 0; value != NULL && i < n; i++)
    if (strcmp (value, words[i]) == 0)
      return i;
  return -1;
}

/* Decimal digits and nothing else. */
static int
read_number (const char *text, unsigned long max, unsigned long *value)
{
  unsigned long v = 0;

  if (text == NULL || *text == '\0')
    return 0;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9')
      return 0;
    v = v * 10 + (unsigned long) (*text - '0');
    if (v > max)
      return 0;
  }
  *value = v;
  return 1;
}

static walloc_result
number (const walloc_task * t, const char *key, unsigned min, unsigned max,
    const char *expected, unsigned *value, walloc_error * error)
{
  const char *text = get (t, key);
  unsigned long v;

  if (!read_number (text, max, &v) || v < min)
    return wrong (error, key, text, expected);
  *value = (unsigned) v;
  return WALLOC_OK;
}

static int
hex_digit (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/* Exactly n hexadecimal digits. */
static int
read_hex (const char *text, unsigned n, uint64_t * value)
{
  uint64_t v = 0;
  unsigned i;

  if (text == NULL || strlen (text) != n)
    return 0;
  for (i = 0; i < n; i++) {
    if (hex_digit (text[i]) < 0)
      return 0;
    v = v << 4 | (unsigned) hex_digit (text[i]);
  }
  *value = v;
  return 1;
}

static walloc_result
read_version (const walloc_task * t, walloc_error * error)
{
  const char *text = get (t, "walloc.version");
  unsigned long version;

  if (!read_number (text, 999999, &version) || version < 1)
    return wrong (error, "walloc.version", text, "1");
  if (version > 1)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED, "metadata "
        "'walloc.version' is %lu; this library knows 1: a later version of it "
        "is needed", version);
  return WALLOC_OK;
}

/* A JSON array of at most max entries; what says what they are. The caller
 * drops the reference. */
static walloc_result
read_array (const char *key, const char *text, unsigned max, const char *what,
    json_t ** array, walloc_error * error)
{
  json_error_t problem;
  size_t length = text != NULL ? strlen (text) : 0;

  *array = NULL;
  if (text == NULL)
    return wrong (error, key, text, what);
  if (length > MAX_JSON)
    return walloc_fail (error, WALLOC_ERR_LIMIT,
        "metadata '%s' has %zu bytes, more than %zu", key, length, MAX_JSON);
  *array = json_loadb (text, length, JSON_REJECT_DUPLICATES, &problem);
  if (!json_is_array (*array)) {
    json_decref (*array);
    *array = NULL;
    return wrong (error, key, text, what);
  }
  if (json_array_size (*array) < 1 || json_array_size (*array) > max) {
    walloc_fail (error, WALLOC_ERR_LIMIT,
        "metadata '%s' has %zu entries, not 1 to %u", key,
        json_array_size (*array), max);
    json_decref (*array);
    *array = NULL;
    return WALLOC_ERR_LIMIT;
  }
  return WALLOC_OK;
}

static walloc_result
take_labels (walloc_task * t, const json_t * array, walloc_error * error)
{
  unsigned n = (unsigned) json_array_size (array), i;
  const char *text;
  char **labels;

  labels = walloc_mem_alloc (&t->mem, n, sizeof *labels);
  if (labels == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY, "no memory for %u labels", n);
  t->info.labels = (const char *const *) labels;
  t->info.n_labels = n;
  for (i = 0; i < n; i++) {
    text = json_string_value (json_array_get (array, i));
    if (text == NULL || *text == '\0' || strlen (text) > WALLOC_TASK_MAX_LABEL)
      return walloc_fail (error, WALLOC_ERR_MODEL, "metadata 'walloc.labels': "
          "entry %u is %s; a string of 1 to %d bytes is expected", i,
          text == NULL ? "no string" : *text == '\0' ? "empty" : "longer",
          WALLOC_TASK_MAX_LABEL);
    labels[i] = walloc_mem_alloc (&t->mem, strlen (text) + 1, 1);
    if (labels[i] == NULL)
      return walloc_fail (error, WALLOC_ERR_MEMORY,
          "no memory for %u labels", n);
    memcpy (labels[i], text, strlen (text) + 1);
  }
  return WALLOC_OK;
}

static unsigned
max_labels (walloc_task_kind kind)
{
  switch (kind) {
    case WALLOC_TASK_SEGMENT:
      return WALLOC_TASK_MAX_SEGMENTS;
    case WALLOC_TASK_SEPARATE:
      return WALLOC_TASK_MAX_STEMS;
    case WALLOC_TASK_READ:
      return WALLOC_TASK_MAX_SYMBOLS;
    default:
      return WALLOC_TASK_MAX_CLASSES;
  }
}

static walloc_result
read_labels (walloc_task * t, walloc_error * error)
{
  const char *key = "walloc.labels";
  walloc_result result;
  json_t *array;

  if (t->info.kind == WALLOC_TASK_COLORIZE)
    return WALLOC_OK;
  result = read_array (key, get (t, key), max_labels (t->info.kind),
      "a JSON array of strings", &array, error);
  if (result == WALLOC_OK)
    result = take_labels (t, array, error);
  json_decref (array);
  return result;
}

static walloc_result
take_palette (walloc_task * t, const json_t * array, walloc_error * error)
{
  unsigned n = (unsigned) json_array_size (array), i;
  const char *text;
  uint8_t (*palette)[3];
  uint64_t rgb;

  if (n != t->info.n_labels)
    return walloc_fail (error, WALLOC_ERR_MODEL, "metadata 'walloc.palette' "
        "has %u entries; one for each of the %u labels is expected", n,
        t->info.n_labels);
  palette = walloc_mem_alloc (&t->mem, n, sizeof *palette);
  if (palette == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY, "no memory for %u colours",
        n);
  t->info.palette = (const uint8_t (*)[3]) palette;
  for (i = 0; i < n; i++) {
    text = json_string_value (json_array_get (array, i));
    if (text == NULL || text[0] != '#' || !read_hex (text + 1, 6, &rgb))
      return walloc_fail (error, WALLOC_ERR_MODEL, "metadata "
          "'walloc.palette': entry %u is no colour; a string such as "
          "\"#ff8000\" is expected", i);
    palette[i][0] = (uint8_t) (rgb >> 16);
    palette[i][1] = (uint8_t) (rgb >> 8);
    palette[i][2] = (uint8_t) rgb;
  }
  return WALLOC_OK;
}

static walloc_result
read_palette (walloc_task * t, walloc_error * error)
{
  const char *key = "walloc.palette";
  walloc_result result;
  json_t *array;

  if (t->info.kind != WALLOC_TASK_SEGMENT || get (t, key) == NULL)
    return WALLOC_OK;
  result = read_array (key, get (t, key), WALLOC_TASK_MAX_SEGMENTS,
      "a JSON array of strings", &array, error);
  if (result == WALLOC_OK)
    result = take_palette (t, array, error);
  json_decref (array);
  return result;
}

/* {"rows": R} */
static walloc_result
read_part (walloc_task * t, walloc_error * error)
{
  const char *key = "walloc.part", *text = get (t, key);
  const char *expected = "a JSON object {\"rows\": 1 to 64}";
  json_t *object, *rows;
  json_int_t value;

  if (text == NULL || strlen (text) > MAX_JSON)
    return wrong (error, key, text, expected);
  object = json_loadb (text, strlen (text), JSON_REJECT_DUPLICATES, NULL);
  rows = json_object_get (object, "rows");
  value = json_is_integer (rows) ? json_integer_value (rows) : 0;
  json_decref (object);
  if (value < 1 || value > WALLOC_TASK_MAX_ROWS)
    return wrong (error, key, text, expected);
  t->info.rows = (unsigned) value;
  return WALLOC_OK;
}

static walloc_result
read_sound (walloc_task * t, walloc_error * error)
{
  walloc_task_info *info = &t->info;
  walloc_result result;

  result = number (t, "walloc.rate", 1, (1u << 24) - 1,
      "a sample rate in Hz", &info->rate, error);
  if (result == WALLOC_OK && info->kind == WALLOC_TASK_CLASSIFY) {
    result = number (t, "walloc.window", 1, WALLOC_TASK_MAX_COLUMNS,
        "a number of columns, 1 to 65536", &info->window, error);
    if (result == WALLOC_OK)
      result = number (t, "walloc.hop", 1, WALLOC_TASK_MAX_COLUMNS,
          "a number of columns, 1 to 65536", &info->hop, error);
  }
  if (result == WALLOC_OK && info->kind == WALLOC_TASK_SEPARATE)
    result = number (t, "walloc.context", 0, WALLOC_TASK_MAX_COLUMNS,
        "a number of columns, 0 to 65536", &info->context, error);
  /* who reads frames keeps so much of them, and a file may say anything */
  if (result == WALLOC_OK && (uint64_t) (info->window > info->context ?
          info->window : info->context) * info->channels >
      WALLOC_TASK_MAX_WINDOW)
    return walloc_fail (error, WALLOC_ERR_LIMIT, "metadata '%s' is %u columns "
        "of %u channels (walloc.channels), more than %u values",
        info->window > 0 ? "walloc.window" : "walloc.context",
        info->window > 0 ? info->window : info->context, info->channels,
        WALLOC_TASK_MAX_WINDOW);
  return result;
}

/* Task and media, and whether they go together. */
static walloc_result
read_kind (walloc_task * t, walloc_error * error)
{
  static const char *const kinds[] = {
    "classify", "segment", "colorize", "separate", "read"
  };
  static const char *const media[] = { "video", "audio" };
  int kind = find_word (get (t, "walloc.task"), kinds, 5);
  int medium = find_word (get (t, "walloc.media"), media, 2);

  if (kind < 0)
    return wrong (error, "walloc.task", get (t, "walloc.task"),
        "classify, segment, colorize, separate or read");
  if (medium < 0)
    return wrong (error, "walloc.media", get (t, "walloc.media"),
        "video or audio");
  t->info.kind = (walloc_task_kind) kind;
  t->info.media = medium ? WALLOC_MEDIA_AUDIO : WALLOC_MEDIA_VIDEO;
  if (kind != WALLOC_TASK_CLASSIFY && (kind == WALLOC_TASK_SEPARATE) != medium)
    return walloc_fail (error, WALLOC_ERR_MODEL, "metadata 'walloc.media' is "
        "%s; for 'walloc.task' %s %s is expected", media[medium], kinds[kind],
        media[!medium]);
  return WALLOC_OK;
}

/* Whoever shows it expects text. */
static int
is_utf8 (const char *text)
{
  json_t *string = json_string (text);

  json_decref (string);
  return string != NULL;
}

/* Whether pictures are resampled, and for which size: of labels and masks
 * only, as positions mean the same at any size to no other task. */
static walloc_result
read_size (walloc_task * t, walloc_error * error)
{
  walloc_task_info *info = &t->info;

  if (info->media != WALLOC_MEDIA_VIDEO || (info->kind != WALLOC_TASK_CLASSIFY
          && info->kind != WALLOC_TASK_SEGMENT))
    return WALLOC_OK;
  info->enlarges = get (t, "walloc.enlarge") != NULL;
  info->reduces = get (t, "walloc.reduce") != NULL;
  if (get (t, "walloc.size") == NULL && !info->enlarges && !info->reduces)
    return WALLOC_OK;
  return number (t, "walloc.size", 8, WALLOC_TASK_MAX_SIZE,
      "a side of pictures in pixels, 8 to 16384", &info->size, error);
}

walloc_result
walloc_task_read_metadata (walloc_task * t, walloc_error * error)
{
  walloc_task_info *info = &t->info;
  walloc_result result;

  result = read_version (t, error);
  if (result == WALLOC_OK)
    result = read_kind (t, error);
  if (result != WALLOC_OK)
    return result;
  if (!read_hex (get (t, "walloc.model"), 16, &info->model_id))
    return wrong (error, "walloc.model", get (t, "walloc.model"),
        "the id of a codec model, 16 hexadecimal digits");
  result = number (t, "walloc.channels", 1, WALLOC_TASK_MAX_CHANNELS,
      "a number of channels, 1 to 4096", &info->channels, error);
  if (result != WALLOC_OK)
    return result;
  info->name = get (t, "walloc.name");
  if (info->name == NULL || *info->name == '\0'
      || strlen (info->name) > WALLOC_TASK_MAX_LABEL || !is_utf8 (info->name))
    return wrong (error, "walloc.name", info->name, "a name such as waste-1");
  info->licence = get (t, "walloc.licence");
  info->card = get (t, "walloc.card");
  result = read_labels (t, error);
  if (result == WALLOC_OK)
    result = read_palette (t, error);
  if (result == WALLOC_OK && info->media == WALLOC_MEDIA_AUDIO)
    result = read_sound (t, error);
  if (result == WALLOC_OK && info->kind == WALLOC_TASK_READ)
    result = read_part (t, error);
  if (result == WALLOC_OK)
    result = read_size (t, error);
  return result;
}
