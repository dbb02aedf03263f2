/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What encoder and decoder have in common: pixel formats taken apart, the
 * grid of latents, slices, and which channels a format has. Internal. */
#ifndef WALLOC_CODEC_LAYOUT_H
#define WALLOC_CODEC_LAYOUT_H

#include "model/model.h"

#include <walloc/image.h>

#define WALLOC_CELL 8           /* pixels per latent and axis, J = 3 */
#define WALLOC_MAX_SLICE_ROWS 2048

typedef enum
{
  WALLOC_SAMPLING_GRAY,
  WALLOC_SAMPLING_420,
  WALLOC_SAMPLING_422,
  WALLOC_SAMPLING_444
} walloc_sampling;

/* A picture's format. */
typedef struct
{
  walloc_sampling sampling;
  int rgb;                      /* packed red, green, blue */
  unsigned step;                /* rgb: bytes per pixel */
  unsigned offsets[3];          /* rgb: where red, green, blue are */
  int fill;                     /* rgb: value of the fourth byte, -1: none */
} walloc_pixel;

/* 8-bit samples of one component. */
typedef struct
{
  uint8_t *data;
  ptrdiff_t stride;
  unsigned step;
  unsigned width, height;
} walloc_component;

typedef struct
{
  walloc_format format;
  walloc_pixel pixel;
  unsigned width, height;       /* pixels */
  unsigned grid_width, grid_height;     /* latents */
  unsigned slice_rows, slices;
  unsigned buffer_rows;         /* rows of the greatest slice there is */
} walloc_layout;

void walloc_pixel_init (walloc_pixel * pixel, walloc_format format);

/* ARGUMENT when the view is not possible. */
walloc_result walloc_image_check (const walloc_image * image,
    walloc_error * error);

/* Component 0 to 2 (Y, Cb, Cr) of a format that is not rgb. */
void walloc_image_component (const walloc_image * image, unsigned index,
    walloc_component * component);

/* Layout of a frame; slice_rows 0: what the encoder chooses. */
void walloc_layout_init (walloc_layout * layout, walloc_format format,
    unsigned width, unsigned height, unsigned slice_rows);

/* First grid row of a slice; that of the one after the last is the end. */
static inline unsigned
walloc_layout_row (const walloc_layout * layout, unsigned slice)
{
  unsigned row = slice * layout->slice_rows;

  return row < layout->grid_height ? row : layout->grid_height;
}

/* present[c] = whether a frame of that sampling has channel c < channels. */
void walloc_layout_present (const walloc_model * model,
    walloc_sampling sampling, unsigned channels, uint8_t * present);

#endif
