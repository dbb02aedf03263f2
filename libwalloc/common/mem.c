/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIMIT ((size_t) 2 << 30)

/* What stands in front of a block: how to find the raw pointer and its size. */
typedef struct
{
  void *raw;
  size_t size;
} block_head;

static void *
default_alloc (void *user, size_t size)
{
  (void) user;
  return malloc (size);
}

static void
default_free (void *user, void *memory)
{
  (void) user;
  free (memory);
}

void
walloc_mem_init (walloc_mem * mem, const walloc_allocator * allocator)
{
  memset (mem, 0, sizeof *mem);
  if (allocator != NULL)
    mem->a = *allocator;
  if (mem->a.alloc == NULL || mem->a.free == NULL) {
    mem->a.alloc = default_alloc;
    mem->a.free = default_free;
  }
  if (mem->a.limit == 0)
    mem->a.limit = DEFAULT_LIMIT;
}

void *
walloc_mem_alloc (walloc_mem * mem, size_t n, size_t size)
{
  size_t bytes;
  char *raw, *block;
  block_head head;

  if (size != 0 && n > (SIZE_MAX - 2 * WALLOC_ALIGN) / size)
    return NULL;
  bytes = n * size + 2 * WALLOC_ALIGN;
  if (bytes > mem->a.limit - mem->used)
    return NULL;
  raw = mem->a.alloc (mem->a.user, bytes);
  if (raw == NULL)
    return NULL;
  memset (raw, 0, bytes);
  block = raw + WALLOC_ALIGN;
  block += (WALLOC_ALIGN - (uintptr_t) block % WALLOC_ALIGN) % WALLOC_ALIGN;
  head.raw = raw;
  head.size = bytes;
  memcpy (block - sizeof head, &head, sizeof head);
  mem->used += bytes;
  return block;
}

void
walloc_mem_free (walloc_mem * mem, void *block)
{
  block_head head;

  if (block == NULL)
    return;
  memcpy (&head, (char *) block - sizeof head, sizeof head);
  mem->used -= head.size;
  mem->a.free (mem->a.user, head.raw);
}

void *
walloc_mem_take (walloc_mem * mem, size_t n, size_t size, int *short_of)
{
  void *block;

  if (n == 0)
    return NULL;
  block = walloc_mem_alloc (mem, n, size);
  if (block == NULL)
    *short_of = 1;
  return block;
}

void
walloc_mem_release (walloc_mem * mem, void *pointer)
{
  void *block;

  memcpy (&block, pointer, sizeof block);
  walloc_mem_free (mem, block);
  memset (pointer, 0, sizeof block);
}

walloc_result
walloc_fail (walloc_error * error, walloc_result result,
    const char *format, ...)
{
  va_list args;

  if (error != NULL) {
    va_start (args, format);
    vsnprintf (error->text, sizeof error->text, format, args);
    va_end (args);
  }
  return result;
}
