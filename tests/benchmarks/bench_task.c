/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A task on latents against the same task on decoded pixels or samples, from
 * the coded frame to the network's output: processor time, multiply-adds and
 * memory, side by side in one run.
 * Usage: bench_task [-r ROUNDS] [-d linear|fast] [-p PIXELS.onnx]
 *   [-s WxH] [-f f32|fastest] MODEL.wlm TASK.onnx FILE.wlc
 * Each frame of FILE.wlc (all of one size) goes both ways, one after the other:
 * entropy decoding of as many channels as the network reads, and the network;
 * decoding to RGB, conversion to floats (bilinear, when -s gives another
 * size) and the network of PIXELS.onnx, whose input is [1, 3, height, width].
 * Of sound: windows of the task's columns, and [1, samples] or
 * [1, 1, samples]. Prints one JSON object: medians over frames and rounds, of
 * one thread. */
#include <walloc/audio.h>
#include <walloc/decoder.h>
#include <walloc/task.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_FRAMES 4096
#define MAX_ROUNDS 100

static walloc_error error;

static void
fail (const char *what)
{
  fprintf (stderr, "bench_task: %s\n", what);
  exit (1);
}

static void
check (walloc_result result, const char *what)
{
  if (result == WALLOC_OK)
    return;
  fprintf (stderr, "bench_task: %s: %s\n", what, error.text);
  exit (1);
}

static double
now (void)
{
  struct timespec t;

  /* processor time: other work on the machine does not count */
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static uint8_t *
read_file (const char *path, size_t *size)
{
  FILE *f = fopen (path, "rb");
  uint8_t *bytes = NULL;
  long n;

  if (f != NULL && fseek (f, 0, SEEK_END) == 0 && (n = ftell (f)) > 0
      && fseek (f, 0, SEEK_SET) == 0 && (bytes = malloc ((size_t) n)) != NULL)
    *size = fread (bytes, 1, (size_t) n, f);
  if (f != NULL)
    fclose (f);
  if (bytes == NULL)
    fail (path);
  return bytes;
}

/* --- memory ---------------------------------------------------------------- */

/* what a context holds, and held at most */
typedef struct
{
  size_t bytes, most;
} memory;

static void *
counted_alloc (void *user, size_t size)
{
  memory *m = user;
  size_t *block = malloc (size + 64);

  if (block == NULL)
    return NULL;
  *block = size;
  m->bytes += size;
  m->most = m->bytes > m->most ? m->bytes : m->most;
  return (char *) block + 64;
}

static void
counted_free (void *user, void *block)
{
  size_t *start;

  if (block == NULL)
    return;
  start = (size_t *) ((char *) block - 64);
  ((memory *) user)->bytes -= *start;
  free (start);
}

/* --- figures ---------------------------------------------------------------- */

typedef struct
{
  double *values;
  size_t n;
} series;

static int
order (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

static void
add (series * s, double value)
{
  if (s->values == NULL)
    s->values = malloc (sizeof (double) * MAX_FRAMES * MAX_ROUNDS);
  if (s->values == NULL || s->n == MAX_FRAMES * MAX_ROUNDS)
    fail ("too many frames");
  s->values[s->n++] = value;
}

/* in ms */
static double
median (series * s)
{
  if (s->n == 0)
    return 0;
  qsort (s->values, s->n, sizeof (double), order);
  return 1e3 * 0.5 * (s->values[s->n / 2] + s->values[(s->n - 1) / 2]);
}

/* --- the other way: pixels or samples ---------------------------------------- */

typedef struct
{
  walloc_net *net;
  memory held;
  walloc_allocator allocator;
  float *in, *out[8];
  size_t values;
  unsigned outputs;
} other;

static void
other_prepare (other * o, const char *path, walloc_net_precision precision,
    unsigned channels, unsigned height, unsigned width)
{
  walloc_net_shape shape;
  size_t size, n;
  uint8_t *bytes = read_file (path, &size);
  unsigned i, k;

  o->allocator = (walloc_allocator) {
  counted_alloc, counted_free, &o->held, 0};
  check (walloc_net_load (&o->net, bytes, size, WALLOC_NET_AUTO, &o->allocator,
          NULL, &error), path);
  free (bytes);
  if (walloc_net_inputs (o->net) != 1)
    fail ("the network on pixels or samples must have one input");
  walloc_net_input (o->net, 0, &shape);
  if (channels > 0) {
    if (shape.rank != 4)
      fail ("the network on pixels must take [1, 3, height, width]");
    shape.dims[1] = channels;
    shape.dims[2] = height;
  }
  shape.dims[0] = 1;
  for (i = 1; i + 1 < shape.rank && channels == 0; i++)
    shape.dims[i] = 1;
  shape.dims[shape.rank - 1] = width;
  check (walloc_net_set_precision (o->net, precision, &error), path);
  check (walloc_net_prepare (o->net, &shape, 1, &error), path);
  for (i = 0, o->values = 1; i < shape.rank; i++)
    o->values *= (size_t) shape.dims[i];
  o->in = calloc (o->values, sizeof (float));
  o->outputs = walloc_net_outputs (o->net);
  for (i = 0; i < o->outputs && i < 8; i++) {
    walloc_net_output (o->net, i, &shape);
    for (k = 0, n = 1; k < shape.rank; k++)
      n *= (size_t) shape.dims[k];
    o->out[i] = malloc (n * sizeof (float));
  }
}

static void
other_run (other * o)
{
  const float *in = o->in;

  check (walloc_net_run (o->net, &in, 1, o->out, o->outputs, NULL, &error),
      "network on pixels or samples");
}

/* RGB bytes to planes of floats of 0 to 1, bilinear to another size */
static void
to_planes (const uint8_t * rgb, unsigned w, unsigned h, float *out,
    unsigned width, unsigned height)
{
  unsigned x, y, c;

  if (w == width && h == height) {
    for (c = 0; c < 3; c++)
      for (x = 0; x < w * h; x++)
        out[(size_t) c * w * h + x] = (float) rgb[3 * (size_t) x + c] / 255;
    return;
  }
  for (y = 0; y < height; y++) {
    float v = ((float) y + 0.5f) * (float) h / (float) height - 0.5f;
    unsigned y0 = v < 0 ? 0 : (unsigned) v, y1 = y0 + 1 < h ? y0 + 1 : y0;
    float b = v < 0 ? 0 : v - (float) y0;

    for (x = 0; x < width; x++) {
      float u = ((float) x + 0.5f) * (float) w / (float) width - 0.5f;
      unsigned x0 = u < 0 ? 0 : (unsigned) u, x1 = x0 + 1 < w ? x0 + 1 : x0;
      float a = u < 0 ? 0 : u - (float) x0;

      for (c = 0; c < 3; c++) {
        float t = (1 - a) * rgb[3 * ((size_t) y0 * w + x0) + c] +
            a * rgb[3 * ((size_t) y0 * w + x1) + c];
        float d = (1 - a) * rgb[3 * ((size_t) y1 * w + x0) + c] +
            a * rgb[3 * ((size_t) y1 * w + x1) + c];

        out[((size_t) c * height + y) * width + x] =
            ((1 - b) * t + b * d) / 255;
      }
    }
  }
}

/* --- both ways ---------------------------------------------------------------- */

typedef struct
{
  const uint8_t *data;
  size_t size;
  walloc_frame_info info;
} frame;

static frame frames[MAX_FRAMES];
static unsigned n_frames;
static series entropy, net, whole, decode, convert, pixel_net, pixel_whole;
static memory task_held, decoder_held;
static walloc_task *task;
static walloc_task_info task_info;
static double task_work;        /* of all runs that count */
static other pixels;

/* The first round prepares, and does not count. */
static void
forget (void)
{
  task_work = entropy.n = net.n = whole.n = decode.n = convert.n =
      pixel_net.n = pixel_whole.n = 0;
}

/* What a reader does with the output: labels or a mask of the grid. */
static void
finish (void)
{
  static uint8_t mask[2048 * 2048];
  walloc_task_class best[5];
  unsigned n = 5, width, height;

  if (task_info.kind == WALLOC_TASK_CLASSIFY)
    check (walloc_task_classify (task, best, &n, &error), "classes");
  if (task_info.kind == WALLOC_TASK_SEGMENT) {
    walloc_task_mask_size (task, &width, &height);
    if ((size_t) width * height <= sizeof mask)
      check (walloc_task_mask (task, 0, width, height, mask, width, NULL,
              NULL, &error), "mask");
  }
}

static void
picture_latents (walloc_decoder * decoder, const frame * f)
{
  walloc_latents latents;
  double t0, t1;

  /* pipelines keep a prepared copy for each size of grid */
  check (walloc_task_prepare_picture (task, f->info.width, f->info.height,
          f->info.scale, &error), "preparing");
  task_work += (double) walloc_task_work (task);
  t0 = now ();
  check (walloc_decoder_latents (decoder, f->data, f->size, &latents, NULL,
          &error), "latents");
  t1 = now ();
  check (walloc_task_run (task, &latents, f->info.scale, NULL, &error),
      "network on latents");
  finish ();
  add (&entropy, t1 - t0);
  add (&net, now () - t1);
  add (&whole, now () - t0);
}

static void
picture_pixels (walloc_decoder * decoder, walloc_decoder_kind kind,
    const frame * f, uint8_t * rgb, unsigned width, unsigned height)
{
  walloc_image image = { 0 };
  double t0 = now (), t1, t2;

  image.format = WALLOC_FORMAT_RGB;
  image.width = f->info.width;
  image.height = f->info.height;
  image.plane[0] = rgb;
  image.stride[0] = 3 * (ptrdiff_t) f->info.width;
  check (walloc_decoder_decode (decoder, f->data, f->size, kind, &image, NULL,
          &error), "decoding (frames must be of format RGB)");
  t1 = now ();
  to_planes (rgb, f->info.width, f->info.height, pixels.in, width, height);
  t2 = now ();
  other_run (&pixels);
  add (&decode, t1 - t0);
  add (&convert, t2 - t1);
  add (&pixel_net, now () - t2);
  add (&pixel_whole, now () - t0);
}

static void
bench_pictures (walloc_model * model, walloc_decoder_kind kind,
    const char *pixel_path, walloc_net_precision precision, unsigned width,
    unsigned height, unsigned rounds)
{
  walloc_allocator a = { counted_alloc, counted_free, &decoder_held, 0 };
  walloc_decoder *reader, *decoder = NULL;
  uint8_t *rgb = malloc ((size_t) 3 * frames[0].info.width *
      frames[0].info.height);
  unsigned r, i;

  check (walloc_decoder_new (model, NULL, NULL, NULL, &reader, &error),
      "decoder");
  check (walloc_decoder_set_channels (reader, task_info.channels, &error),
      "channels");
  if (pixel_path != NULL) {
    check (walloc_decoder_new (model, &a, NULL, NULL, &decoder, &error),
        "decoder");
    walloc_decoder_set_precision (decoder, precision, NULL);
    other_prepare (&pixels, pixel_path, precision, 3, height, width);
  }
  for (r = 0; r <= rounds; r++) {
    for (i = 0; i < n_frames; i++) {
      picture_latents (reader, &frames[i]);
      if (pixel_path != NULL)
        picture_pixels (decoder, kind, &frames[i], rgb, width, height);
    }
    if (r == 0)
      forget ();
  }
  walloc_decoder_free (reader);
  walloc_decoder_free (decoder);
  free (rgb);
}

/* A clip of sound as one window, padded with zeros. */
static void
sound_latents (walloc_audio_decoder * decoder, float *columns, unsigned room)
{
  const float *planes[WALLOC_TASK_MAX_CHANNELS];
  double t0 = now (), t1;
  unsigned i, c, at = 0;

  memset (columns, 0, sizeof (float) * task_info.channels * room);
  walloc_audio_decoder_reset (decoder);
  for (i = 0; i < n_frames && at < room; i++) {
    walloc_audio_latents latents;
    unsigned n;

    check (walloc_audio_decoder_latents (decoder, frames[i].data,
            frames[i].size, &latents, NULL, NULL, &error), "latents");
    n = latents.columns < room - at ? latents.columns : room - at;
    for (c = 0; c < task_info.channels && c < latents.channels; c++)
      memcpy (columns + (size_t) c * room + at,
          latents.data + (size_t) c * latents.columns, n * sizeof (float));
    at += n;
  }
  for (c = 0; c < task_info.channels; c++)
    planes[c] = columns + (size_t) c *room;
  t1 = now ();
  task_work += (double) walloc_task_work (task);
  check (walloc_task_run_planes (task, planes, task_info.channels, room, 1,
          room, 1, 0, NULL, &error), "network on latents");
  finish ();
  add (&entropy, t1 - t0);
  add (&net, now () - t1);
  add (&whole, now () - t0);
}

static void
sound_samples (walloc_audio_decoder * decoder, float *samples, unsigned room)
{
  double t0 = now (), t1;
  size_t at = 0, left = room;
  unsigned i;

  walloc_audio_decoder_reset (decoder);
  for (i = 0; i < n_frames; i++) {
    size_t n = (size_t) frames[i].info.columns * WALLOC_AUDIO_COLUMN;

    if (frames[i].info.audio_channels != 1)
      fail ("sound of one channel only");
    if (n > left)
      break;
    check (walloc_audio_decoder_decode (decoder, frames[i].data,
            frames[i].size, WALLOC_SAMPLES_F32, samples + at, left, NULL,
            NULL, &error), "decoding");
    at += n;
    left -= n;
  }
  memset (samples + at, 0, left * sizeof (float));
  t1 = now ();
  other_run (&pixels);
  add (&decode, t1 - t0);
  add (&convert, 0);
  add (&pixel_net, now () - t1);
  add (&pixel_whole, now () - t0);
}

static void
bench_sound (walloc_model * model, const char *sample_path,
    walloc_net_precision precision, unsigned rounds)
{
  walloc_allocator a = { counted_alloc, counted_free, &decoder_held, 0 };
  walloc_audio_decoder *reader, *decoder = NULL;
  unsigned room = task_info.window ? task_info.window : 0, r, i;
  float *columns;

  for (i = 0; i < n_frames && task_info.window == 0; i++)
    room += frames[i].info.columns;
  columns = malloc (sizeof (float) * task_info.channels * room);
  check (walloc_audio_decoder_new (model, NULL, &reader, &error), "decoder");
  if (sample_path != NULL) {
    check (walloc_audio_decoder_new (model, &a, &decoder, &error), "decoder");
    other_prepare (&pixels, sample_path, precision, 0, 0,
        room * WALLOC_AUDIO_COLUMN);
  }
  for (r = 0; r <= rounds; r++) {
    sound_latents (reader, columns, room);
    if (sample_path != NULL)
      sound_samples (decoder, pixels.in, room * WALLOC_AUDIO_COLUMN);
    if (r == 0)
      forget ();
  }
  walloc_audio_decoder_free (reader);
  walloc_audio_decoder_free (decoder);
  free (columns);
}

static void
split (const uint8_t * data, size_t size)
{
  while (size > 0 && n_frames < MAX_FRAMES) {
    frame *f = &frames[n_frames++];

    check (walloc_frame_parse (data, size, &f->info, &error), "frame");
    f->data = data;
    f->size = (size_t) f->info.header_size + f->info.payload_size;
    if (f->size > size)
      fail ("the file is cut short");
    if (f->info.width != frames[0].info.width
        || f->info.height != frames[0].info.height)
      fail ("frames must be of one size");
    data += f->size;
    size -= f->size;
  }
}

int
main (int argc, char **argv)
{
  walloc_allocator a = { counted_alloc, counted_free, &task_held, 0 };
  walloc_decoder_kind kind = WALLOC_DECODER_LINEAR;
  walloc_net_precision precision = WALLOC_NET_FASTEST;
  unsigned rounds = 9, width = 0, height = 0;
  const char *pixel_path = NULL;
  walloc_model *model;
  uint8_t *data;
  size_t size;
  int i = 1;

  for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
    if (argv[i][1] == 'r')
      rounds = (unsigned) atoi (argv[i + 1]);
    else if (argv[i][1] == 'd')
      kind = strcmp (argv[i + 1], "fast") == 0 ? WALLOC_DECODER_FAST :
          WALLOC_DECODER_LINEAR;
    else if (argv[i][1] == 'p')
      pixel_path = argv[i + 1];
    else if (argv[i][1] == 's')
      sscanf (argv[i + 1], "%ux%u", &width, &height);
    else if (argv[i][1] == 'f')
      precision = strcmp (argv[i + 1], "f32") == 0 ? WALLOC_NET_F32 :
          WALLOC_NET_FASTEST;
    else
      fail ("no such option; see the head of bench_task.c");
  }
  if (argc - i != 3 || rounds < 1 || rounds > MAX_ROUNDS)
    fail ("[OPTIONS] MODEL.wlm TASK.onnx FILE.wlc");
  check (walloc_model_load (argv[i], NULL, &model, &error), argv[i]);
  check (walloc_task_load_file (&task, argv[i + 1], &a, NULL, &error),
      argv[i + 1]);
  check (walloc_task_set_precision (task, precision, &error), argv[i + 1]);
  walloc_task_get_info (task, &task_info);
  data = read_file (argv[i + 2], &size);
  split (data, size);
  check (walloc_task_check_stream (task, &frames[0].info, &error), argv[i + 2]);
  if (task_info.media == WALLOC_MEDIA_VIDEO)
    bench_pictures (model, kind, pixel_path, precision,
        width ? width : frames[0].info.width,
        height ? height : frames[0].info.height, rounds);
  else
    bench_sound (model, pixel_path, precision, rounds);
  printf ("{\"frames\": %u, \"rounds\": %u, \"bytes\": %zu, "
      "\"latents\": {\"entropy_ms\": %.4f, \"net_ms\": %.4f, \"ms\": %.4f, "
      "\"macs\": %.0f, \"net_bytes\": %zu}", n_frames, rounds, size,
      median (&entropy), median (&net), median (&whole),
      task_work / (double) net.n, task_held.most);
  if (pixel_path != NULL)
    printf (", \"decoded\": {\"decode_ms\": %.4f, \"convert_ms\": %.4f, "
        "\"net_ms\": %.4f, \"ms\": %.4f, \"macs\": %llu, \"net_bytes\": %zu, "
        "\"decoder_bytes\": %zu}, \"time_ratio\": %.4f", median (&decode),
        median (&convert), median (&pixel_net), median (&pixel_whole),
        (unsigned long long) walloc_net_work (pixels.net), pixels.held.most,
        decoder_held.most, median (&whole) / median (&pixel_whole));
  printf ("}\n");
  walloc_net_free (pixels.net);
  walloc_task_free (task);
  walloc_model_unref (model);
  free (data);
  return 0;
}
