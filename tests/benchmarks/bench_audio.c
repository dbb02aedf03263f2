/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The codec of sound on recordings in memory: rate, signal to noise ratio and
 * speed, without GStreamer.
 *
 * usage: bench_audio [-q QUALITY | -s STEP_INDEX | -d DOWN] [-c COLUMNS]
 *          [-n CHANNELS] [-r RATE] [-R ROUNDS] [-k linear|fast|best] [-o PREFIX]
 *          MODEL FILE...
 * Each FILE holds interleaved 16-bit samples. DOWN: 1/16 octaves that the step
 * is below the RMS of the whole file (negative: above), the same for all of it. Prints a line of
 * JSON for each file; -o writes what was decoded to PREFIX0000.raw and so on.
 * Speed is processor time against the time of the recording, the best of all
 * rounds. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <walloc/audio.h>

static double
seconds (void)
{
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static void
die (const char *what, const char *why)
{
  fprintf (stderr, "bench_audio: %s: %s\n", what, why);
  exit (1);
}

typedef struct
{
  unsigned channels, columns, rate, rounds;
  walloc_audio_params params;
  int down;                     /* INT_MIN: not given */
  walloc_decoder_kind kind;
  walloc_model *model;
} options;

static int16_t *
read_file (const char *path, size_t padding, size_t *samples)
{
  FILE *file = fopen (path, "rb");
  int16_t *data;
  long size;

  if (file == NULL || fseek (file, 0, SEEK_END) != 0 ||
      (size = ftell (file)) < 2)
    die (path, "cannot be read");
  rewind (file);
  *samples = (size_t) size / 2;
  data = calloc (*samples + padding, 2);
  if (data == NULL || fread (data, 2, *samples, file) != *samples)
    die (path, "cannot be read");
  fclose (file);
  return data;
}

static double
power (const int16_t * x, const int16_t * y, size_t n)
{
  double sum = 0, d;
  size_t i;

  for (i = 0; i < n; i++) {
    d = x[i] - (y != NULL ? y[i] : 0);
    sum += d * d;
  }
  return sum / (double) (n > 0 ? n : 1);
}

static void
run (const options * o, const char *path, const char *save)
{
  const size_t block = (size_t) o->columns * WALLOC_AUDIO_COLUMN *
      o->channels, delay = (size_t) walloc_audio_delay (o->model) * o->channels;
  double encode = 1e9, decode = 1e9, begin, signal, noise, length;
  walloc_audio_params params = o->params;
  size_t n, blocks, k, bytes = 0, size;
  walloc_audio_encoder *encoder;
  walloc_audio_decoder *decoder;
  uint8_t **frame;
  size_t *frame_size;
  int16_t *in = read_file (path, 2 * block + delay, &n), *out;
  const uint8_t *data;
  walloc_error error;
  unsigned turn;
  FILE *file;

  blocks = (n + delay + block - 1) / block;
  frame = calloc (blocks, sizeof *frame);
  frame_size = calloc (blocks, sizeof *frame_size);
  out = calloc (blocks * block, sizeof *out);
  signal = power (in, NULL, n);
  if (o->down != INT_MIN) {
    params.use_step = 1;
    k = (size_t) fmax (0, lrint (16 * log2 (64 * sqrt (signal) + 1)) - o->down);
    params.step_index = (unsigned) (k > 352 ? 352 : k);
  }
  if (walloc_audio_encoder_new (o->model, NULL, o->rate, o->channels,
          o->columns, &encoder, &error) != WALLOC_OK ||
      walloc_audio_decoder_new (o->model, NULL, &decoder, &error) != WALLOC_OK
      || walloc_audio_decoder_set_kind (decoder, o->kind, &error) != WALLOC_OK)
    die (path, error.text);
  for (turn = 0; turn < o->rounds; turn++) {
    walloc_audio_encoder_reset (encoder);
    walloc_audio_decoder_reset (decoder);
    bytes = 0;
    begin = seconds ();
    for (k = 0; k < blocks; k++) {
      if (walloc_audio_encoder_encode (encoder, in + k * block,
              WALLOC_SAMPLES_S16, &params, &data, &size, NULL,
              &error) != WALLOC_OK)
        die (path, error.text);
      if (frame[k] == NULL)
        frame[k] = malloc (size);
      memcpy (frame[k], data, size);
      frame_size[k] = size;
      bytes += size;
    }
    encode = fmin (encode, seconds () - begin);
    begin = seconds ();
    for (k = 0; k < blocks; k++)
      if (walloc_audio_decoder_decode (decoder, frame[k], frame_size[k],
              WALLOC_SAMPLES_S16, out + k * block, block, NULL, NULL,
              &error) != WALLOC_OK)
        die (path, error.text);
    decode = fmin (decode, seconds () - begin);
  }
  noise = power (in, out + delay, n);
  length = (double) (n / o->channels) / o->rate;
  printf ("{\"file\": \"%s\", \"seconds\": %.3f, \"kbit_s\": %.3f, "
      "\"snr_db\": %.3f, \"encode_x\": %.0f, \"decode_x\": %.0f}\n", path,
      length, (double) bytes * 8e-3 / length,
      10 * log10 (signal / fmax (noise, 1e-9)), length / encode,
      length / decode);
  if (save != NULL) {
    file = fopen (save, "wb");
    if (file == NULL || fwrite (out + delay, 2, n, file) != n)
      die (save, "cannot be written");
    fclose (file);
  }
  walloc_audio_encoder_free (encoder);
  walloc_audio_decoder_free (decoder);
  for (k = 0; k < blocks; k++)
    free (frame[k]);
  free (frame);
  free (frame_size);
  free (in);
  free (out);
}

int
main (int argc, char **argv)
{
  options o = { 2, 32, 44100, 1, {0}, INT_MIN, WALLOC_DECODER_LINEAR, NULL };
  const char *prefix = NULL;
  walloc_error error;
  char save[4096];
  int option, i;

  walloc_audio_params_init (&o.params);
  while ((option = getopt (argc, argv, "q:s:d:c:n:r:R:k:o:")) != -1) {
    switch (option) {
      case 'q':
        o.params.quality = (unsigned) atoi (optarg);
        break;
      case 's':
        o.params.use_step = 1;
        o.params.step_index = (unsigned) atoi (optarg);
        break;
      case 'd':
        o.down = atoi (optarg);
        break;
      case 'c':
        o.columns = (unsigned) atoi (optarg);
        break;
      case 'n':
        o.channels = (unsigned) atoi (optarg);
        break;
      case 'r':
        o.rate = (unsigned) atoi (optarg);
        break;
      case 'R':
        o.rounds = (unsigned) atoi (optarg);
        break;
      case 'k':
        if (strcmp (optarg, "fast") == 0)
          o.kind = WALLOC_DECODER_FAST;
        else if (strcmp (optarg, "best") == 0)
          o.kind = WALLOC_DECODER_BEST;
        else if (strcmp (optarg, "linear") != 0)
          die (optarg, "not linear, fast or best");
        break;
      case 'o':
        prefix = optarg;
        break;
      default:
        return 2;
    }
  }
  if (argc - optind < 2) {
    fprintf (stderr, "usage: %s [options] MODEL FILE...\n", argv[0]);
    return 2;
  }
  if (walloc_model_load (argv[optind], NULL, &o.model, &error) != WALLOC_OK)
    die (argv[optind], error.text);
  for (i = optind + 1; i < argc; i++) {
    if (prefix != NULL)
      snprintf (save, sizeof save, "%s%04d.raw", prefix, i - optind - 1);
    run (&o, argv[i], prefix != NULL ? save : NULL);
  }
  walloc_model_unref (o.model);
  return 0;
}
