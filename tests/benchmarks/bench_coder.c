/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Size and speed of the latent coder in one thread, in processor time, and of
 * lossless WebP on the same 8-bit latents.
 * Usage: bench_coder MODEL.wlm QUALITY CHANNELS SECONDS PICTURE.ppm ...
 * One line of JSON per picture. CHANNELS 0: as many as the quality has. WebP
 * (libwebp, method 4, one thread) gets 12 channels of a model of kind
 * reference as the published codec packs them: 128 added, four channels side
 * by side in each of red, green and blue. Each time is the median of several
 * runs, of SECONDS together. */
#include <walloc/decoder.h>
#include <walloc/encoder.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec/layout.h"
#include "entropy/slice.h"
#ifdef HAVE_WEBP
# include <webp/decode.h>
# include <webp/encode.h>
#endif

#define MOST_RUNS 2000
#define LEAST_RUNS 5
#define WEBP_CHANNELS 12

/* One picture's latents in slices, as encoder and decoder cut them. */
typedef struct
{
  walloc_slice_coder coder;
  walloc_slice *slice;
  int16_t **planes;
  uint8_t **bytes;              /* coded slices, at the end of each buffer */
  size_t *room, *size;
  unsigned slices, lanes;       /* lanes: slices decoded at once */
  uint8_t present[WALLOC_MODEL_MAX_CHANNELS];
  uint8_t *scratch;
} sliced;

static double
cpu_time (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static void
fail (const char *what)
{
  fprintf (stderr, "bench_coder: %s\n", what);
  exit (1);
}

static int
compare (const void *a, const void *b)
{
  double d = *(const double *) a - *(const double *) b;

  return d < 0 ? -1 : d > 0;
}

/* Median processor time of one call. */
static double
time_of (void (*call) (void *), void *data, double seconds)
{
  static double runs[MOST_RUNS];
  double total = 0, start;
  unsigned n = 0;

  call (data);
  while (n < MOST_RUNS && (total < seconds || n < LEAST_RUNS)) {
    start = cpu_time ();
    call (data);
    runs[n] = cpu_time () - start;
    total += runs[n++];
  }
  qsort (runs, n, sizeof *runs, compare);
  return runs[n / 2];
}

static uint8_t *
load_ppm (const char *path, walloc_image * image)
{
  FILE *file = fopen (path, "rb");
  unsigned max;
  size_t size;
  uint8_t *data;

  memset (image, 0, sizeof *image);
  if (file == NULL || fscanf (file, "P6 %u %u %u", &image->width,
          &image->height, &max) != 3 || max != 255)
    fail ("a picture is no PPM file");
  fgetc (file);
  size = (size_t) image->width * image->height * 3;
  data = malloc (size);
  if (data == NULL || fread (data, size, 1, file) != 1)
    fail ("a picture is cut short");
  fclose (file);
  image->format = WALLOC_FORMAT_RGB;
  image->plane[0] = data;
  image->stride[0] = (ptrdiff_t) image->width * 3;
  return data;
}

static void
slice_latents (sliced * s, walloc_model * model,
    const walloc_frame_info * info, const walloc_latents * latents)
{
  unsigned i, c, y, rows;
  size_t scratch = (walloc_slice_scratch (model, latents->width,
          info->slice_rows, info->channels, WALLOC_SLICE_BOTH) + 63) / 64 * 64;
  walloc_slice *slice;

  walloc_layout_present (model, WALLOC_SAMPLING_444, info->channels,
      s->present);
  walloc_slice_coder_init (&s->coder, model, info->set, info->channels,
      s->present);
  walloc_slice_coder_layers (&s->coder, info->layers, info->layer_end);
  s->slices = info->slices;
  s->slice = calloc (s->slices, sizeof *s->slice);
  s->planes = calloc (s->slices, sizeof *s->planes);
  s->bytes = calloc (s->slices, sizeof *s->bytes);
  s->room = calloc (s->slices, sizeof *s->room);
  s->size = calloc (s->slices * WALLOC_SLICE_LAYERS, sizeof *s->size);
  s->lanes = WALLOC_ROWS_LANES;
  s->scratch = aligned_alloc (64, scratch * WALLOC_ROWS_LANES);
  for (i = 0; i < s->slices; i++) {
    slice = &s->slice[i];
    rows = latents->height - i * info->slice_rows;
    rows = rows > info->slice_rows ? info->slice_rows : rows;
    slice->width = latents->width;
    slice->rows = rows;
    slice->stride = walloc_slice_stride (slice->width);
    slice->plane_stride = walloc_slice_plane_stride (slice->width, rows);
    s->planes[i] = calloc (walloc_slice_elements (slice->width, rows,
            info->channels), sizeof *s->planes[i]);
    slice->planes = s->planes[i] + walloc_slice_origin (slice->width);
    slice->scratch = s->scratch + i % s->lanes * scratch;
    s->room[i] = walloc_slice_worst (slice->width, rows, info->channels);
    s->bytes[i] = malloc (s->room[i]);
    for (c = 0; c < info->channels; c++)
      for (y = 0; y < rows; y++)
        memcpy (slice->planes + c * slice->plane_stride + y * slice->stride,
            latents->data + ((size_t) c * latents->height +
                i * info->slice_rows + y) * latents->width,
            latents->width * sizeof *slice->planes);
  }
}

static void
clear (sliced * s)
{
  unsigned i;

  for (i = 0; i < s->slices; i++) {
    free (s->planes[i]);
    free (s->bytes[i]);
  }
  free (s->slice);
  free (s->planes);
  free (s->bytes);
  free (s->room);
  free (s->size);
  free (s->scratch);
}

static void
encode_all (void *data)
{
  sliced *s = data;
  unsigned i;

  for (i = 0; i < s->slices; i++)
    if (walloc_slice_encode (&s->coder, &s->slice[i], s->bytes[i],
            s->room[i], s->size + i * WALLOC_SLICE_LAYERS) != WALLOC_OK)
      fail ("a slice was not encoded");
}

static void
decode_all (void *data)
{
  sliced *s = data;
  walloc_slice *slice[WALLOC_ROWS_LANES];
  walloc_result result[WALLOC_ROWS_LANES];
  size_t size[WALLOC_ROWS_LANES];
  const uint8_t *at[WALLOC_ROWS_LANES];
  unsigned i, n, k;

  for (i = 0; i < s->slices; i += n) {
    n = s->slices - i < s->lanes ? s->slices - i : s->lanes;
    for (k = 0; k < n; k++) {
      slice[k] = &s->slice[i + k];
      size[k] = s->size[(i + k) * WALLOC_SLICE_LAYERS];
      at[k] = s->bytes[i + k] + s->room[i + k] - size[k];
    }
    walloc_slice_decode_several (&s->coder, slice, n, 0, at, size, result);
    for (k = 0; k < n; k++)
      if (result[k] != WALLOC_OK)
        fail ("a slice was not decoded");
  }
}

#ifdef HAVE_WEBP
typedef struct
{
  uint8_t *rgb, *back;
  int width, height;
  uint8_t *data;
  size_t size;
} packed;

static void
webp_encode (void *data)
{
  packed *p = data;
  WebPConfig config;
  WebPPicture picture;
  WebPMemoryWriter writer;

  if (!WebPConfigInit (&config) || !WebPPictureInit (&picture))
    fail ("libwebp is another version");
  config.lossless = 1;
  config.method = 4;
  config.quality = 75;
  config.exact = 1;
  picture.use_argb = 1;
  picture.width = p->width;
  picture.height = p->height;
  WebPMemoryWriterInit (&writer);
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &writer;
  if (!WebPPictureImportRGB (&picture, p->rgb, 3 * p->width) ||
      !WebPEncode (&config, &picture))
    fail ("libwebp did not encode");
  WebPPictureFree (&picture);
  WebPFree (p->data);
  p->data = writer.mem;
  p->size = writer.size;
}

static void
webp_decode (void *data)
{
  packed *p = data;

  if (WebPDecodeRGBInto (p->data, p->size, p->back,
          3 * (size_t) p->width * (size_t) p->height, 3 * p->width) == NULL)
    fail ("libwebp did not decode");
}

static void
run_webp (const walloc_latents * l, double seconds)
{
  packed p = { NULL, NULL, 2 * (int) l->width, 2 * (int) l->height, NULL, 0 };
  size_t bytes = 12 * (size_t) l->width * l->height;
  double encode, decode;
  unsigned c, y, x;

  p.rgb = malloc (bytes);
  p.back = malloc (bytes);
  for (c = 0; c < WEBP_CHANNELS; c++)
    for (y = 0; y < l->height; y++)
      for (x = 0; x < l->width; x++)
        p.rgb[3 * (((c >> 1 & 1) * l->height + y) * 2 * l->width +
                (c & 1) * l->width + x) + c / 4] =
            (uint8_t) (l->data[((size_t) c * l->height + y) * l->width + x] +
            128);
  encode = time_of (webp_encode, &p, seconds);
  decode = time_of (webp_decode, &p, seconds);
  if (memcmp (p.rgb, p.back, bytes) != 0)
    fail ("WebP is not lossless");
  printf (", \"webp_bytes\": %zu, \"webp_encode\": %.9f, \"webp_decode\": "
      "%.9f", p.size, encode, decode);
  WebPFree (p.data);
  free (p.rgb);
  free (p.back);
}
#endif

static void
run (walloc_model * model, unsigned quality, unsigned channels,
    double seconds, const char *path)
{
  walloc_encoder *encoder;
  walloc_decoder *decoder;
  walloc_encode_params params;
  walloc_frame_info info;
  walloc_latents latents;
  walloc_image image;
  walloc_error error;
  const uint8_t *data;
  uint8_t *samples = load_ppm (path, &image);
  size_t size, i;
  double encode, decode, symbols;
  uint64_t bytes = 0;
  sliced s;
  int16_t *copy;

  walloc_encode_params_init (&params);
  params.quality = quality;
  params.channels = channels;
  params.layers = 1;
  if (walloc_encoder_new (model, NULL, NULL, &encoder, &error) != WALLOC_OK ||
      walloc_decoder_new (model, NULL, NULL, NULL, &decoder, &error) !=
      WALLOC_OK || walloc_encoder_encode (encoder, &image, &params, &data,
          &size, &info, &error) != WALLOC_OK || walloc_decoder_latents (decoder,
          data, size, &latents, NULL, &error) != WALLOC_OK)
    fail (error.text);
  slice_latents (&s, model, &info, &latents);
  encode = time_of (encode_all, &s, seconds);
  i = walloc_slice_elements (s.slice[0].width, s.slice[0].rows, info.channels);
  copy = malloc (i * sizeof *copy);
  memcpy (copy, s.planes[0], i * sizeof *copy);
  decode = time_of (decode_all, &s, seconds);
  if (memcmp (copy, s.planes[0], i * sizeof *copy) != 0)
    fail ("a slice comes back as another");
  free (copy);
  for (i = 0; i < s.slices; i++)
    bytes += s.size[i * WALLOC_SLICE_LAYERS];
  symbols = (double) latents.width * latents.height * info.channels;
  printf ("{\"file\": \"%s\", \"pixels\": %u, \"channels\": %u, "
      "\"latents\": %.0f, \"bytes\": %llu, \"encode\": %.9f, \"decode\": %.9f",
      path, image.width * image.height, info.channels, symbols,
      (unsigned long long) bytes, encode, decode);
#ifdef HAVE_WEBP
  if (model->info.kind == WALLOC_MODEL_REFERENCE &&
      info.channels == WEBP_CHANNELS && model->latent_bits == 8)
    run_webp (&latents, seconds);
#endif
  printf ("}\n");
  fflush (stdout);
  clear (&s);
  free (samples);
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

int
main (int argc, char **argv)
{
  walloc_model *model;
  walloc_error error;
  int i;

  if (argc < 6) {
    fprintf (stderr, "usage: bench_coder MODEL.wlm QUALITY CHANNELS SECONDS "
        "PICTURE.ppm ...\n");
    return 2;
  }
  if (walloc_model_load (argv[1], NULL, &model, &error) != WALLOC_OK)
    fail (error.text);
  for (i = 5; i < argc; i++)
    run (model, (unsigned) atoi (argv[2]), (unsigned) atoi (argv[3]),
        atof (argv[4]), argv[i]);
  walloc_model_unref (model);
  return 0;
}
