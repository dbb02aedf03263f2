/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures in files that need no library: PPM, PGM (8 bits) and YUV4MPEG2. */
#ifndef TOOLS_PICTURES_H
#define TOOLS_PICTURES_H

#include <walloc/image.h>

#include <stdio.h>

typedef enum
{
  PICTURES_PNM,                 /* P5 or P6, one after another */
  PICTURES_Y4M
} pictures_kind;

typedef struct
{
  FILE *file;
  const char *path;
  pictures_kind kind;
  unsigned frames;              /* read or written so far */
  char error[160];              /* after a function that failed */
  /* y4m */
  walloc_format format;
  unsigned width, height;
  unsigned fps_n, fps_d, par_n, par_d;
} pictures;

/* All functions return 0 where something is wrong, with p->error. */
int pictures_open (pictures * p, const char *path);

/* Next picture into memory that belongs to *image, which must be zero or a
 * picture of before; 1 read, 0 error, -1 end. */
int pictures_read (pictures * p, walloc_image * image);

/* kind by the ending of path (.ppm, .pgm, .y4m). format is in: that of the
 * stream; out: one that the file can hold (GRAY8 for .pgm). */
int pictures_create (pictures * p, const char *path, walloc_format * format,
    unsigned width, unsigned height);
int pictures_write (pictures * p, const walloc_image * image);
int pictures_close (pictures * p);

/* Memory for a picture of that size, kept if it fits already. */
int picture_alloc (walloc_image * image, walloc_format format,
    unsigned width, unsigned height);
void picture_free (walloc_image * image);

#endif
