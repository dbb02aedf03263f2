/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
# include <config.h>
#endif

#include "photo.h"

#include "../pictures.h"

#ifdef HAVE_PNG

#include <stdlib.h>
#include <string.h>

#include <png.h>

/* Into rows of the picture, without the last of so many samples a pixel. */
static void
drop_alpha (const unsigned char *from, unsigned samples, walloc_image * image)
{
  unsigned x, y, c;

  for (y = 0; y < image->height; y++) {
    unsigned char *row = image->plane[0] + (ptrdiff_t) y * image->stride[0];

    for (x = 0; x < image->width; x++, from += samples)
      for (c = 0; c + 1 < samples; c++)
        *row++ = from[c];
  }
}

static int
decode (png_image * png, walloc_image * image, char *error)
{
  int colour = (png->format & PNG_FORMAT_FLAG_COLOR) != 0;
  int alpha = (png->format & PNG_FORMAT_FLAG_ALPHA) != 0;
  unsigned samples = (colour ? 3 : 1) + (alpha ? 1 : 0);
  unsigned char *buffer = NULL;
  int good;

  if (png->width > WALLOC_MAX_SIZE || png->height > WALLOC_MAX_SIZE ||
      (double) samples * png->width * png->height > PHOTO_MAX_BYTES) {
    snprintf (error, PHOTO_ERROR, "PNG: %ux%u is too large", png->width,
        png->height);
    return 0;
  }
  /* 8 bits; deeper ones without a gamma of their own are sRGB as well */
  png->format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  if (alpha)
    png->format |= PNG_FORMAT_FLAG_ALPHA;
  png->flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  if (alpha)
    buffer = malloc ((size_t) samples * png->width * png->height);
  if ((alpha && buffer == NULL) || !picture_alloc (image, colour ?
          WALLOC_FORMAT_RGB : WALLOC_FORMAT_GRAY8, png->width, png->height)) {
    free (buffer);
    snprintf (error, PHOTO_ERROR, "no memory");
    return 0;
  }
  good = png_image_finish_read (png, NULL, alpha ? buffer : image->plane[0],
      alpha ? 0 : (png_int_32) image->stride[0], NULL) != 0;
  if (!good)
    snprintf (error, PHOTO_ERROR, "PNG: %s", png->message);
  else if (alpha)
    drop_alpha (buffer, samples, image);
  free (buffer);
  return good;
}

int
photo_read_png (FILE * file, walloc_image * image, char error[PHOTO_ERROR])
{
  png_image png;
  int good;

  memset (&png, 0, sizeof png);
  png.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_stdio (&png, file)) {
    snprintf (error, PHOTO_ERROR, "PNG: %s", png.message);
    return 0;
  }
  good = decode (&png, image, error);
  png_image_free (&png);
  return good;
}

#else

int
photo_read_png (FILE * file, walloc_image * image, char error[PHOTO_ERROR])
{
  (void) file;
  (void) image;
  snprintf (error, PHOTO_ERROR, "this program was built without libpng");
  return 0;
}

#endif
