/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JPEG at a low quality: libjpeg, colours at half size (4:2:0). */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "corruption-private.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef HAVE_JPEG
#include <jpeglib.h>

typedef struct
{
  uint8_t *row;                 /* width x planes */
  unsigned char *file;          /* libjpeg's own memory */
  unsigned long size;
} jpeg;

typedef struct
{
  struct jpeg_error_mgr manager;
  jmp_buf back;
  char text[JMSG_LENGTH_MAX];
} failure;

static void
on_error (j_common_ptr info)
{
  failure *f = (failure *) info->err;

  f->manager.format_message (info, f->text);
  longjmp (f->back, 1);
}

static void
on_message (j_common_ptr info)
{
}

static int
prepare_jpeg (corruption * c)
{
  jpeg *j = c->own = corruption_alloc (1, 1, sizeof (*j));

  if (j == NULL)
    return 0;
  j->row = corruption_alloc (c->width, c->planes, 1);
  return j->row != NULL;
}

static void
clear_jpeg (corruption * c)
{
  free (((jpeg *) c->own)->row);
}

static void
compress (corruption * c, struct jpeg_compress_struct *e)
{
  static const int quality[5] = { 25, 18, 15, 10, 7 };
  jpeg *j = c->own;
  unsigned p, x;

  e->image_width = c->width;
  e->image_height = c->height;
  e->input_components = (int) c->planes;
  e->in_color_space = c->planes == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults (e);
  jpeg_set_quality (e, quality[c->severity], TRUE);
  jpeg_start_compress (e, TRUE);
  while (e->next_scanline < e->image_height) {
    JSAMPROW row = j->row;

    for (p = 0; p < c->planes; p++)
      for (x = 0; x < c->width; x++)
        j->row[x * c->planes + p] = c->in[p][(size_t) e->next_scanline
            * c->width + x];
    jpeg_write_scanlines (e, &row, 1);
  }
  jpeg_finish_compress (e);
}

static void
decompress (corruption * c, struct jpeg_decompress_struct *d)
{
  jpeg *j = c->own;
  unsigned p, x;

  jpeg_mem_src (d, j->file, j->size);
  jpeg_read_header (d, TRUE);
  d->out_color_space = c->planes == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress (d);
  while (d->output_scanline < d->output_height) {
    JSAMPROW row = j->row;
    size_t y = d->output_scanline;

    jpeg_read_scanlines (d, &row, 1);
    for (p = 0; p < c->planes; p++)
      for (x = 0; x < c->width; x++)
        c->out[p][y * c->stride + x] = j->row[x * c->planes + p];
  }
  jpeg_finish_decompress (d);
}

static int
apply_jpeg (corruption * c, char *error)
{
  struct jpeg_compress_struct e = { 0 };
  struct jpeg_decompress_struct d = { 0 };
  jpeg *j = c->own;
  failure f;

  e.err = d.err = jpeg_std_error (&f.manager);
  f.manager.error_exit = on_error;
  f.manager.output_message = on_message;
  if (setjmp (f.back)) {
    snprintf (error, CORRUPTION_ERROR_SIZE, "JPEG: %s", f.text);
    jpeg_destroy_compress (&e);
    jpeg_destroy_decompress (&d);
    free (j->file);
    j->file = NULL;
    return 0;
  }
  jpeg_create_compress (&e);
  jpeg_mem_dest (&e, &j->file, &j->size);
  compress (c, &e);
  jpeg_create_decompress (&d);
  decompress (c, &d);
  jpeg_destroy_compress (&e);
  jpeg_destroy_decompress (&d);
  free (j->file);
  j->file = NULL;
  return 1;
}

#else /* HAVE_JPEG */

static int
prepare_jpeg (corruption * c)
{
  return 1;
}

static void
clear_jpeg (corruption * c)
{
}

static int
apply_jpeg (corruption * c, char *error)
{
  snprintf (error, CORRUPTION_ERROR_SIZE, "built without libjpeg; install "
      "libjpeg-dev and configure again with -Djpeg=enabled");
  return 0;
}

#endif /* HAVE_JPEG */

const corruption_class corruption_jpeg = {
  prepare_jpeg, apply_jpeg, clear_jpeg
};
