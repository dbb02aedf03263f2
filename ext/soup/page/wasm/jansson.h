/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In WebAssembly the loader of model files finds this in place of jansson's
 * header: the few functions that it calls, over the JSON parser that the host
 * has anyway (json-host.js). docs/design/web-decoder.md says why. */
#ifndef WALLOC_WASM_JANSSON_H
#define WALLOC_WASM_JANSSON_H

#include <stddef.h>

typedef enum
{
  JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_INTEGER, JSON_REAL, JSON_TRUE,
  JSON_FALSE, JSON_NULL
} json_type;

typedef struct json_t json_t;
typedef long long json_int_t;

typedef struct
{
  char text[80];
} json_error_t;

/* The host's parser keeps the last of equal keys; see docs/design. */
#define JSON_REJECT_DUPLICATES 1

/* NULL when text is not JSON as RFC 8259 has it, or memory is out. */
json_t *json_loadb (const char *text, size_t size, size_t flags,
    json_error_t * error);
/* Frees all of what json_loadb() gave; NULL is fine. */
void json_decref (json_t * root);

json_type json_typeof (const json_t * value);
#define json_is_object(v) ((v) != NULL && json_typeof (v) == JSON_OBJECT)
#define json_is_array(v) ((v) != NULL && json_typeof (v) == JSON_ARRAY)
#define json_is_string(v) ((v) != NULL && json_typeof (v) == JSON_STRING)
#define json_is_integer(v) ((v) != NULL && json_typeof (v) == JSON_INTEGER)

/* 0 or NULL for values of other types, and for NULL. */
size_t json_object_size (const json_t * object);
json_t *json_object_get (const json_t * object, const char *key);
size_t json_array_size (const json_t * array);
json_t *json_array_get (const json_t * array, size_t index);
const char *json_string_value (const json_t * string);
json_int_t json_integer_value (const json_t * integer);

/* Members in the host's order. */
json_t *json_member_first (const json_t * object);
json_t *json_member_next (const json_t * value);
const char *json_member_key (const json_t * value);
#define json_object_foreach(object, key, value) \
  for ((value) = json_member_first (object); \
      (value) != NULL && ((key) = json_member_key (value)) != NULL; \
      (value) = json_member_next (value))

#endif
