/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/layout.h"

/* Latents of one channel that a slice has at least (where the grid has as
 * many): enough for contexts and for the cost of a slice's end, few enough
 * that pictures of 1080 lines keep several cores busy. */
#define SLICE_LATENTS 6144
#define SLICE_MIN_ROWS 16

void
walloc_pixel_init (walloc_pixel * pixel, walloc_format format)
{
  /* offsets of red, green, blue; bytes per pixel */
  static const uint8_t packed[][4] = {
    [WALLOC_FORMAT_RGB] = {0, 1, 2, 3},
    [WALLOC_FORMAT_BGR] = {2, 1, 0, 3},
    [WALLOC_FORMAT_RGBX] = {0, 1, 2, 4},
    [WALLOC_FORMAT_BGRX] = {2, 1, 0, 4},
    [WALLOC_FORMAT_XRGB] = {1, 2, 3, 4},
    [WALLOC_FORMAT_XBGR] = {3, 2, 1, 4}
  };
  unsigned i;

  pixel->rgb = format >= WALLOC_FORMAT_RGB;
  pixel->step = 1;
  pixel->fill = -1;
  for (i = 0; i < 3; i++)
    pixel->offsets[i] = i;
  switch (format) {
    case WALLOC_FORMAT_GRAY8:
      pixel->sampling = WALLOC_SAMPLING_GRAY;
      break;
    case WALLOC_FORMAT_I420:
    case WALLOC_FORMAT_NV12:
      pixel->sampling = WALLOC_SAMPLING_420;
      break;
    case WALLOC_FORMAT_Y42B:
      pixel->sampling = WALLOC_SAMPLING_422;
      break;
    default:
      pixel->sampling = WALLOC_SAMPLING_444;
      break;
  }
  if (!pixel->rgb)
    return;
  for (i = 0; i < 3; i++)
    pixel->offsets[i] = packed[format][i];
  pixel->step = packed[format][3];
  pixel->fill = pixel->step == 4 ? 255 : -1;
}

walloc_result
walloc_image_check (const walloc_image * image, walloc_error * error)
{
  unsigned planes, i;
  size_t bytes, span;

  if (image == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no image given");
  planes = walloc_format_planes (image->format);
  if (planes == 0)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "pixel format %d is not known", (int) image->format);
  if (image->width < 1 || image->width > WALLOC_MAX_SIZE ||
      image->height < 1 || image->height > WALLOC_MAX_SIZE)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "a picture of %ux%u pixels; 1x1 to %dx%d are possible",
        image->width, image->height, WALLOC_MAX_SIZE, WALLOC_MAX_SIZE);
  for (i = 0; i < planes; i++) {
    bytes = walloc_format_row_bytes (image->format, i, image->width);
    span = image->stride[i] < 0 ? (size_t) 0 - (size_t) image->stride[i] :
        (size_t) image->stride[i];
    if (image->plane[i] == NULL || (span < bytes &&
            walloc_format_rows (image->format, i, image->height) > 1))
      return walloc_fail (error, WALLOC_ERR_ARGUMENT,
          "plane %u of the image is missing or its stride %td is less than "
          "the %zu bytes of a row", i, image->stride[i], bytes);
  }
  return WALLOC_OK;
}

void
walloc_image_component (const walloc_image * image, unsigned index,
    walloc_component * component)
{
  unsigned plane = index;

  component->step = 1;
  if (image->format == WALLOC_FORMAT_NV12 && index > 0) {
    plane = 1;
    component->step = 2;
  }
  component->data = image->plane[plane];
  if (image->format == WALLOC_FORMAT_NV12 && index == 2)
    component->data++;
  component->stride = image->stride[plane];
  component->width = (unsigned) (walloc_format_row_bytes (image->format,
          plane, image->width) / component->step);
  component->height = walloc_format_rows (image->format, plane, image->height);
}

void
walloc_layout_init (walloc_layout * layout, walloc_format format,
    unsigned width, unsigned height, unsigned slice_rows)
{
  unsigned rows, slices;

  layout->format = format;
  walloc_pixel_init (&layout->pixel, format);
  layout->width = width;
  layout->height = height;
  layout->grid_width = (width + WALLOC_CELL - 1) / WALLOC_CELL;
  layout->grid_height = (height + WALLOC_CELL - 1) / WALLOC_CELL;
  rows = slice_rows;
  if (rows == 0) {
    rows = (SLICE_LATENTS + layout->grid_width - 1) / layout->grid_width;
    rows = rows < SLICE_MIN_ROWS ? SLICE_MIN_ROWS : rows;
    rows = rows > WALLOC_MAX_SLICE_ROWS ? WALLOC_MAX_SLICE_ROWS : rows;
    /* of one height as far as possible, and an even number of them, so that
     * two or more threads have the same to do */
    slices = (layout->grid_height + rows - 1) / rows;
    if (slices > 1) {
      slices += slices % 2;
      rows = (layout->grid_height + slices - 1) / slices;
    }
  }
  layout->slice_rows = rows;
  layout->slices = (layout->grid_height + rows - 1) / rows;
  layout->buffer_rows = rows < layout->grid_height ? rows : layout->grid_height;
}

void
walloc_layout_present (const walloc_model * model, walloc_sampling sampling,
    unsigned channels, uint8_t * present)
{
  unsigned c;

  for (c = 0; c < channels; c++)
    present[c] = model->group[c] == WALLOC_GROUP_LUMA ||
        (model->group[c] == WALLOC_GROUP_CHROMA &&
        sampling != WALLOC_SAMPLING_GRAY) ||
        (model->group[c] == WALLOC_GROUP_DETAIL &&
        (sampling == WALLOC_SAMPLING_422 || sampling == WALLOC_SAMPLING_444));
}
