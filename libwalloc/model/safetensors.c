/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "model/mapping.h"

#define HEAD 8                  /* length of the JSON header, u64 */
#define METADATA "__metadata__"
/* Object, tensor, shape: 3; some room for what others may add. */
#define MAX_DEPTH 8

static const struct
{
  char name[8];
  unsigned item;
} types[] = {
  {"BF16", 2}, {"BOOL", 1}, {"F16", 2}, {"F32", 4}, {"F64", 8}, {"I16", 2},
  {"I32", 4}, {"I64", 8}, {"I8", 1}, {"U16", 2}, {"U32", 4}, {"U64", 8},
  {"U8", 1}
};

walloc_result
walloc_model_alloc (walloc_mem * mem, size_t n, size_t size, void **block,
    walloc_error * error)
{
  size_t left = mem->a.limit - mem->used;

  *block = walloc_mem_alloc (mem, n, size);
  if (*block != NULL)
    return WALLOC_OK;
  if (n > left / size || n * size + 2 * WALLOC_ALIGN > left)
    return walloc_fail (error, WALLOC_ERR_LIMIT,
        "model: %lu bytes more would exceed the limit of %lu bytes",
        (unsigned long) (n * size), (unsigned long) mem->a.limit);
  return walloc_fail (error, WALLOC_ERR_MEMORY,
      "model: no memory for %lu bytes", (unsigned long) (n * size));
}

/* The JSON parser recurses; refuse deep nesting before it sees it. */
static int
too_deep (const uint8_t * text, size_t size)
{
  unsigned depth = 0;
  int string = 0;
  size_t i;

  for (i = 0; i < size; i++) {
    if (string) {
      if (text[i] == '\\')
        i++;
      else if (text[i] == '"')
        string = 0;
    } else if (text[i] == '"') {
      string = 1;
    } else if (text[i] == '{' || text[i] == '[') {
      if (++depth > MAX_DEPTH)
        return 1;
    } else if (text[i] == '}' || text[i] == ']') {
      /* unbalanced text is the parser's to refuse */
      depth -= depth > 0;
    }
  }
  return 0;
}

static const char *
keep_string (char **pool, const char *text)
{
  size_t n = strlen (text) + 1;
  char *copy = *pool;

  memcpy (copy, text, n);
  *pool += n;
  return copy;
}

/* Array of n non-negative integers, n <= max. */
static int
read_integers (const json_t * array, unsigned max, uint64_t * out, unsigned *n)
{
  const json_t *item;
  size_t i;

  if (!json_is_array (array) || json_array_size (array) > max)
    return 0;
  for (i = 0; i < json_array_size (array); i++) {
    item = json_array_get (array, i);
    if (!json_is_integer (item) || json_integer_value (item) < 0)
      return 0;
    out[i] = (uint64_t) json_integer_value (item);
  }
  *n = (unsigned) json_array_size (array);
  return 1;
}

static walloc_result
read_tensor (const json_t * object, const uint8_t * data, size_t size,
    walloc_tensor * t, walloc_error * error)
{
  const char *type = json_string_value (json_object_get (object, "dtype"));
  uint64_t offsets[2] = { 0, 0 }, bytes;
  unsigned n = 0, i;

  if (type == NULL)
    return walloc_fail (error, WALLOC_ERR_MODEL, "%.80s: no dtype", t->name);
  for (i = 0; i < sizeof types / sizeof types[0]; i++)
    if (strcmp (types[i].name, type) == 0)
      break;
  if (i == sizeof types / sizeof types[0])
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "%.80s: dtype %.20s is not known", t->name, type);
  t->type = types[i].name;
  t->item = types[i].item;
  if (!read_integers (json_object_get (object, "shape"),
          WALLOC_TENSOR_MAX_RANK, t->dims, &t->rank))
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "%.80s: shape is not a list of up to %d sizes", t->name,
        WALLOC_TENSOR_MAX_RANK);
  if (!read_integers (json_object_get (object, "data_offsets"), 2, offsets,
          &n) || n != 2)
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "%.80s: data_offsets are not two offsets", t->name);
  bytes = t->item;
  for (i = 0; i < t->rank; i++) {
    /* a zero makes the product zero whatever follows, so divide only then */
    if (t->dims[i] != 0 && bytes > WALLOC_SAFETENSORS_MAX_FILE / t->dims[i])
      return walloc_fail (error, WALLOC_ERR_MODEL,
          "%.80s: the shape has too many elements", t->name);
    bytes *= t->dims[i];
  }
  if (offsets[0] > offsets[1] || offsets[1] > size)
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "%.80s: offsets leave the file; it may be cut short", t->name);
  if (offsets[1] - offsets[0] != bytes)
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "%.80s: offsets and shape do not agree", t->name);
  t->data = data + offsets[0];
  t->size = (size_t) bytes;
  return WALLOC_OK;
}

static int
by_place (const void *a, const void *b)
{
  const walloc_tensor *s = a, *t = b;

  if (s->data != t->data)
    return s->data < t->data ? -1 : 1;
  return s->size < t->size ? -1 : s->size > t->size;
}

static int
by_name (const void *a, const void *b)
{
  return strcmp (((const walloc_tensor *) a)->name,
      ((const walloc_tensor *) b)->name);
}

/* Tensors must lie one behind the other: overlap or hidden bytes are signs of
 * a damaged or doctored file, and safetensors forbids both. */
static walloc_result
check_places (walloc_safetensors * file, const uint8_t * data,
    walloc_error * error)
{
  const uint8_t *end = data;
  unsigned i;

  qsort (file->tensors, file->n_tensors, sizeof *file->tensors, by_place);
  for (i = 0; i < file->n_tensors; i++) {
    if (file->tensors[i].data != end)
      return walloc_fail (error, WALLOC_ERR_MODEL,
          "%.80s: %s the tensor before it", file->tensors[i].name,
          file->tensors[i].data < end ? "overlaps" : "leaves a gap behind");
    end = file->tensors[i].data + file->tensors[i].size;
  }
  if (end != file->data + file->size)
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "%lu bytes that no tensor owns at the end of the file",
        (unsigned long) (file->data + file->size - end));
  qsort (file->tensors, file->n_tensors, sizeof *file->tensors, by_name);
  return WALLOC_OK;
}

/* Room for all that stays of the header, counted before anything is kept. */
static walloc_result
reserve (walloc_mem * mem, walloc_safetensors * file, json_t * root,
    walloc_error * error)
{
  json_t *metadata = json_object_get (root, METADATA), *value;
  size_t bytes = 1, n = json_object_size (root), n_metadata = 0;
  const char *key;
  walloc_result result;
  void *block;

  if (metadata != NULL) {
    n--;
    if (!json_is_object (metadata))
      return walloc_fail (error, WALLOC_ERR_MODEL,
          METADATA " is not an object");
    n_metadata = json_object_size (metadata);
    json_object_foreach (metadata, key, value) {
      if (!json_is_string (value))
        return walloc_fail (error, WALLOC_ERR_MODEL,
            METADATA ": %.80s is not a string", key);
      bytes += strlen (key) + 1 + strlen (json_string_value (value)) + 1;
    }
  }
  if (n > WALLOC_TENSOR_MAX_COUNT)
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "%lu tensors are more than %d", (unsigned long) n,
        WALLOC_TENSOR_MAX_COUNT);
  json_object_foreach (root, key, value)
      bytes += strlen (key) + 1;
  result = walloc_model_alloc (mem, n + 1, sizeof *file->tensors, &block,
      error);
  if (result != WALLOC_OK)
    return result;
  file->tensors = block;
  result = walloc_model_alloc (mem, n_metadata + 1, sizeof *file->metadata,
      &block, error);
  if (result != WALLOC_OK)
    return result;
  file->metadata = block;
  result = walloc_model_alloc (mem, bytes, 1, &block, error);
  if (result != WALLOC_OK)
    return result;
  file->strings = block;
  return WALLOC_OK;
}

static walloc_result
read_header (walloc_mem * mem, walloc_safetensors * file, json_t * root,
    size_t header, walloc_error * error)
{
  const uint8_t *data = file->data + HEAD + header;
  size_t size = file->size - HEAD - header;
  walloc_metadata *m;
  walloc_result result;
  walloc_tensor *t;
  const char *key;
  json_t *value;
  char *pool;

  result = reserve (mem, file, root, error);
  if (result != WALLOC_OK)
    return result;
  pool = file->strings;
  json_object_foreach (json_object_get (root, METADATA), key, value) {
    m = &file->metadata[file->n_metadata++];
    m->key = keep_string (&pool, key);
    m->value = keep_string (&pool, json_string_value (value));
  }
  json_object_foreach (root, key, value) {
    if (strcmp (key, METADATA) == 0)
      continue;
    t = &file->tensors[file->n_tensors++];
    t->name = keep_string (&pool, key);
    result = read_tensor (value, data, size, t, error);
    if (result != WALLOC_OK)
      return result;
  }
  return check_places (file, data, error);
}

/* Takes file over: on failure it is freed. */
static walloc_result
parse (walloc_mem * mem, walloc_safetensors * file, walloc_safetensors ** out,
    walloc_error * error)
{
  walloc_result result;
  json_error_t problem;
  uint64_t header = 0;
  json_t *root = NULL;

  if (file->size >= HEAD)
    header = walloc_get_u64 (file->data);
  if (file->size < HEAD) {
    result = walloc_fail (error, WALLOC_ERR_MODEL,
        "%lu bytes are too few for a model file", (unsigned long) file->size);
  } else if (header > WALLOC_SAFETENSORS_MAX_HEADER) {
    result = walloc_fail (error, WALLOC_ERR_MODEL,
        "a header of %llu bytes exceeds %lu; this is no model file",
        (unsigned long long) header,
        (unsigned long) WALLOC_SAFETENSORS_MAX_HEADER);
  } else if (header > file->size - HEAD) {
    result = walloc_fail (error, WALLOC_ERR_MODEL,
        "the file is cut short within its header");
  } else if (too_deep (file->data + HEAD, (size_t) header)) {
    result = walloc_fail (error, WALLOC_ERR_MODEL,
        "the header is nested too deeply");
  } else {
    root = json_loadb ((const char *) file->data + HEAD, (size_t) header,
        JSON_REJECT_DUPLICATES, &problem);
    if (root == NULL)
      result = walloc_fail (error, WALLOC_ERR_MODEL,
          "the header is not valid JSON: %s", problem.text);
    else if (!json_is_object (root))
      result = walloc_fail (error, WALLOC_ERR_MODEL,
          "the header is not a JSON object");
    else
      result = read_header (mem, file, root, (size_t) header, error);
    json_decref (root);
  }
  if (result == WALLOC_OK)
    *out = file;
  else
    walloc_safetensors_free (mem, file);
  return result;
}

walloc_result
walloc_safetensors_open (walloc_mem * mem, const char *path,
    walloc_safetensors ** out, walloc_error * error)
{
  walloc_safetensors *file;
  walloc_result result;
  void *block;

  *out = NULL;
  result = walloc_model_alloc (mem, 1, sizeof *file, &block, error);
  if (result != WALLOC_OK)
    return result;
  file = block;
  result = walloc_mapping_open (mem, path, WALLOC_SAFETENSORS_MAX_FILE,
      &file->data, &file->size, &file->mapped, error);
  if (result != WALLOC_OK) {
    walloc_mem_free (mem, file);
    return result;
  }
  return parse (mem, file, out, error);
}

walloc_result
walloc_safetensors_open_memory (walloc_mem * mem, const void *data,
    size_t size, walloc_safetensors ** out, walloc_error * error)
{
  walloc_safetensors *file;
  walloc_result result;
  void *block;

  *out = NULL;
  if (size > WALLOC_SAFETENSORS_MAX_FILE)
    return walloc_fail (error, WALLOC_ERR_LIMIT,
        "a model of %lu bytes exceeds %lu", (unsigned long) size,
        (unsigned long) WALLOC_SAFETENSORS_MAX_FILE);
  result = walloc_model_alloc (mem, 1, sizeof *file, &block, error);
  if (result != WALLOC_OK)
    return result;
  file = block;
  result = walloc_model_alloc (mem, size + 1, 1, &block, error);
  if (result != WALLOC_OK) {
    walloc_mem_free (mem, file);
    return result;
  }
  if (size > 0)
    memcpy (block, data, size);
  file->data = block;
  file->size = size;
  return parse (mem, file, out, error);
}

void
walloc_safetensors_free (walloc_mem * mem, walloc_safetensors * file)
{
  if (file == NULL)
    return;
  walloc_mem_free (mem, file->strings);
  walloc_mem_free (mem, file->metadata);
  walloc_mem_free (mem, file->tensors);
  walloc_mapping_close (mem, file->data, file->size, file->mapped);
  walloc_mem_free (mem, file);
}

const walloc_tensor *
walloc_safetensors_find (const walloc_safetensors * file, const char *name)
{
  walloc_tensor key;

  memset (&key, 0, sizeof key);
  key.name = name;
  return bsearch (&key, file->tensors, file->n_tensors,
      sizeof *file->tensors, by_name);
}

const char *
walloc_safetensors_metadata (const walloc_safetensors * file, const char *key)
{
  unsigned i;

  for (i = 0; i < file->n_metadata; i++)
    if (strcmp (file->metadata[i].key, key) == 0)
      return file->metadata[i].value;
  return NULL;
}
