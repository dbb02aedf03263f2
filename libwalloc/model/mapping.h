/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole file in memory, without a copy where the system can. Internal. */
#ifndef WALLOC_MODEL_MAPPING_H
#define WALLOC_MODEL_MAPPING_H

#include "common/mem.h"

/* Maps path read-only, or reads it into a block of mem. max bounds the file's
 * size. *mapped is to be given to walloc_mapping_close(). Errors: NOT_FOUND,
 * IO, LIMIT, MEMORY. */
walloc_result walloc_mapping_open (walloc_mem * mem, const char *path,
    size_t max, const uint8_t ** data, size_t * size, int *mapped,
    walloc_error * error);

void walloc_mapping_close (walloc_mem * mem, const uint8_t * data,
    size_t size, int mapped);

#endif
