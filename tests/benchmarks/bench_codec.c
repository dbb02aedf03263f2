/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Speed of the codec in one thread, by stage.
 * Usage: bench_codec MODEL.wlm [PICTURE.ppm|PICTURE.pgm|WIDTHxHEIGHT [SECONDS]]
 * Every quality of a short list, as RGB and I420 (a picture file: RGB is the
 * file's, I420 its grey). Msymbol/s counts latents of all channels kept. */
#include <walloc/decoder.h>
#include <walloc/encoder.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double
now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* Smooth shading, edges, and some noise: nothing like a photograph in detail
 * but with as many small and large coefficients. */
static void
draw (walloc_image * image)
{
  unsigned x, y, c, seed = 1;
  double v;

  for (y = 0; y < image->height; y++)
    for (x = 0; x < image->width; x++) {
      v = 90 + 50 * sin (x * 0.011 + 3 * cos (y * 0.007)) +
          20 * ((x / 61 + y / 47) % 3) + 8 * sin (x * y * 0.0005);
      for (c = 0; c < 3; c++) {
        seed = seed * 1664525u + 1013904223u;
        image->plane[0][y * image->stride[0] + 3 * x + c] =
            (uint8_t) (v * (1 - 0.1 * c) + (seed >> 24) / 32.0);
      }
    }
}

static int
load (const char *path, walloc_image * image)
{
  FILE *file = fopen (path, "rb");
  unsigned max, y, bytes = 0;
  size_t got = 1, x;
  char kind;

  if (file == NULL)
    return 0;
  if (fscanf (file, "P%c %u %u %u", &kind, &image->width, &image->height,
          &max) == 4 && (kind == '5' || kind == '6') && max == 255 &&
      image->width > 0 && image->width <= WALLOC_MAX_SIZE &&
      image->height > 0 && image->height <= WALLOC_MAX_SIZE) {
    fgetc (file);
    bytes = kind == '6' ? 3 : 1;
    image->stride[0] = (ptrdiff_t) image->width * 3;
    image->plane[0] = malloc ((size_t) image->stride[0] * image->height);
    for (y = 0; y < image->height && got == 1; y++) {
      uint8_t *row = image->plane[0] + (size_t) y * image->stride[0];

      got = fread (row, (size_t) image->width * bytes, 1, file);
      for (x = bytes == 1 ? image->width : 0; x-- > 0;)
        memset (row + 3 * x, row[x], 3);
    }
  }
  fclose (file);
  return bytes != 0 && got == 1;
}

static void
run (walloc_model * model, const walloc_image * image, unsigned quality,
    double seconds)
{
  walloc_encoder *encoder;
  walloc_decoder *decoder;
  walloc_encoder_stats es;
  walloc_decoder_stats ds;
  walloc_encode_params params;
  walloc_frame_info info;
  walloc_image out = *image;
  walloc_error error;
  const uint8_t *data;
  size_t size = 0, bytes, i;
  double start, et, dt, pixels, symbols, se = 0;
  unsigned p;

  if (walloc_encoder_new (model, NULL, NULL, &encoder, &error) != WALLOC_OK ||
      walloc_decoder_new (model, NULL, NULL, NULL, &decoder, &error) !=
      WALLOC_OK) {
    fprintf (stderr, "bench_codec: %s\n", error.text);
    exit (1);
  }
  for (p = 0; p < walloc_format_planes (image->format); p++)
    out.plane[p] = calloc (walloc_format_rows (image->format, p,
            image->height), (size_t) image->stride[p]);
  walloc_encode_params_init (&params);
  params.quality = quality;
  start = now ();
  do {
    if (walloc_encoder_encode (encoder, image, &params, &data, &size, &info,
            &error) != WALLOC_OK) {
      fprintf (stderr, "bench_codec: %s\n", error.text);
      exit (1);
    }
  } while (now () - start < seconds);
  et = now () - start;
  start = now ();
  do {
    if (walloc_decoder_decode (decoder, data, size, WALLOC_DECODER_LINEAR,
            &out, NULL, &error) != WALLOC_OK) {
      fprintf (stderr, "bench_codec: %s\n", error.text);
      exit (1);
    }
  } while (now () - start < seconds);
  dt = now () - start;
  walloc_encoder_get_stats (encoder, &es);
  walloc_decoder_get_stats (decoder, &ds);
  bytes = (size_t) image->stride[0] * image->height;
  for (i = 0; i < bytes; i++)
    se += (out.plane[0][i] - image->plane[0][i]) *
        (out.plane[0][i] - image->plane[0][i]);
  pixels = (double) image->width * image->height;
  symbols = ceil (image->width / 8.0) * ceil (image->height / 8.0) *
      info.channels;
  printf ("%-4s q%-3u %3u ch %.3f bpp %5.2f dB | enc %6.1f Mpixel/s: "
      "transform %.1f project %.1f entropy %.1f ms, %5.1f Msymbol/s | dec "
      "%6.1f Mpixel/s: entropy %.1f matrix %.1f synthesis %.1f ms, %5.1f "
      "Msymbol/s\n", walloc_format_name (image->format), quality,
      info.channels, 8.0 * (double) size / pixels,
      10 * log10 (255 * 255 / (se / (double) bytes + 1e-9)),
      pixels * (double) es.frames / et / 1e6,
      (double) es.ns_transform / (double) es.frames / 1e6,
      (double) es.ns_project / (double) es.frames / 1e6,
      (double) es.ns_entropy / (double) es.frames / 1e6,
      symbols * (double) es.frames / (double) es.ns_entropy * 1e3,
      pixels * (double) ds.frames / dt / 1e6,
      (double) ds.ns_entropy / (double) ds.frames / 1e6,
      (double) ds.ns_network / (double) ds.frames / 1e6,
      (double) ds.ns_synthesis / (double) ds.frames / 1e6,
      symbols * (double) ds.frames / (double) ds.ns_entropy * 1e3);
  fflush (stdout);
  for (p = 0; p < walloc_format_planes (image->format); p++)
    free (out.plane[p]);
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

/* Y is the green component, Cb and Cr are grey with some shading. */
static void
to_i420 (const walloc_image * rgb, walloc_image * yuv)
{
  unsigned p, x, y;
  uint8_t *to;

  *yuv = *rgb;
  yuv->format = WALLOC_FORMAT_I420;
  for (p = 0; p < 3; p++) {
    yuv->stride[p] = (ptrdiff_t) walloc_format_row_bytes (yuv->format, p,
        yuv->width);
    yuv->plane[p] = malloc ((size_t) yuv->stride[p] *
        walloc_format_rows (yuv->format, p, yuv->height));
    for (y = 0; y < walloc_format_rows (yuv->format, p, yuv->height); y++)
      for (x = 0; x < (unsigned) yuv->stride[p]; x++) {
        to = yuv->plane[p] + y * yuv->stride[p] + x;
        if (p == 0)
          *to = rgb->plane[0][y * rgb->stride[0] + 3 * x + 1];
        else
          *to = (uint8_t) (128 + (rgb->plane[0][2 * y * rgb->stride[0] +
                      6 * x + 2 * (p - 1)] - rgb->plane[0][2 * y *
                      rgb->stride[0] + 6 * x + 1]) / 2);
      }
  }
}

int
main (int argc, char **argv)
{
  static const unsigned qualities[] = { 10, 30, 50, 70, 90 };
  walloc_model *model;
  walloc_model_info info;
  walloc_error error;
  walloc_image rgb = { WALLOC_FORMAT_RGB, 1920, 1080 }, yuv;
  double seconds = argc > 3 ? atof (argv[3]) : 0.5;
  unsigned i;

  if (argc < 2) {
    fprintf (stderr,
        "usage: bench_codec MODEL.wlm [PICTURE.ppm|WxH [SECONDS]]\n");
    return 2;
  }
  if (walloc_model_load (argv[1], NULL, &model, &error) != WALLOC_OK) {
    fprintf (stderr, "bench_codec: %s\n", error.text);
    return 1;
  }
  if (argc < 3 || sscanf (argv[2], "%ux%u", &rgb.width, &rgb.height) == 2) {
    rgb.stride[0] = (ptrdiff_t) rgb.width * 3;
    rgb.plane[0] = malloc ((size_t) rgb.stride[0] * rgb.height);
    draw (&rgb);
  } else if (!load (argv[2], &rgb)) {
    fprintf (stderr, "bench_codec: %s is no PPM or PGM file\n", argv[2]);
    return 1;
  }
  walloc_model_get_info (model, &info);
  for (i = 0; i < sizeof qualities / sizeof *qualities; i++)
    run (model, &rgb, qualities[i], seconds);
  if (info.formats >> WALLOC_FORMAT_I420 & 1) {
    /* even sizes only: enough for a benchmark */
    rgb.width &= ~1u;
    rgb.height &= ~1u;
    to_i420 (&rgb, &yuv);
    for (i = 0; i < sizeof qualities / sizeof *qualities; i++)
      run (model, &yuv, qualities[i], seconds);
    for (i = 0; i < 3; i++)
      free (yuv.plane[i]);
  }
  free (rgb.plane[0]);
  walloc_model_unref (model);
  return 0;
}
