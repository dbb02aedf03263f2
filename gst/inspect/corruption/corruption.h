/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The 15 corruptions of ImageNet-C (Hendrycks and Dietterich, "Benchmarking
 * Neural Network Robustness to Common Corruptions and Perturbations",
 * arXiv 1903.12261), for pictures of any size, by seed and frame.
 *
 * What a frame becomes depends on its samples, the seed and the frame's number
 * alone, never on the threads or the machine. No GLib, no GStreamer here. */
#ifndef WALLOC_CORRUPTION_H
#define WALLOC_CORRUPTION_H

#include <stddef.h>
#include <stdint.h>

#include <walloc/walloc.h>

typedef enum
{
  CORRUPTION_GAUSSIAN_NOISE,
  CORRUPTION_SHOT_NOISE,
  CORRUPTION_IMPULSE_NOISE,
  CORRUPTION_DEFOCUS_BLUR,
  CORRUPTION_GLASS_BLUR,
  CORRUPTION_MOTION_BLUR,
  CORRUPTION_ZOOM_BLUR,
  CORRUPTION_SNOW,
  CORRUPTION_FROST,
  CORRUPTION_FOG,
  CORRUPTION_BRIGHTNESS,
  CORRUPTION_CONTRAST,
  CORRUPTION_ELASTIC_TRANSFORM,
  CORRUPTION_PIXELATE,
  CORRUPTION_JPEG_COMPRESSION,
  CORRUPTION_TYPES
} corruption_type;

/* Two published programs, which differ in zoom, snow, frost, elastic transform
 * and pixelate. */
typedef enum
{
  CORRUPTION_HENDRYCKS,         /* hendrycks/robustness, make_imagenet_c */
  CORRUPTION_IMAGECORRUPTIONS   /* bethgelab/imagecorruptions */
} corruption_variant;

#define CORRUPTION_MAX_SIDE 16384
#define CORRUPTION_ERROR_SIZE 256

typedef struct corruption corruption;

/* Name as ImageNet-C's folders have it, such as "gaussian_noise". */
const char *corruption_name (corruption_type type);

/* Whether a frame's number and the seed change what is done. */
int corruption_is_random (corruption_type type, corruption_variant variant);

/* One corruption for pictures of one size. severity: 1 to 5; planes: 3 (red,
 * green, blue) or 1 (grey); runner: NULL or threads that outlive it. NULL and a
 * text in error (CORRUPTION_ERROR_SIZE bytes) for what cannot be, such as
 * sides beyond CORRUPTION_MAX_SIDE, or for want of memory. */
corruption *corruption_new (corruption_type type, unsigned severity,
    corruption_variant variant, unsigned width, unsigned height,
    unsigned planes, const walloc_runner * runner, char *error);

void corruption_free (corruption * c);

/* Corrupts a picture in place: 8-bit samples, one plane behind the other in
 * memory of their own, stride bytes from row to row. Not from two threads at
 * once. False and a text in error when it cannot; the picture is what it was
 * then. */
int corruption_apply (corruption * c, uint8_t * const *planes,
    size_t stride, uint64_t seed, uint64_t frame, char *error);

#endif
