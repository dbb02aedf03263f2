/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counted allocation with a limit, and error texts. Internal. */
#ifndef WALLOC_COMMON_MEM_H
#define WALLOC_COMMON_MEM_H

#include <walloc/walloc.h>

/* Bytes of header kept before every block; also the alignment of blocks. */
#define WALLOC_ALIGN 64

/* One per context (model, encoder, decoder, net). Not thread safe: allocate
 * outside of parallel work. */
typedef struct
{
  walloc_allocator a;
  size_t used;
} walloc_mem;

void walloc_mem_init (walloc_mem * mem, const walloc_allocator * allocator);

/* Zeroed memory for n elements of size bytes, aligned to WALLOC_ALIGN, or
 * NULL when the product overflows, the limit is reached or memory is out. */
void *walloc_mem_alloc (walloc_mem * mem, size_t n, size_t size);

void walloc_mem_free (walloc_mem * mem, void *block);

/* As walloc_mem_alloc(), NULL for n = 0; notes a shortage in *short_of, so
 * that one check after many calls is enough. */
void *walloc_mem_take (walloc_mem * mem, size_t n, size_t size,
    int *short_of);

/* Frees the block that the pointer at pointer points at, and clears it. */
void walloc_mem_release (walloc_mem * mem, void *pointer);

/* Fills error (may be NULL) printf-like and returns result. */
walloc_result walloc_fail (walloc_error * error, walloc_result result,
    const char *format, ...) __attribute__ ((format (printf, 3, 4)));

#endif
