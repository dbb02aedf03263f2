/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Model files taken apart and put together again with something changed. */
#ifndef TESTS_MODEL_FILE_H
#define TESTS_MODEL_FILE_H

#include <walloc/model.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "tap.h"

typedef struct
{
  json_t *header;
  uint8_t *data;                /* behind the header */
  size_t size;
} model_file;

/* Exits when the file is not there: no test can go on without. */
static __attribute__ ((unused)) model_file *
model_file_open (const char *path)
{
  model_file *f = calloc (1, sizeof *f);
  FILE *file = fopen (path, "rb");
  uint8_t *bytes = malloc (1 << 20);
  size_t size, header;

  if (file == NULL) {
    printf ("Bail out! %s is missing\n", path);
    exit (1);
  }
  size = fread (bytes, 1, 1 << 20, file);
  fclose (file);
  header = (size_t) walloc_get_u64 (bytes);
  f->header = json_loadb ((char *) bytes + 8, header, 0, NULL);
  f->size = size - 8 - header;
  f->data = malloc (f->size + 1);
  memcpy (f->data, bytes + 8 + header, f->size);
  free (bytes);
  return f;
}

static __attribute__ ((unused)) void
model_file_free (model_file * f)
{
  json_decref (f->header);
  free (f->data);
  free (f);
}

/* The file's bytes, to be freed. */
static uint8_t *
model_file_bytes (const model_file * f, size_t *size)
{
  char *text = json_dumps (f->header, JSON_COMPACT);
  size_t n = strlen (text);
  uint8_t *bytes = malloc (8 + n + f->size);

  walloc_put_u64 (bytes, n);
  memcpy (bytes + 8, text, n);
  memcpy (bytes + 8 + n, f->data, f->size);
  free (text);
  *size = 8 + n + f->size;
  return bytes;
}

static json_t *
model_file_tensor (const model_file * f, const char *name)
{
  json_t *t = json_object_get (f->header, name);

  if (t == NULL) {
    printf ("Bail out! the test model has no %s\n", name);
    exit (1);
  }
  return t;
}

/* Element index of a tensor becomes value (floats by their bits). */
static __attribute__ ((unused)) void
model_file_poke (model_file * f, const char *name, size_t index,
    int32_t value)
{
  json_t *t = model_file_tensor (f, name);
  const char *type = json_string_value (json_object_get (t, "dtype"));
  size_t item = type[1] == '8' ? 1 : type[1] == '1' ? 2 : 4, i;
  uint8_t *p = f->data + json_integer_value (json_array_get (json_object_get
          (t, "data_offsets"), 0)) + index * item;

  for (i = 0; i < item; i++)
    p[i] = (uint8_t) ((uint32_t) value >> 8 * i);
}

static __attribute__ ((unused)) void
model_file_rename (model_file * f, const char *name, const char *other)
{
  json_object_set (f->header, other, model_file_tensor (f, name));
  json_object_del (f->header, name);
}

/* One more dimension, of this size. */
static __attribute__ ((unused)) void
model_file_flatten (model_file * f, const char *name, int size)
{
  json_array_append_new (json_object_get (model_file_tensor (f, name),
          "shape"), json_integer (size));
}

/* Another type of the same size. */
static __attribute__ ((unused)) void
model_file_retype (model_file * f, const char *name)
{
  json_t *t = model_file_tensor (f, name);
  const char *type = json_string_value (json_object_get (t, "dtype"));

  json_object_set_new (t, "dtype", json_string (strcmp (type, "I8") == 0 ? "U8" :
          type[1] == '8' ? "I8" :
          type[1] == '1' ? "F16" : type[0] == 'F' ? "I32" : "F32"));
}

/* Half the first dimension; what is left over becomes a tensor of its own. */
static __attribute__ ((unused)) void
model_file_shrink (model_file * f, const char *name)
{
  json_t *t = model_file_tensor (f, name);
  json_t *shape = json_object_get (t, "shape");
  json_t *offsets = json_object_get (t, "data_offsets");
  json_int_t n = json_integer_value (json_array_get (shape, 0));
  json_int_t start = json_integer_value (json_array_get (offsets, 0));
  json_int_t end = json_integer_value (json_array_get (offsets, 1));
  json_int_t middle = start + (end - start) / n * (n / 2);

  json_array_set_new (shape, 0, json_integer (n / 2));
  json_array_set_new (offsets, 1, json_integer (middle));
  json_object_set_new (f->header, "rest", json_pack ("{s:s,s:[I],s:[I,I]}",
          "dtype", "U8", "shape", end - middle, "data_offsets", middle,
          end));
}

/* value NULL: removes the key. */
static __attribute__ ((unused)) void
model_file_metadata (model_file * f, const char *key, const char *value)
{
  json_t *m = json_object_get (f->header, "__metadata__");

  if (value == NULL)
    json_object_del (m, key);
  else
    json_object_set_new (m, key, json_string (value));
}

/* A new tensor of size bytes at the end; F32 has one element. */
static __attribute__ ((unused)) void
model_file_append (model_file * f, const char *name, const char *type,
    size_t size, const char *bytes)
{
  json_int_t start = (json_int_t) f->size, n = (json_int_t) size;

  f->data = realloc (f->data, f->size + size + 1);
  memcpy (f->data + f->size, bytes, size);
  f->size += size;
  json_object_set_new (f->header, name, json_pack ("{s:s,s:[I],s:[I,I]}",
          "dtype", type, "shape", type[0] == 'F' ? n / 4 : n, "data_offsets",
          start, start + n));
}

static __attribute__ ((unused)) walloc_result
model_file_load (const model_file * f, walloc_error * error)
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
static __attribute__ ((unused)) void
refused (const model_file * f, const char *word, const char *what)
{
  walloc_error error;
  walloc_result result = model_file_load (f, &error);

  TAP_OK (result == WALLOC_ERR_MODEL && strstr (error.text, word) != NULL,
      "%s: %s", what, result == WALLOC_OK ? "taken!" : error.text);
}

/* The model of a file with that table of scales in place of its own. */
static __attribute__ ((unused)) walloc_model *
model_with_scales (const char *path, const uint16_t table[2][5])
{
  model_file *f = model_file_open (path);
  walloc_model *model = NULL;
  uint8_t *bytes;
  size_t size;
  unsigned i;

  for (i = 0; i < 10; i++)
    model_file_poke (f, "codec.scale", i, table[i / 5][i % 5]);
  bytes = model_file_bytes (f, &size);
  if (walloc_model_load_memory (bytes, size, NULL, &model, NULL) != WALLOC_OK)
    abort ();
  free (bytes);
  model_file_free (f);
  return model;
}

#endif
