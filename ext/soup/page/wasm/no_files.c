/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In place of libwalloc/model/mapping.c: a page has no files, models come as
 * memory. */
#include "model/mapping.h"

walloc_result
walloc_mapping_open (walloc_mem * mem, const char *path, size_t max,
    const uint8_t ** data, size_t *size, int *mapped, walloc_error * error)
{
  return walloc_fail (error, WALLOC_ERR_IO, "%.160s: there are no files here",
      path);
}

void
walloc_mapping_close (walloc_mem * mem, const uint8_t * data, size_t size,
    int mapped)
{
  walloc_mem_free (mem, (void *) data);
}
