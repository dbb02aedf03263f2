/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What latents of the first channels cost in one thread.
 * Usage: bench_latents MODEL.wlm PICTURE.ppm [LAYERS [QUALITY...]]
 * For every quality: bits per pixel, then milliseconds of processor time for a
 * frame with the first 12, 24, 48 and all channels (medians, in turn, so that
 * a busy machine is unfair to none), and for the linear decoder's picture. */
#include <walloc/decoder.h>
#include <walloc/encoder.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS 41

static const unsigned counts[] = { 12, 24, 48, 0 };

#define COUNTS (sizeof counts / sizeof *counts)

static double
now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static void
fail (const char *what)
{
  fprintf (stderr, "bench_latents: %s\n", what);
  exit (1);
}

static int
compare (const void *a, const void *b)
{
  const double *x = a, *y = b;

  return *x < *y ? -1 : *x > *y;
}

/* P6 as I420, of even size: luma of every pixel, chroma of every fourth. */
static void
load (const char *path, walloc_image * image)
{
  FILE *file = fopen (path, "rb");
  unsigned w, h, max, x, y, p;
  uint8_t *rgb;

  if (file == NULL || fscanf (file, "P6 %u %u %u", &w, &h, &max) != 3 ||
      max != 255 || w < 2 || h < 2 || w > 16384 || h > 16384)
    fail ("no picture of kind P6");
  fgetc (file);
  rgb = malloc (3 * (size_t) w * h);
  if (rgb == NULL || fread (rgb, 3 * (size_t) w, h, file) != h)
    fail ("the picture is cut short");
  fclose (file);
  memset (image, 0, sizeof *image);
  image->format = WALLOC_FORMAT_I420;
  image->width = w & ~1u;
  image->height = h & ~1u;
  for (p = 0; p < 3; p++) {
    image->stride[p] = (ptrdiff_t) (p > 0 ? w / 2 : w);
    image->plane[p] = malloc ((size_t) image->stride[p] * h);
    for (y = 0; y < (p > 0 ? h / 2 : image->height); y++)
      for (x = 0; x < (p > 0 ? w / 2 : image->width); x++) {
        const uint8_t *c = rgb + 3 * ((size_t) (p > 0 ? 2 * y : y) * w +
            (p > 0 ? 2 * x : x));
        double luma = 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2];
        double v = p == 0 ? luma : 128 + (p == 1 ? (c[2] - luma) / 1.772 :
            (c[0] - luma) / 1.402);

        image->plane[p][y * image->stride[p] + x] = (uint8_t) (v + 0.5);
      }
  }
  free (rgb);
}

static void
run (walloc_model * model, const walloc_image * image,
    const walloc_image * out, unsigned layers, unsigned quality)
{
  walloc_decoder *decoder[COUNTS + 1];
  double times[COUNTS + 1][RUNS], start;
  walloc_encoder *encoder;
  walloc_encode_params params;
  walloc_frame_info info;
  walloc_latents latents;
  walloc_error error;
  const uint8_t *data;
  unsigned k, i;
  size_t size;

  walloc_encode_params_init (&params);
  params.quality = quality;
  params.layers = layers;
  params.shrink = 1;
  if (walloc_encoder_new (model, NULL, NULL, &encoder, &error) != WALLOC_OK ||
      walloc_encoder_encode (encoder, image, &params, &data, &size, &info,
          &error) != WALLOC_OK)
    fail (error.text);
  for (k = 0; k <= COUNTS; k++)
    if (walloc_decoder_new (model, NULL, NULL, NULL, &decoder[k], &error) !=
        WALLOC_OK || (k < COUNTS && walloc_decoder_set_channels (decoder[k],
                counts[k], &error) != WALLOC_OK))
      fail (error.text);
  for (i = 0; i < RUNS; i++)
    for (k = 0; k <= COUNTS; k++) {
      start = now ();
      if ((k < COUNTS ? walloc_decoder_latents (decoder[k], data, size,
                  &latents, NULL, &error) : walloc_decoder_decode (decoder[k],
                  data, size, WALLOC_DECODER_LINEAR, out, NULL, &error)) !=
          WALLOC_OK)
        fail (error.text);
      times[k][i] = now () - start;
    }
  printf ("%ux%u q%-3u %3u ch, %u layers, %.3f bpp:", image->width,
      image->height, quality, info.channels, info.layers, 8.0 *
      (double) size / image->width / image->height);
  for (k = 0; k <= COUNTS; k++) {
    qsort (times[k], RUNS, sizeof times[k][0], compare);
    if (k < COUNTS && counts[k] > 0)
      printf (" %u ch %.2f ms,", counts[k], 1e3 * times[k][RUNS / 2]);
    else
      printf (" %s %.2f ms%s", k < COUNTS ? "all" : "picture",
          1e3 * times[k][RUNS / 2], k < COUNTS ? "," : "\n");
    walloc_decoder_free (decoder[k]);
  }
  fflush (stdout);
  walloc_encoder_free (encoder);
}

int
main (int argc, char **argv)
{
  static const unsigned qualities[] = { 20, 30, 40, 50, 70 };
  walloc_model *model;
  walloc_error error;
  walloc_image image, out;
  unsigned layers = argc > 3 ? (unsigned) atoi (argv[3]) : 1, p;
  int i;

  if (argc < 3) {
    fprintf (stderr, "usage: bench_latents MODEL.wlm PICTURE.ppm "
        "[LAYERS [QUALITY...]]\n");
    return 2;
  }
  if (walloc_model_load (argv[1], NULL, &model, &error) != WALLOC_OK)
    fail (error.text);
  load (argv[2], &image);
  load (argv[2], &out);
  if (argc > 4)
    for (i = 4; i < argc; i++)
      run (model, &image, &out, layers, (unsigned) atoi (argv[i]));
  else
    for (i = 0; i < 5; i++)
      run (model, &image, &out, layers, qualities[i]);
  for (p = 0; p < 3; p++) {
    free (image.plane[p]);
    free (out.plane[p]);
  }
  walloc_model_unref (model);
  return 0;
}
