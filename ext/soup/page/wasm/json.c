/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of a JSON text that the host has parsed: it numbers them so that
 * members come behind what they are members of, and tells of each what is
 * asked. All are copied at once into one block, so nothing of the host is kept
 * while the loader reads them. */
#include "jansson.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMPORT(name) \
  __attribute__ ((import_module ("json"), import_name (name)))

/* How many values there are, 0: not valid. The host keeps them until
 * host_end(). */
IMPORT ("parse")
     uint32_t host_parse (const char *text, uint32_t size);
IMPORT ("end")
     void host_end (void);
/* A json_type. */
IMPORT ("type")
     uint32_t host_type (uint32_t value);
/* Members of a container, of which value is not the last without them. */
IMPORT ("members")
     uint32_t host_members (uint32_t value);
IMPORT ("number")
     double host_number (uint32_t value);
/* Bytes of UTF-8 of a string (which = 0), or of the key that value has. */
IMPORT ("bytes")
     uint32_t host_bytes (uint32_t value, uint32_t which);
IMPORT ("copy")
     void host_copy (uint32_t value, uint32_t which, char *to);

#define MAX_NODES ((uint32_t) 1 << 20)
/* The loader has refused what is deeper. */
#define MAX_DEPTH 16

     struct json_t
     {
       json_type type;
       uint32_t members;
       json_t *first, *next;
       const char *key, *text;
       double number;
     };

     static const char *take_text (uint32_t value, uint32_t which,
    uint32_t bytes, char **pool)
{
  char *text = *pool;

  host_copy (value, which, text);
  text[bytes] = 0;
  *pool += bytes + 1;
  return text;
}

/* Links values [0, n), which are in the order of a text. */
static int
link_values (json_t * values, uint32_t n)
{
  json_t *open[MAX_DEPTH], **tail[MAX_DEPTH];
  uint32_t left[MAX_DEPTH], i;
  unsigned depth = 0;

  for (i = 0; i < n; i++) {
    while (depth > 0 && left[depth - 1] == 0)
      depth--;
    if ((depth == 0) != (i == 0))
      return 0;
    if (depth > 0) {
      if ((open[depth - 1]->type == JSON_OBJECT) != (values[i].key != NULL))
        return 0;
      left[depth - 1]--;
      *tail[depth - 1] = &values[i];
      tail[depth - 1] = &values[i].next;
    }
    if (values[i].members == 0)
      continue;
    if (depth == MAX_DEPTH)
      return 0;
    open[depth] = &values[i];
    tail[depth] = &values[i].first;
    left[depth++] = values[i].members;
  }
  while (depth > 0 && left[depth - 1] == 0)
    depth--;
  return depth == 0;
}

/* One block: the values, then all texts. */
static json_t *
copy_values (uint32_t n)
{
  size_t bytes = (size_t) n * sizeof (json_t), texts = 0;
  uint32_t i, which;
  json_t *values;
  char *pool;

  for (i = 0; i < n; i++)
    for (which = 0; which < 2; which++)
      texts += (size_t) host_bytes (i, which) + 1;
  values = calloc (1, bytes + texts);
  if (values == NULL)
    return NULL;
  pool = (char *) values + bytes;
  for (i = 0; i < n; i++) {
    values[i].type = (json_type) host_type (i);
    values[i].members = host_members (i);
    values[i].number = host_number (i);
    if (values[i].type == JSON_STRING)
      values[i].text = take_text (i, 0, host_bytes (i, 0), &pool);
    if (host_bytes (i, 1) > 0)
      /* counted with the zero behind it, so that an empty key is a key */
      values[i].key = take_text (i, 1, host_bytes (i, 1) - 1, &pool);
  }
  return values;
}

json_t *
json_loadb (const char *text, size_t size, size_t flags, json_error_t * error)
{
  json_t *values = NULL;
  uint32_t n = host_parse (text, (uint32_t) size);

  (void) flags;
  snprintf (error->text, sizeof error->text, "%s",
      n == 0 ? "the parser refuses it" : "too much for memory");
  if (n > 0 && n <= MAX_NODES)
    values = copy_values (n);
  host_end ();
  if (values != NULL && !link_values (values, n)) {
    free (values);
    values = NULL;
  }
  return values;
}

void
json_decref (json_t * root)
{
  free (root);
}

json_type
json_typeof (const json_t * value)
{
  return value->type;
}

size_t
json_object_size (const json_t * object)
{
  return json_is_object (object) ? object->members : 0;
}

json_t *
json_object_get (const json_t * object, const char *key)
{
  json_t *value;

  for (value = json_member_first (object); value != NULL; value = value->next)
    if (strcmp (value->key, key) == 0)
      return value;
  return NULL;
}

size_t
json_array_size (const json_t * array)
{
  return json_is_array (array) ? array->members : 0;
}

json_t *
json_array_get (const json_t * array, size_t index)
{
  json_t *value = json_is_array (array) ? array->first : NULL;

  while (value != NULL && index-- > 0)
    value = value->next;
  return value;
}

const char *
json_string_value (const json_t * string)
{
  return json_is_string (string) ? string->text : NULL;
}

json_int_t
json_integer_value (const json_t * integer)
{
  return json_is_integer (integer) ? (json_int_t) integer->number : 0;
}

json_t *
json_member_first (const json_t * object)
{
  return json_is_object (object) ? object->first : NULL;
}

json_t *
json_member_next (const json_t * value)
{
  return value->next;
}

const char *
json_member_key (const json_t * value)
{
  return value->key;
}
