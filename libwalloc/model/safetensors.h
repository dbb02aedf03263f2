/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The container of model files: safetensors, with every offset, size and name
 * checked before use. Internal. */
#ifndef WALLOC_MODEL_SAFETENSORS_H
#define WALLOC_MODEL_SAFETENSORS_H

#include "common/mem.h"

#define WALLOC_TENSOR_MAX_RANK 8
#define WALLOC_TENSOR_MAX_COUNT 1024
#define WALLOC_SAFETENSORS_MAX_HEADER ((size_t) 1 << 20)
#define WALLOC_SAFETENSORS_MAX_FILE ((size_t) 512 << 20)

typedef struct
{
  const char *name;
  const char *type;             /* "U8", "I16", "F32", ... */
  unsigned item;                /* bytes of one element */
  unsigned rank;
  uint64_t dims[WALLOC_TENSOR_MAX_RANK];
  const uint8_t *data;          /* in the file: any alignment, little-endian */
  size_t size;                  /* bytes, item times all dims */
} walloc_tensor;

typedef struct
{
  const char *key, *value;
} walloc_metadata;

typedef struct walloc_safetensors
{
  const uint8_t *data;          /* the whole file */
  size_t size;
  int mapped;                   /* data is a mapping, not a block of mem */
  walloc_tensor *tensors;       /* ascending byte order of names */
  unsigned n_tensors;
  walloc_metadata *metadata;    /* in the order of the file */
  unsigned n_metadata;
  char *strings;                /* what names, keys and values point into */
} walloc_safetensors;

/* Opens a file: maps it, or reads it where there is no mmap. The file must
 * not be changed while it is open. *file is NULL on failure. */
walloc_result walloc_safetensors_open (walloc_mem * mem, const char *path,
    walloc_safetensors ** file, walloc_error * error);

/* The same from memory, which is copied. */
walloc_result walloc_safetensors_open_memory (walloc_mem * mem,
    const void *data, size_t size, walloc_safetensors ** file,
    walloc_error * error);

/* NULL is fine. */
void walloc_safetensors_free (walloc_mem * mem, walloc_safetensors * file);

/* NULL when there is none of this name. */
const walloc_tensor *walloc_safetensors_find (const walloc_safetensors * file,
    const char *name);
const char *walloc_safetensors_metadata (const walloc_safetensors * file,
    const char *key);

/* walloc_mem_alloc() that tells a reached limit from memory that is out. */
walloc_result walloc_model_alloc (walloc_mem * mem, size_t n, size_t size,
    void **block, walloc_error * error);

#endif
