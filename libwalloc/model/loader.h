/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files that load models. The first failure sticks in result;
 * later fetches then return NULL. Internal. */
#ifndef WALLOC_MODEL_LOADER_H
#define WALLOC_MODEL_LOADER_H

#include "model/model.h"
#include "model/safetensors.h"

typedef struct
{
  walloc_model *model;
  walloc_result result;
  walloc_error *error;
} walloc_loader;

/* Sets result and the text of error; returns 0 for the caller to return. */
int walloc_loader_fail (walloc_loader * loader, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

/* Zeroed memory that is freed with the model. */
void *walloc_loader_alloc (walloc_loader * loader, size_t n, size_t size);

/* The tensor, if type and rank are right; dimensions that are not 0 must be
 * equal. */
const walloc_tensor *walloc_loader_find (walloc_loader * loader,
    const char *name, const char *type, unsigned rank, const uint64_t * dims);

/* A copy of the tensor, aligned and in the host's byte order. Dimensions are
 * size_t arguments ended by 0. */
void *walloc_loader_fetch (walloc_loader * loader, const char *name,
    const char *type, ...);

/* tables.c: all that the latent coder needs. D and S are known. Returns 0 on
 * failure. */
int walloc_loader_coder (walloc_loader * loader);

#endif
