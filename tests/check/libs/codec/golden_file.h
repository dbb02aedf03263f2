/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Golden files whose size is known. */
#ifndef TESTS_GOLDEN_FILE_H
#define TESTS_GOLDEN_FILE_H

#include <stdio.h>

/* Whether the file in that folder, which ends with a slash, has just so many
 * bytes, which are read. */
static inline int
golden_file_read (const char *folder, const char *name, void *data,
    size_t size)
{
  char path[1024], extra;
  FILE *file;
  size_t got;

  snprintf (path, sizeof path, "%s%s", folder, name);
  file = fopen (path, "rb");
  if (file == NULL)
    return 0;
  got = fread (data, 1, size, file) + fread (&extra, 1, 1, file);
  fclose (file);
  return got == size;
}

#endif
