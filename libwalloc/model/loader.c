/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/loader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"

int
walloc_loader_fail (walloc_loader * loader, const char *format, ...)
{
  walloc_error text;
  va_list args;

  if (loader->result != WALLOC_OK)
    return 0;
  va_start (args, format);
  vsnprintf (text.text, sizeof text.text, format, args);
  va_end (args);
  loader->result = walloc_fail (loader->error, WALLOC_ERR_MODEL, "%s",
      text.text);
  return 0;
}

void *
walloc_loader_alloc (walloc_loader * loader, size_t n, size_t size)
{
  walloc_model *model = loader->model;
  void *block;

  if (loader->result != WALLOC_OK)
    return NULL;
  if (model->blocks == WALLOC_MODEL_BLOCKS) {
    loader->result = walloc_fail (loader->error, WALLOC_ERR_LIMIT,
        "model: too many tables");
    return NULL;
  }
  loader->result = walloc_model_alloc (&model->mem, n, size, &block,
      loader->error);
  if (block != NULL)
    model->block[model->blocks++] = block;
  return block;
}

const walloc_tensor *
walloc_loader_find (walloc_loader * loader, const char *name,
    const char *type, unsigned rank, const uint64_t * dims)
{
  const walloc_tensor *t;
  unsigned i;

  if (loader->result != WALLOC_OK)
    return NULL;
  t = walloc_safetensors_find (loader->model->file, name);
  if (t == NULL) {
    walloc_loader_fail (loader, "%s: the model has no such tensor", name);
    return NULL;
  }
  if (strcmp (t->type, type) != 0) {
    walloc_loader_fail (loader, "%s: the type is %s, not %s", name, t->type,
        type);
    return NULL;
  }
  if (t->rank != rank) {
    walloc_loader_fail (loader, "%s: %u dimensions instead of %u", name,
        t->rank, rank);
    return NULL;
  }
  for (i = 0; i < rank; i++) {
    if (dims[i] != 0 && t->dims[i] != dims[i]) {
      walloc_loader_fail (loader, "%s: dimension %u is %llu instead of %llu",
          name, i, (unsigned long long) t->dims[i],
          (unsigned long long) dims[i]);
      return NULL;
    }
  }
  return t;
}

static void
copy_elements (void *out, const walloc_tensor * t)
{
  size_t n = t->size / t->item, i;
  uint16_t *out2 = out;
  uint32_t *out4 = out;

  /* the compiler makes these a plain copy on little-endian hosts */
  switch (t->item) {
    case 1:
      memcpy (out, t->data, n);
      break;
    case 2:
      for (i = 0; i < n; i++)
        out2[i] = walloc_get_u16 (t->data + 2 * i);
      break;
    case 4:
      for (i = 0; i < n; i++)
        out4[i] = walloc_get_u32 (t->data + 4 * i);
      break;
    default:
      break;
  }
}

void *
walloc_loader_fetch (walloc_loader * loader, const char *name,
    const char *type, ...)
{
  uint64_t dims[WALLOC_TENSOR_MAX_RANK];
  const walloc_tensor *t;
  unsigned rank = 0;
  size_t size;
  va_list args;
  void *block;

  va_start (args, type);
  for (; rank < WALLOC_TENSOR_MAX_RANK; rank++) {
    size = va_arg (args, size_t);
    if (size == 0)
      break;
    dims[rank] = size;
  }
  va_end (args);
  t = walloc_loader_find (loader, name, type, rank, dims);
  if (t == NULL)
    return NULL;
  block = walloc_loader_alloc (loader, t->size / t->item, t->item);
  if (block != NULL)
    copy_elements (block, t);
  return block;
}
