/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Embeds libwalloc alone: a PPM or PGM file to .wlc, or back.
 *
 *     cc roundtrip.c -o roundtrip $(pkg-config --cflags --libs walloc)
 *     ./roundtrip model.wlm photo.ppm photo.wlc
 *     ./roundtrip model.wlm photo.wlc copy.ppm
 *
 * In the build tree it is examples/library/roundtrip. The model knows all
 * sizes and rates; there is no other setting than a quality of 1 to 100. */
#include <walloc/decoder.h>
#include <walloc/encoder.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
die (const char *what, const char *why)
{
  fprintf (stderr, "roundtrip: %s: %s\n", what, why);
  exit (1);
}

/* The library fills in a sentence that says what is wrong. */
static void
check (const char *what, walloc_result result, const walloc_error * error)
{
  if (result != WALLOC_OK)
    die (what, error->text);
}

static uint8_t *
load (const char *path, size_t *size)
{
  FILE *file = fopen (path, "rb");
  uint8_t *data = NULL;
  long end;

  if (file == NULL || fseek (file, 0, SEEK_END) != 0 ||
      (end = ftell (file)) <= 0)
    die (path, "cannot be read");
  rewind (file);
  *size = (size_t) end;
  data = malloc (*size);
  if (data == NULL || fread (data, *size, 1, file) != 1)
    die (path, "cannot be read");
  fclose (file);
  return data;
}

static void
store (const char *path, const char *head, const uint8_t * data, size_t size)
{
  FILE *file = fopen (path, "wb");

  if (file == NULL || fputs (head, file) < 0 ||
      fwrite (data, size, 1, file) != 1 || fclose (file) != 0)
    die (path, "cannot be written");
}

/* An image is a view of memory that belongs to the program: here the samples
 * behind the header of a PNM file without comments. */
static void
encode (walloc_model * model, uint8_t * pnm, size_t size, const char *path)
{
  walloc_encoder *encoder;
  walloc_encode_params params;
  walloc_image image = { 0 };
  walloc_error error;
  const uint8_t *frame;
  size_t frame_size;
  char head[64] = { 0 };
  unsigned most = 0;
  int at = 0;

  memcpy (head, pnm, size < 63 ? size : 63);
  image.format = head[1] == '6' ? WALLOC_FORMAT_RGB : WALLOC_FORMAT_GRAY8;
  if (sscanf (head + 2, "%u %u %u%n", &image.width, &image.height, &most,
          &at) != 3 || most != 255 || image.width > WALLOC_MAX_SIZE ||
      image.height > WALLOC_MAX_SIZE)
    die (path, "the input is no 8-bit PPM or PGM picture");
  image.plane[0] = pnm + 2 + at + 1;
  image.stride[0] = (ptrdiff_t) walloc_format_row_bytes (image.format, 0,
      image.width);
  if ((size_t) (2 + at + 1) + (size_t) image.stride[0] * image.height > size)
    die (path, "the input is cut short");

  check ("encoder", walloc_encoder_new (model, NULL, NULL, &encoder, &error),
      &error);
  walloc_encode_params_init (&params);
  params.quality = 60;
  check ("encode", walloc_encoder_encode (encoder, &image, &params, &frame,
          &frame_size, NULL, &error), &error);
  /* the frame belongs to the encoder until its next call */
  store (path, "", frame, frame_size);
  printf ("%ux%u: %zu bytes, %.3f bits per pixel\n", image.width,
      image.height, frame_size,
      8.0 * (double) frame_size / image.width / image.height);
  walloc_encoder_free (encoder);
}

static void
decode (walloc_model * model, const uint8_t * frame, size_t size,
    const char *path)
{
  walloc_decoder *decoder;
  walloc_frame_info info;
  walloc_image image = { 0 };
  walloc_error error;
  unsigned damaged;
  char head[64];

  /* a header alone tells what to make room for */
  check ("header", walloc_frame_parse (frame, size, &info, &error), &error);
  image.format = info.format >= WALLOC_FORMAT_Y444 ? WALLOC_FORMAT_RGB :
      WALLOC_FORMAT_GRAY8;
  image.width = info.width;
  image.height = info.height;
  image.stride[0] = (ptrdiff_t) walloc_format_row_bytes (image.format, 0,
      image.width);
  image.plane[0] = malloc ((size_t) image.stride[0] * image.height);
  if (image.plane[0] == NULL)
    die (path, "no memory");

  check ("decoder", walloc_decoder_new (model, NULL, NULL, NULL, &decoder,
          &error), &error);
  check ("decode", walloc_decoder_decode (decoder, frame, size,
          WALLOC_DECODER_AUTO, &image, &damaged, &error), &error);
  if (damaged > 0)
    printf ("%u of %u slices were damaged\n", damaged, info.slices);
  snprintf (head, sizeof head, "P%c\n%u %u\n255\n",
      image.format == WALLOC_FORMAT_RGB ? '6' : '5', image.width, image.height);
  store (path, head, image.plane[0], (size_t) image.stride[0] * image.height);
  walloc_decoder_free (decoder);
  free (image.plane[0]);
}

int
main (int argc, char **argv)
{
  walloc_model *model;
  walloc_error error;
  uint8_t *data;
  size_t size;

  if (argc != 4) {
    fprintf (stderr, "usage: roundtrip MODEL.wlm IN OUT  (PPM or PGM to .wlc, "
        "or .wlc to PPM or PGM)\n");
    return 2;
  }
  check (argv[1], walloc_model_load (argv[1], NULL, &model, &error), &error);
  data = load (argv[2], &size);
  if (size > 4 && memcmp (data, "WLC1", 4) == 0)
    decode (model, data, size, argv[3]);
  else if (size > 8 && data[0] == 'P' && (data[1] == '5' || data[1] == '6'))
    encode (model, data, size, argv[3]);
  else
    die (argv[2], "neither a walloc frame nor a PPM or PGM picture");
  free (data);
  walloc_model_unref (model);
  return 0;
}
