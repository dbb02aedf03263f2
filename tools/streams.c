/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "streams.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
stream_report (const char *path, const walloc_error * error)
{
  fprintf (stderr, "walloc: %s: %s\n", path, error->text);
  return 1;
}

uint8_t *
stream_read (const char *path, size_t *size)
{
  FILE *file = fopen (path, "rb");
  uint8_t *data = NULL;
  long end = -1;

  if (file != NULL && fseek (file, 0, SEEK_END) == 0)
    end = ftell (file);
  if (end >= 0 && fseek (file, 0, SEEK_SET) == 0) {
    data = malloc ((size_t) end + 1);
    *size = (size_t) end;
    if (data != NULL && end > 0 && fread (data, *size, 1, file) != 1) {
      free (data);
      data = NULL;
    }
  }
  if (data == NULL)
    fprintf (stderr, "walloc: %s: %s\n", path,
        errno ? strerror (errno) : "cannot be read");
  if (file != NULL)
    fclose (file);
  return data;
}

int
stream_next (const char *path, const uint8_t * data, size_t size, size_t *at,
    walloc_frame_info * info, int *damaged)
{
  walloc_error error = { "" };
  size_t start = *at;

  while (*at < size) {
    if (walloc_frame_parse (data + *at, size - *at, info, &error) == WALLOC_OK)
      break;
    (*at)++;
    *at = walloc_frame_find (data, size, *at);
    /* fewer than 4 bytes are no magic */
    if (size - *at < 4)
      *at = size;
  }
  if (*at > start) {
    fprintf (stderr, "walloc: %s: %zu bytes at %zu are no frame: %s\n", path,
        *at - start, start, error.text);
    *damaged = 1;
  }
  return *at < size;
}
