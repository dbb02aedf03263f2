/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures of JPEG and PNG files, where libjpeg and libpng were there at build
 * time. */
#ifndef QUEUE_PHOTO_H
#define QUEUE_PHOTO_H

#include <walloc/image.h>

#include <stdio.h>

#define PHOTO_ERROR 256
/* bytes of a decoded picture: 100 megapixels */
#define PHOTO_MAX_BYTES 300000000
/* more scans than that are an attack on our time, not a photograph */
#define PHOTO_MAX_SCANS 200

/* Whether a file begins as JPEG or PNG files do. */
int photo_is (const unsigned char head[2]);

/* Reads the file from its beginning into image, zero or a picture of before:
 * RGB, or GRAY8 where the file is grey, 8 bits; alpha is dropped. 1; or 0 with
 * error. Damage that libjpeg mends, such as a file that ends early, is an error
 * here. */
int photo_read (FILE * file, walloc_image * image, char error[PHOTO_ERROR]);

/* The same of PNG files alone. */
int photo_read_png (FILE * file, walloc_image * image,
    char error[PHOTO_ERROR]);

#endif
