/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
# include <config.h>
#endif

#include "photo.h"

#include "../pictures.h"

#ifdef HAVE_JPEG
#include <setjmp.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>
#endif

/* what PNG files begin with, and JPEG files do not */
#define PNG_FIRST 0x89

int
photo_is (const unsigned char head[2])
{
  return (head[0] == 0xff && head[1] == 0xd8) ||
      (head[0] == PNG_FIRST && head[1] == 'P');
}

#ifdef HAVE_JPEG

typedef struct
{
  struct jpeg_error_mgr manager;
  struct jpeg_progress_mgr progress;
  jmp_buf back;
  char *error;
} failure;

static void
on_error (j_common_ptr d)
{
  failure *f = (failure *) d->err;
  char text[JMSG_LENGTH_MAX];

  d->err->format_message (d, text);
  snprintf (f->error, PHOTO_ERROR, "JPEG: %s", text);
  longjmp (f->back, 1);
}

static void
on_message (j_common_ptr d, int level)
{
  /* below 0: damage, which must not become somebody's only copy; but for what
   * cameras write between segments */
  if (level < 0 && d->err->msg_code != JWRN_EXTRANEOUS_DATA)
    on_error (d);
}

static void
on_progress (j_common_ptr d)
{
  failure *f = (failure *) d->err;

  if (((j_decompress_ptr) d)->input_scan_number <= PHOTO_MAX_SCANS)
    return;
  snprintf (f->error, PHOTO_ERROR, "JPEG: more than %d scans", PHOTO_MAX_SCANS);
  longjmp (f->back, 1);
}

static int
decode (j_decompress_ptr d, walloc_image * image, char *error)
{
  JSAMPROW row;

  jpeg_read_header (d, TRUE);
  if (d->image_width > WALLOC_MAX_SIZE || d->image_height > WALLOC_MAX_SIZE ||
      3.0 * d->image_width * d->image_height > PHOTO_MAX_BYTES) {
    snprintf (error, PHOTO_ERROR, "JPEG: %ux%u is too large",
        d->image_width, d->image_height);
    return 0;
  }
  if (d->jpeg_color_space != JCS_GRAYSCALE &&
      d->jpeg_color_space != JCS_YCbCr && d->jpeg_color_space != JCS_RGB) {
    snprintf (error, PHOTO_ERROR, "JPEG: neither colours nor grey (CMYK?)");
    return 0;
  }
  d->out_color_space = d->jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE :
      JCS_RGB;
  if (!picture_alloc (image, d->out_color_space == JCS_RGB ?
          WALLOC_FORMAT_RGB : WALLOC_FORMAT_GRAY8, d->image_width,
          d->image_height)) {
    snprintf (error, PHOTO_ERROR, "no memory");
    return 0;
  }
  jpeg_start_decompress (d);
  while (d->output_scanline < d->output_height) {
    row = image->plane[0] + (ptrdiff_t) d->output_scanline * image->stride[0];
    jpeg_read_scanlines (d, &row, 1);
  }
  jpeg_finish_decompress (d);
  return 1;
}

static int
read_jpeg (FILE * file, walloc_image * image, char *error)
{
  struct jpeg_decompress_struct d;
  failure f;
  volatile int good = 0;

  memset (&d, 0, sizeof d);
  memset (&f, 0, sizeof f);
  f.error = error;
  d.err = jpeg_std_error (&f.manager);
  f.manager.error_exit = on_error;
  f.manager.emit_message = on_message;
  f.progress.progress_monitor = on_progress;
  if (!setjmp (f.back)) {
    jpeg_create_decompress (&d);
    d.progress = &f.progress;
    jpeg_stdio_src (&d, file);
    good = decode (&d, image, error);
  }
  jpeg_destroy_decompress (&d);
  return good;
}

#else

static int
read_jpeg (FILE * file, walloc_image * image, char *error)
{
  (void) file;
  (void) image;
  snprintf (error, PHOTO_ERROR, "this program was built without libjpeg");
  return 0;
}

#endif

int
photo_read (FILE * file, walloc_image * image, char error[PHOTO_ERROR])
{
  int first = getc (file);

  rewind (file);
  return first == PNG_FIRST ? photo_read_png (file, image, error) :
      read_jpeg (file, image, error);
}
