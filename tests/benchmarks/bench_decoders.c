/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every decoder of a model, in every precision, gives and costs.
 * Usage: bench_decoders MODEL.wlm [-f FORMAT] [-t THREADS] [-q Q,Q...]
 *   [-s WxH] [-d DECODER] PICTURE.ppm...
 * -d takes those decoders whose names begin so: "fast", "fast int8". Pictures
 * (P6) are coded as RGB, or I420; -s tiles each to that size. For
 * every quality the means over the pictures of bits per pixel, of PSNR over
 * all samples of the format, and pixels over processor time of all threads
 * (entropy decoding, network, synthesis); last, PSNR at fixed rates between
 * those qualities, over the logarithm of the rate. */
#include <walloc/decoder.h>
#include <walloc/encoder.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_QUALITIES 32
#define MAX_THREADS 16

static const struct
{
  const char *name;
  walloc_decoder_kind kind;
  walloc_net_precision precision;
} rows[] = {
  {"linear", WALLOC_DECODER_LINEAR, WALLOC_NET_F32},
  {"fast f32", WALLOC_DECODER_FAST, WALLOC_NET_F32},
  {"fast bf16", WALLOC_DECODER_FAST, WALLOC_NET_BF16},
  {"fast int8", WALLOC_DECODER_FAST, WALLOC_NET_INT8},
  {"best f32", WALLOC_DECODER_BEST, WALLOC_NET_F32},
  {"best bf16", WALLOC_DECODER_BEST, WALLOC_NET_BF16},
  {"best int8", WALLOC_DECODER_BEST, WALLOC_NET_INT8}
};

#define ROWS (sizeof rows / sizeof *rows)

static void
fail (const char *what)
{
  fprintf (stderr, "bench_decoders: %s\n", what);
  exit (1);
}

static double
now (clockid_t clock)
{
  struct timespec t;

  clock_gettime (clock, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* --- threads ------------------------------------------------------------ */

typedef struct
{
  void (*work) (void *data, unsigned index);
  void *data;
  unsigned count, next;
} job;

static void *
worker (void *user)
{
  job *j = user;
  unsigned i;

  while ((i = __atomic_fetch_add (&j->next, 1, __ATOMIC_RELAXED)) < j->count)
    j->work (j->data, i);
  return NULL;
}

static void
run_threads (void *user, void (*work) (void *data, unsigned index),
    void *data, unsigned count)
{
  unsigned n = *(unsigned *) user, i;
  pthread_t threads[MAX_THREADS];
  job j = { work, data, count, 0 };

  for (i = 1; i < n; i++)
    if (pthread_create (&threads[i], NULL, worker, &j) != 0)
      fail ("no threads");
  worker (&j);
  for (i = 1; i < n; i++)
    pthread_join (threads[i], NULL);
}

/* --- pictures ------------------------------------------------------------ */

static void
image_new (walloc_image * image, walloc_format format, unsigned width,
    unsigned height)
{
  unsigned p;

  memset (image, 0, sizeof *image);
  image->format = format;
  image->width = width;
  image->height = height;
  for (p = 0; p < walloc_format_planes (format); p++) {
    image->stride[p] = (ptrdiff_t) walloc_format_row_bytes (format, p, width);
    image->plane[p] = malloc ((size_t) image->stride[p] *
        walloc_format_rows (format, p, height));
    if (image->plane[p] == NULL)
      fail ("no memory");
  }
}

static void
image_free (walloc_image * image)
{
  unsigned p;

  for (p = 0; p < walloc_format_planes (image->format); p++)
    free (image->plane[p]);
}

static int
byte (double v)
{
  return v < 0 ? 0 : v > 255 ? 255 : (int) (v + 0.5);
}

/* RGB of a place, mirrored beyond the picture. */
static const uint8_t *
at (const uint8_t * rgb, unsigned width, unsigned height, unsigned x,
    unsigned y)
{
  x %= 2 * width;
  y %= 2 * height;
  x = x < width ? x : 2 * width - 1 - x;
  y = y < height ? y : 2 * height - 1 - y;
  return rgb + 3 * ((size_t) y * width + x);
}

static void
load (const char *path, walloc_format format, unsigned width, unsigned height,
    walloc_image * image)
{
  FILE *file = fopen (path, "rb");
  unsigned w, h, max, x, y, p, k;
  uint8_t *rgb;

  if (file == NULL || fscanf (file, "P6 %u %u %u", &w, &h, &max) != 3
      || max != 255 || w < 2 || h < 2 || w > 16384 || h > 16384)
    fail ("a picture is no PPM file of 8 bits");
  fgetc (file);
  rgb = malloc ((size_t) 3 * w * h);
  if (rgb == NULL || fread (rgb, 3 * (size_t) w, h, file) != h)
    fail ("a picture is cut short");
  fclose (file);
  image_new (image, format, width ? width : w, height ? height : h);
  for (y = 0; y < image->height; y++)
    for (x = 0; x < image->width; x++) {
      const uint8_t *c = at (rgb, w, h, x, y);

      if (format == WALLOC_FORMAT_RGB)
        memcpy (image->plane[0] + y * image->stride[0] + 3 * x, c, 3);
      else
        image->plane[0][y * image->stride[0] + x] =
            (uint8_t) byte (0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2]);
    }
  for (p = 1; p < walloc_format_planes (format); p++)
    for (y = 0; y < walloc_format_rows (format, p, image->height); y++)
      for (x = 0; x < (unsigned) image->stride[p]; x++) {
        double blue = 0, red = 0, luma = 0;

        for (k = 0; k < 4; k++) {
          const uint8_t *c = at (rgb, w, h, 2 * x + (k & 1), 2 * y + k / 2);

          luma += 0.25 * (0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2]);
          red += 0.25 * c[0];
          blue += 0.25 * c[2];
        }
        image->plane[p][y * image->stride[p] + x] = (uint8_t) byte (128 +
            (p == 1 ? (blue - luma) / 1.772 : (red - luma) / 1.402));
      }
  free (rgb);
}

static double
psnr (const walloc_image * a, const walloc_image * b)
{
  double sum = 0, n = 0;
  unsigned p, y;
  ptrdiff_t x;

  for (p = 0; p < walloc_format_planes (a->format); p++)
    for (y = 0; y < walloc_format_rows (a->format, p, a->height); y++)
      for (x = 0; x < a->stride[p]; x++) {
        double d = a->plane[p][y * a->stride[p] + x]
            - b->plane[p][y * b->stride[p] + x];

        sum += d * d;
        n++;
      }
  return 10 * log10 (255 * 255 * n / (sum + 1e-9));
}

/* --- measuring ------------------------------------------------------------ */

typedef struct
{
  double db, seconds, wall, pixels;
} cell;

static walloc_model *model;
static unsigned threads = 1;

/* One picture at one quality through all decoders; bits per pixel. */
static double
measure (const walloc_image * image, unsigned quality, cell * cells,
    const int *have)
{
  walloc_runner runner = { run_threads, &threads, threads };
  walloc_encode_params params;
  walloc_encoder *encoder;
  walloc_decoder *decoder;
  walloc_frame_info info;
  walloc_error error;
  walloc_image out;
  const uint8_t *data;
  size_t size = 0, k;
  double start, wall, bpp;

  if (walloc_encoder_new (model, NULL, NULL, &encoder, &error) != WALLOC_OK)
    fail (error.text);
  walloc_encode_params_init (&params);
  params.quality = quality;
  if (walloc_encoder_encode (encoder, image, &params, &data, &size, &info,
          &error) != WALLOC_OK)
    fail (error.text);
  image_new (&out, image->format, image->width, image->height);
  for (k = 0; k < ROWS; k++) {
    if (!have[k])
      continue;
    if (walloc_decoder_new (model, NULL, threads > 1 ? &runner : NULL, NULL,
            &decoder, &error) != WALLOC_OK)
      fail (error.text);
    walloc_decoder_set_precision (decoder, rows[k].precision, NULL);
    /* the second time everything is prepared */
    if (walloc_decoder_decode (decoder, data, size, rows[k].kind, &out, NULL,
            &error) != WALLOC_OK)
      fail (error.text);
    start = now (CLOCK_PROCESS_CPUTIME_ID);
    wall = now (CLOCK_MONOTONIC);
    walloc_decoder_decode (decoder, data, size, rows[k].kind, &out, NULL,
        &error);
    cells[k].seconds += now (CLOCK_PROCESS_CPUTIME_ID) - start;
    cells[k].wall += now (CLOCK_MONOTONIC) - wall;
    cells[k].pixels += (double) image->width * image->height;
    cells[k].db += psnr (image, &out);
    walloc_decoder_free (decoder);
  }
  bpp = 8.0 * (double) size / ((double) image->width * image->height);
  image_free (&out);
  walloc_encoder_free (encoder);
  return bpp;
}

/* dB of decoder k at a rate; not a number outside. */
static double
at_rate (const double *bpp, cell (*cells)[ROWS], unsigned n, size_t k,
    double rate)
{
  unsigned i;

  for (i = 0; i + 1 < n; i++) {
    double t = log (rate / bpp[i]) / log (bpp[i + 1] / bpp[i]);

    if (t >= 0 && t <= 1)
      return cells[i][k].db + t * (cells[i + 1][k].db - cells[i][k].db);
  }
  return NAN;
}

int
main (int argc, char **argv)
{
  static const double rates[] = { 0.1, 0.25, 0.5, 1.0, 1.5 };
  static cell cells[MAX_QUALITIES][ROWS];
  walloc_format format = WALLOC_FORMAT_RGB;
  unsigned quality[MAX_QUALITIES] = { 10, 20, 30, 40, 50, 60, 70, 80, 90 };
  unsigned n = 9, width = 0, height = 0, i, pictures = 0;
  double bpp[MAX_QUALITIES] = { 0 };
  int have[ROWS], a = 2;
  walloc_model_info info;
  walloc_error error;
  walloc_image image;
  const char *only = NULL;
  size_t k, r;
  char *p;

  if (argc < 3)
    fail ("MODEL.wlm [-f FORMAT] [-t THREADS] [-q Q,...] [-s WxH] [-d DECODER] PICTURES");
  for (; a + 1 < argc && argv[a][0] == '-'; a += 2) {
    if (argv[a][1] == 'f')
      format = strcmp (argv[a + 1], "I420") == 0 ? WALLOC_FORMAT_I420 :
          WALLOC_FORMAT_RGB;
    else if (argv[a][1] == 'd')
      only = argv[a + 1];
    else if (argv[a][1] == 't')
      threads = (unsigned) atoi (argv[a + 1]);
    else if (argv[a][1] == 's')
      sscanf (argv[a + 1], "%ux%u", &width, &height);
    else if (argv[a][1] == 'q')
      for (n = 0, p = argv[a + 1]; *p != 0 && n < MAX_QUALITIES; p += *p == ',')
        quality[n++] = (unsigned) strtoul (p, &p, 10);
    else
      fail ("no such option");
  }
  if (threads < 1 || threads > MAX_THREADS)
    fail ("1 to 16 threads");
  if (walloc_model_load (argv[1], NULL, &model, &error) != WALLOC_OK)
    fail (error.text);
  walloc_model_get_info (model, &info);
  for (k = 0; k < ROWS; k++)
    have[k] = (info.decoders >> rows[k].kind & 1) &&
        (only == NULL || strncmp (only, rows[k].name, strlen (only)) == 0);
  for (k = 0; k < ROWS && !have[k]; k++);
  if (k == ROWS)
    fail ("the model has no such decoder; names are those of the rows, as "
        "'fast int8', or their beginning");
  for (; a < argc; a++, pictures++) {
    load (argv[a], format, width, height, &image);
    for (i = 0; i < n; i++)
      bpp[i] += measure (&image, quality[i], cells[i], have);
    image_free (&image);
  }
  if (pictures == 0)
    fail ("no pictures");
  printf ("%u pictures, %s, %u threads\n", pictures,
      walloc_format_name (format), threads);
  for (i = 0; i < n; i++) {
    bpp[i] /= pictures;
    for (k = 0; k < ROWS; k++) {
      cell *c = &cells[i][k];

      c->db /= pictures;
      if (have[k])
        printf ("quality %3u %.4f bpp  %-10s %7.3f dB  %7.2f Mpixel/s of "
            "processor time, %7.2f of time\n", quality[i], bpp[i],
            rows[k].name, c->db, 1e-6 * c->pixels / c->seconds,
            1e-6 * c->pixels / c->wall);
    }
  }
  printf ("%-10s", "dB at bpp");
  for (r = 0; r < sizeof rates / sizeof *rates; r++)
    printf (" %8.2f", rates[r]);
  for (k = 0; k < ROWS; k++) {
    if (!have[k])
      continue;
    printf ("\n%-10s", rows[k].name);
    for (r = 0; r < sizeof rates / sizeof *rates; r++)
      printf (" %8.3f", at_rate (bpp, cells, n, k, rates[r]));
  }
  printf ("\n");
  walloc_model_unref (model);
  return 0;
}
