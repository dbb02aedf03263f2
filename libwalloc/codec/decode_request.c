/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a caller asks of the decoder: a region, a size, a format. */
#include "codec/decoder-private.h"

/* Can a frame of format from be shown as format to? */
static int
compatible (walloc_format from, walloc_format to)
{
  walloc_pixel a, b;

  walloc_pixel_init (&a, from);
  walloc_pixel_init (&b, to);
  return b.sampling == WALLOC_SAMPLING_GRAY || a.sampling == b.sampling;
}

walloc_result
walloc_decoder_find_region (const walloc_decoder * d,
    const walloc_decode_params * params, walloc_rect * region,
    walloc_error * error)
{
  unsigned width, height;
  walloc_pixel pixel;

  if (params->reduce > WALLOC_DECODE_MAX_REDUCE)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "pictures are reduced by 2^0 to 2^%d, not by 2^%u",
        WALLOC_DECODE_MAX_REDUCE, params->reduce);
  width = walloc_decoder_reduced_size (d->info.width, params->reduce);
  height = walloc_decoder_reduced_size (d->info.height, params->reduce);
  region->x0 = params->x;
  region->y0 = params->y;
  region->x1 = width;
  region->y1 = height;
  if (params->width > 0 || params->height > 0) {
    if (params->width == 0 || params->height == 0 || params->x >= width ||
        params->y >= height || params->width > width - params->x ||
        params->height > height - params->y)
      return walloc_fail (error, WALLOC_ERR_ARGUMENT,
          "there is no region of %ux%u pixels at %u,%u in a picture of %ux%u",
          params->width, params->height, params->x, params->y, width, height);
    region->x1 = params->x + params->width;
    region->y1 = params->y + params->height;
  } else if (params->x > 0 || params->y > 0) {
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "a region at %u,%u needs a width and a height", params->x, params->y);
  }
  walloc_pixel_init (&pixel, d->info.format);
  if ((pixel.sampling == WALLOC_SAMPLING_420 && (region->x0 | region->y0) & 1)
      || (pixel.sampling == WALLOC_SAMPLING_422 && region->x0 & 1))
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "a region of a picture of format %s cannot begin at %u,%u, in the "
        "middle of a sample of chroma; take even numbers",
        walloc_format_name (d->info.format), region->x0, region->y0);
  return WALLOC_OK;
}

walloc_result
walloc_decoder_check_request (const walloc_decoder * d,
    const walloc_decode_params * params, const walloc_rect * region,
    const walloc_image * image, walloc_error * error)
{
  walloc_decoder_kind kind = params->kind;
  unsigned width = region->x1 - region->x0, height = region->y1 - region->y0;

  if ((unsigned) kind > WALLOC_DECODER_BEST)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "there is no decoder of kind %d", (int) kind);
  if (kind >= WALLOC_DECODER_FAST && (d->model->info.decoders >> kind & 1) == 0)
    return walloc_fail (error, WALLOC_ERR_NOT_FOUND,
        "model '%s' has no '%s' decoder; use the linear one",
        d->model->info.name, kind == WALLOC_DECODER_FAST ? "fast" : "best");
  if (image->width != width || image->height != height)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "an image of %ux%u is given for a picture of %ux%u", image->width,
        image->height, width, height);
  if (!compatible (d->info.format, image->format))
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "a frame of format %s is not decoded to %s",
        walloc_format_name (d->info.format),
        walloc_format_name (image->format));
  return WALLOC_OK;
}
