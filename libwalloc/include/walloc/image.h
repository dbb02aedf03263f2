/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file walloc/image.h
 * @brief Pixel formats and views of pictures in the caller's memory.
 */
#ifndef WALLOC_IMAGE_H
#define WALLOC_IMAGE_H

#include <walloc/walloc.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Greatest picture width and height in pixels. */
#define WALLOC_MAX_SIZE 16384

/** 8-bit pixel formats; the numbers are those of the stream (bitstream.md). */
typedef enum
{
  WALLOC_FORMAT_GRAY8 = 0,      /**< one plane */
  WALLOC_FORMAT_I420 = 1,       /**< Y, Cb, Cr; chroma ceil(w/2) x ceil(h/2) */
  WALLOC_FORMAT_NV12 = 2,       /**< Y, interleaved Cb Cr, sizes as I420 */
  WALLOC_FORMAT_Y42B = 3,       /**< Y, Cb, Cr; chroma ceil(w/2) x h */
  WALLOC_FORMAT_Y444 = 4,       /**< Y, Cb, Cr; all w x h */
  WALLOC_FORMAT_RGB = 5,        /**< packed, 3 bytes per pixel */
  WALLOC_FORMAT_BGR = 6,
  WALLOC_FORMAT_RGBX = 7,       /**< packed, 4 bytes, x is written as 255 */
  WALLOC_FORMAT_BGRX = 8,
  WALLOC_FORMAT_XRGB = 9,
  WALLOC_FORMAT_XBGR = 10,
  WALLOC_FORMAT_COUNT = 11
} walloc_format;

/** A picture in the caller's memory; planes in the order of the format. */
typedef struct
{
  walloc_format format;
  unsigned width;               /**< pixels, 1 to #WALLOC_MAX_SIZE */
  unsigned height;
  uint8_t *plane[3];            /**< first byte of row 0 of each plane */
  ptrdiff_t stride[3];          /**< bytes from one row to the next */
} walloc_image;

/** Number of planes of @format (1 to 3), 0 when unknown. */
WALLOC_API unsigned walloc_format_planes (walloc_format format);

/** Bytes of one row of plane @plane of a picture @width pixels wide. */
WALLOC_API size_t walloc_format_row_bytes (walloc_format format,
    unsigned plane, unsigned width);

/** Rows of plane @plane of a picture @height pixels high. */
WALLOC_API unsigned walloc_format_rows (walloc_format format,
    unsigned plane, unsigned height);

/** Upper-case name as GStreamer spells it ("I420", "RGBx"), NULL when unknown. */
WALLOC_API const char *walloc_format_name (walloc_format format);

#ifdef __cplusplus
}
#endif
#endif
