/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parts of pictures: reduced sizes against the low-pass of the whole decoded
 * picture by the public float transform, regions against a crop; that only
 * the slices that are needed are read; no seams between slices, tiles and
 * threads; what may be asked for, and limits. */
#ifdef HAVE_CONFIG_H
# include "config.h"
#endif

#include "codec_util.h"

#include <walloc/wavelet.h>

#include <limits.h>

#include "entropy/slice.h"
#include "model/model.h"

typedef struct
{
  uint8_t *data;
  size_t size;
  walloc_frame_info info;
} frame;

static void
frame_make (frame * f, walloc_model * model, walloc_format format,
    unsigned width, unsigned height, unsigned quality, unsigned shrink,
    unsigned kind)
{
  walloc_encoder *encoder;
  walloc_encode_params params;
  walloc_image image;
  const uint8_t *data;

  picture_new (&image, format, width, height);
  picture_draw (&image, kind, 9);
  walloc_encode_params_init (&params);
  params.quality = quality;
  params.shrink = shrink;
  if (walloc_encoder_new (model, NULL, NULL, &encoder, NULL) != WALLOC_OK ||
      walloc_encoder_encode (encoder, &image, &params, &data, &f->size,
          &f->info, NULL) != WALLOC_OK)
    abort ();
  f->data = malloc (f->size);
  memcpy (f->data, data, f->size);
  walloc_encoder_free (encoder);
  picture_free (&image);
}

static walloc_decoder *
decoder_new (walloc_model * model, const walloc_runner * runner)
{
  walloc_decoder *decoder;

  if (walloc_decoder_new (model, NULL, runner, NULL, &decoder, NULL) !=
      WALLOC_OK)
    abort ();
  return decoder;
}

/* Decodes what params ask for into a new image. */
static walloc_result
part_new (walloc_decoder * decoder, const frame * f,
    const walloc_decode_params * params, walloc_format format,
    walloc_image * image, unsigned *damaged, walloc_error * error)
{
  unsigned width = params->width, height = params->height;

  if (width == 0)
    width = walloc_decoder_reduced_size (f->info.width, params->reduce);
  if (height == 0)
    height = walloc_decoder_reduced_size (f->info.height, params->reduce);
  picture_new (image, format, width, height);
  return walloc_decoder_decode_with (decoder, f->data, f->size, params,
      image, damaged, error);
}

/* Component c (of packed formats: byte c of a pixel) of an image. */
static float *
component (const walloc_image * image, unsigned c, unsigned *width,
    unsigned *height)
{
  unsigned plane = c, step = 1, offset = 0, x, y;
  float *out;

  if (image->format >= WALLOC_FORMAT_RGB) {
    plane = 0;
    step = image->format >= WALLOC_FORMAT_RGBX ? 4 : 3;
    offset = c;
  } else if (image->format == WALLOC_FORMAT_NV12 && c > 0) {
    plane = 1;
    step = 2;
    offset = c - 1;
  }
  *width = (unsigned) walloc_format_row_bytes (image->format, plane,
      image->width) / step;
  *height = walloc_format_rows (image->format, plane, image->height);
  out = malloc ((size_t) *width * *height * sizeof *out);
  for (y = 0; y < *height; y++)
    for (x = 0; x < *width; x++)
      out[y * *width + x] = (float) image->plane[plane][(ptrdiff_t) y *
          image->stride[plane] + x * step + offset] - 128.0f;
  return out;
}

/* Low-pass samples at the right and the bottom that may depend on what was
 * coded beyond the picture, where its size is no multiple of the cell: the
 * transform here repeats the last sample there. */
#define BORDER 4

/* Greatest difference between the low band of whole after reduce levels and
 * part, and that near such borders; 1000 when the sizes do not fit. */
static double
low_band_error (const walloc_image * whole, const walloc_image * part,
    unsigned reduce, unsigned cell, double *near_border)
{
  unsigned right = whole->width % cell != 0 ? BORDER : 0;
  unsigned bottom = whole->height % cell != 0 ? BORDER : 0;
  unsigned n = whole->format == WALLOC_FORMAT_GRAY8 ? 1 :
      whole->format >= WALLOC_FORMAT_RGBX ? 4 : 3;
  unsigned c, w, h, pw, ph, x, y;
  size_t floats, cw, ch;
  double worst = 0, e;
  float *in, *out, *bands, *scratch;

  for (c = 0; c < n; c++) {
    if (is_filler (whole->format, c))
      continue;
    in = component (whole, c, &w, &h);
    out = component (part, c, &pw, &ph);
    cw = walloc_packet_length (w, reduce);
    ch = walloc_packet_length (h, reduce);
    walloc_packet_scratch_2d (w, reduce, &floats, NULL);
    scratch = malloc (floats * sizeof *scratch);
    bands = malloc ((cw * ch << (2 * reduce)) * sizeof *bands);
    if (cw != pw || ch != ph || walloc_packet_analyse_2d (in, w, w, h,
            reduce, WALLOC_BORDER_SYMMETRIC, bands, cw, cw * ch, scratch,
            floats, NULL) != WALLOC_OK)
      worst = 1000;
    for (y = 0; y < ph && worst < 1000; y++)
      for (x = 0; x < pw; x++) {
        e = fabs (bands[y * cw + x] / (1 << reduce) - out[y * pw + x]);
        if (x + right < pw && y + bottom < ph)
          worst = e > worst ? e : worst;
        else
          *near_border = e > *near_border ? e : *near_border;
      }
    free (in);
    free (out);
    free (bands);
    free (scratch);
  }
  return worst;
}

static const unsigned sizes[][2] = {
  {1, 1}, {1, 20}, {33, 1}, {2, 2}, {7, 5}, {9, 17}, {65, 33}, {250, 131},
  {403, 77}, {64, 32}, {352, 96}
};

static void
test_reduced (walloc_model * model, walloc_format format, unsigned shrink)
{
  walloc_decoder *decoder = decoder_new (model, NULL);
  walloc_decode_params params;
  walloc_image whole, part;
  unsigned s, r, bad = 0;
  double worst = 0, border = 0, e;
  frame f;

  walloc_decode_params_init (&params);
  params.kind = WALLOC_DECODER_LINEAR;
  for (s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    frame_make (&f, model, format, sizes[s][0], sizes[s][1], 80, shrink, 1);
    params.reduce = 0;
    bad += part_new (decoder, &f, &params, format, &whole, NULL, NULL) !=
        WALLOC_OK;
    for (r = 1; r <= 3; r++) {
      params.reduce = r;
      bad += part_new (decoder, &f, &params, format, &part, NULL, NULL) !=
          WALLOC_OK;
      e = low_band_error (&whole, &part, r, 8 * shrink, &border);
      worst = e > worst ? e : worst;
      picture_free (&part);
    }
    picture_free (&whole);
    free (f.data);
  }
  /* the whole picture's samples are rounded, and RGB of chroma too */
  TAP_OK (bad == 0 && worst < (format >= WALLOC_FORMAT_RGB ? 2.2 : 1.6) &&
      border < 10, "%s, coded at 1/%u: 1/2, 1/4 and 1/8 are the low bands of "
      "the whole (%.2f, %.2f near borders)", walloc_format_name (format),
      shrink, worst, border);
  walloc_decoder_free (decoder);
}

/* Samples of part that differ from whole at its place. */
static unsigned
crop_differs (const walloc_image * whole, const walloc_image * part,
    unsigned x, unsigned y)
{
  unsigned p, row, bad = 0;
  size_t left;

  for (p = 0; p < walloc_format_planes (whole->format); p++) {
    left = walloc_format_row_bytes (whole->format, p, x);
    for (row = 0; row < walloc_format_rows (whole->format, p, part->height);
        row++)
      bad += memcmp (whole->plane[p] + (ptrdiff_t)
          (walloc_format_rows (whole->format, p, y) + row) *
          whole->stride[p] + left, part->plane[p] + (ptrdiff_t) row *
          part->stride[p], walloc_format_row_bytes (whole->format, p,
              part->width)) != 0;
  }
  return bad;
}

static void
test_regions (walloc_model * model, walloc_decoder_kind kind,
    walloc_format format, unsigned shrink)
{
  unsigned threads = 3, seed = 5, s, r, i, bad = 0, n = 0, w, h;
  walloc_runner runner = { run_threads, &threads, 3 };
  walloc_decoder *decoder = decoder_new (model, NULL);
  walloc_decoder *other = decoder_new (model, &runner);
  walloc_decode_params params;
  walloc_image whole, part;
  frame f;

  walloc_decode_params_init (&params);
  params.kind = kind;
  for (s = 4; s < sizeof sizes / sizeof *sizes; s++) {
    frame_make (&f, model, format, sizes[s][0], sizes[s][1], 60, shrink, 1);
    for (r = 0; r <= 3; r++) {
      params.reduce = r;
      params.x = params.y = params.width = params.height = 0;
      bad += part_new (decoder, &f, &params, format, &whole, NULL, NULL) !=
          WALLOC_OK;
      w = whole.width;
      h = whole.height;
      for (i = 0; i < 6; i++, n++) {
        params.x = tap_random (&seed) % w & ~1u;
        params.y = tap_random (&seed) % h & ~1u;
        params.width = 1 + tap_random (&seed) % (w - params.x);
        params.height = 1 + tap_random (&seed) % (h - params.y);
        bad += part_new (i & 1 ? other : decoder, &f, &params, format, &part,
            NULL, NULL) != WALLOC_OK;
        bad += crop_differs (&whole, &part, params.x, params.y);
        picture_free (&part);
      }
      picture_free (&whole);
    }
    free (f.data);
  }
  TAP_OK (bad == 0, "%s, decoder %d, coded at 1/%u: %u regions are crops",
      walloc_format_name (format), (int) kind, shrink, n);
  walloc_decoder_free (decoder);
  walloc_decoder_free (other);
}

/* The same latents in slices of other heights. */
static void
reslice (frame * f, walloc_model * model, const frame * from, unsigned rows)
{
  walloc_decoder *decoder = decoder_new (model, NULL);
  uint8_t present[WALLOC_MODEL_MAX_CHANNELS], *out;
  walloc_slice_coder coder;
  walloc_slice slice = { 0 };
  walloc_latents l;
  uint32_t *counts;
  unsigned i, c, y, n;
  int16_t *planes;
  uint8_t *bytes;
  size_t used = 0, size, worst;

  if (walloc_decoder_latents (decoder, from->data, from->size, &l, NULL,
          NULL) != WALLOC_OK)
    abort ();
  for (c = 0; c < l.channels; c++)
    present[c] = from->info.format != WALLOC_FORMAT_GRAY8 || l.group[c] == 0;
  if (from->info.format == WALLOC_FORMAT_I420)
    for (c = 0; c < l.channels; c++)
      present[c] = l.group[c] < 2;
  walloc_slice_coder_init (&coder, model, from->info.set, l.channels, present);
  n = (l.height + rows - 1) / rows;
  worst = walloc_slice_worst (l.width, rows, l.channels);
  planes = calloc (walloc_slice_elements (l.width, rows, l.channels),
      sizeof *planes);
  slice.scratch = calloc (1, walloc_slice_scratch (model, l.width, rows,
          l.channels, WALLOC_SLICE_BOTH));
  out = malloc (worst);
  bytes = malloc (worst * n);
  counts = malloc (n * sizeof *counts);
  slice.width = l.width;
  slice.stride = walloc_slice_stride (l.width);
  slice.plane_stride = walloc_slice_plane_stride (l.width, rows);
  slice.planes = planes + walloc_slice_origin (l.width);
  for (i = 0; i < n; i++) {
    slice.rows = i + 1 < n ? rows : l.height - i * rows;
    memset (planes, 0, walloc_slice_elements (l.width, rows, l.channels) *
        sizeof *planes);
    for (c = 0; c < l.channels; c++)
      for (y = 0; y < slice.rows; y++)
        memcpy (slice.planes + c * slice.plane_stride + y * slice.stride,
            l.data + ((size_t) c * l.height + i * rows + y) * l.width,
            l.width * sizeof *planes);
    if (walloc_slice_encode (&coder, &slice, out, worst, &size) != WALLOC_OK)
      abort ();
    memcpy (bytes + used, out + worst - size, size);
    counts[i] = (uint32_t) size;
    used += size;
  }
  f->info = from->info;
  f->info.slice_rows = rows;
  f->info.slices = n;
  f->info.layers = 1;
  f->data = malloc (used + 65536);
  if (walloc_frame_write (f->data, 65536, &f->info, counts, NULL) != WALLOC_OK)
    abort ();
  memcpy (f->data + f->info.header_size, bytes, used);
  f->size = f->info.header_size + used;
  free (planes);
  free (slice.scratch);
  free (out);
  free (bytes);
  free (counts);
  walloc_decoder_free (decoder);
}

/* Slices and tiles leave no trace in the picture. */
static void
test_seams (walloc_model * model, walloc_decoder_kind kind,
    walloc_format format)
{
  static const unsigned rows[] = { 1, 3, 8, 2048 }, counts[] = { 2, 7 };
  unsigned i, bad = 0, threads;
  walloc_runner runner = { run_threads, &threads, 1 };
  walloc_decoder *decoder;
  walloc_decode_params params;
  walloc_image whole, part;
  frame f, other;

  walloc_decode_params_init (&params);
  params.kind = kind;
  frame_make (&f, model, format, 1501, 611, 55, 1, 1);
  decoder = decoder_new (model, NULL);
  bad += part_new (decoder, &f, &params, format, &whole, NULL, NULL) !=
      WALLOC_OK;
  for (i = 0; i < 4; i++) {
    reslice (&other, model, &f, rows[i]);
    bad += part_new (decoder, &other, &params, format, &part, NULL, NULL) !=
        WALLOC_OK;
    bad += picture_hash (&whole) != picture_hash (&part);
    picture_free (&part);
    free (other.data);
  }
  TAP_OK (bad == 0, "%s, decoder %d: slices of 1, 3, 8 and all rows give the "
      "same picture", walloc_format_name (format), (int) kind);
  walloc_decoder_free (decoder);
  for (i = bad = 0; i < 2; i++) {
    threads = runner.threads = counts[i];
    decoder = decoder_new (model, &runner);
    bad += part_new (decoder, &f, &params, format, &part, NULL, NULL) !=
        WALLOC_OK;
    bad += picture_hash (&whole) != picture_hash (&part);
    picture_free (&part);
    walloc_decoder_free (decoder);
  }
  TAP_OK (bad == 0, "%s, decoder %d: 2 and 7 threads, in other tiles, too",
      walloc_format_name (format), (int) kind);
  picture_free (&whole);
  free (f.data);
}

/* Damage outside of a region is not seen; damage inside is concealed as in
 * the whole picture, though its neighbours are outside. */
static void
test_slices (walloc_model * model)
{
  walloc_decoder *decoder = decoder_new (model, NULL);
  walloc_decode_params params;
  walloc_image whole, part;
  size_t offset, size;
  unsigned i, damaged = 9, bad = 0;
  frame f, g;

  frame_make (&g, model, WALLOC_FORMAT_I420, 160, 480, 60, 1, 1);
  reslice (&f, model, &g, 6);
  walloc_decode_params_init (&params);
  params.kind = WALLOC_DECODER_LINEAR;
  part_new (decoder, &f, &params, WALLOC_FORMAT_I420, &whole, NULL, NULL);
  /* grid rows 24 to 29 and four around them: slices 3 to 5 of 10 */
  params.y = 192;
  params.height = 48;
  params.width = 160;
  for (i = 0; i < 10; i++) {
    if (i >= 3 && i <= 5)
      continue;
    walloc_frame_slice (f.data, &f.info, i, &offset, &size);
    memset (f.data + offset, 0x55, size);
  }
  TAP_OK (part_new (decoder, &f, &params, WALLOC_FORMAT_I420, &part, &damaged,
          NULL) == WALLOC_OK && damaged == 0 && crop_differs (&whole, &part,
          0, params.y) == 0, "a region does not read other slices");
  picture_free (&part);
  picture_free (&whole);
  free (f.data);
  reslice (&f, model, &g, 6);
  for (i = 2; i < 6; i++) {
    walloc_frame_slice (f.data, &f.info, i, &offset, &size);
    memset (f.data + offset, 0x55, size);
  }
  params.y = params.height = params.width = 0;
  part_new (decoder, &f, &params, WALLOC_FORMAT_I420, &whole, &damaged, NULL);
  bad += damaged != 4;
  params.y = 192;
  params.height = 48;
  params.width = 160;
  /* nothing from the call before may help */
  walloc_decoder_free (decoder);
  decoder = decoder_new (model, NULL);
  bad += part_new (decoder, &f, &params, WALLOC_FORMAT_I420, &part, &damaged,
      NULL) != WALLOC_OK;
  bad += damaged != 3;
  bad += crop_differs (&whole, &part, 0, params.y);
  TAP_OK (bad == 0, "what is concealed in it is as in the whole picture");
  picture_free (&part);
  picture_free (&whole);
  free (f.data);
  free (g.data);
  walloc_decoder_free (decoder);
}

/* Of a frame that is cut short, what is in front of the cut is as good as of
 * a whole one; the rest is said to be missing. */
static void
test_cut (walloc_model * model)
{
  walloc_decoder *decoder = decoder_new (model, NULL);
  walloc_decode_params params;
  walloc_image whole, part;
  size_t offset, size;
  unsigned damaged = 9;
  walloc_result result;
  walloc_error error;
  frame f, g;

  frame_make (&g, model, WALLOC_FORMAT_I420, 160, 480, 60, 1, 1);
  reslice (&f, model, &g, 6);
  walloc_decode_params_init (&params);
  params.kind = WALLOC_DECODER_LINEAR;
  part_new (decoder, &f, &params, WALLOC_FORMAT_I420, &whole, NULL, NULL);
  params.y = 192;
  params.height = 48;
  params.width = 160;
  /* slices 3 to 5 of 10 make the region */
  walloc_frame_slice (f.data, &f.info, 5, &offset, &size);
  f.size = offset + size;
  TAP_OK (part_new (decoder, &f, &params, WALLOC_FORMAT_I420, &part, &damaged,
          NULL) == WALLOC_OK && damaged == 0 && crop_differs (&whole, &part,
          0, params.y) == 0, "a region in front of a cut is whole");
  picture_free (&part);
  result = part_new (decoder, &f, &params, WALLOC_FORMAT_I420, &part, NULL,
      NULL);
  TAP_OK (result == WALLOC_ERR_TRUNCATED, "who does not ask for damage gets "
      "whole frames only");
  picture_free (&part);
  f.size--;
  TAP_OK (part_new (decoder, &f, &params, WALLOC_FORMAT_I420, &part, &damaged,
          &error) == WALLOC_ERR_TRUNCATED && damaged == 1, "the cut is in the "
      "region: %s", error.text);
  picture_free (&part);
  f.size = f.info.header_size - 1;
  TAP_OK (part_new (decoder, &f, &params, WALLOC_FORMAT_I420, &part, &damaged,
          NULL) == WALLOC_ERR_TRUNCATED && damaged == 0 &&
      part.plane[0][0] == 0, "without a whole header nothing is written");
  picture_free (&part);
  picture_free (&whole);
  free (f.data);
  free (g.data);
  walloc_decoder_free (decoder);
}

static void
test_refused (walloc_model * model)
{
  static const struct
  {
    walloc_decode_params params;
    walloc_result result;
    const char *what;
  } cases[] = {
    {{WALLOC_DECODER_LINEAR, 4, 0, 0, 0, 0}, WALLOC_ERR_ARGUMENT, "1/16"},
    {{WALLOC_DECODER_LINEAR, UINT_MAX, 0, 0, 0, 0}, WALLOC_ERR_ARGUMENT,
        "a huge reduction"},
    {{WALLOC_DECODER_LINEAR, 0, 0, 0, 101, 10}, WALLOC_ERR_ARGUMENT,
        "a region that is too wide"},
    {{WALLOC_DECODER_LINEAR, 0, 0, 70, 10, 1}, WALLOC_ERR_ARGUMENT,
        "a region below the picture"},
    {{WALLOC_DECODER_LINEAR, 1, 40, 0, 12, 10}, WALLOC_ERR_ARGUMENT,
        "a region of the whole picture in a reduced one"},
    {{WALLOC_DECODER_LINEAR, 0, 98, 2, UINT_MAX - 90, 10},
        WALLOC_ERR_ARGUMENT, "a region whose end overflows"},
    {{WALLOC_DECODER_LINEAR, 0, 2, 0, 0, 10}, WALLOC_ERR_ARGUMENT,
        "a region without width"},
    {{WALLOC_DECODER_LINEAR, 0, 2, 2, 0, 0}, WALLOC_ERR_ARGUMENT,
        "a place without size"},
    {{WALLOC_DECODER_LINEAR, 0, 3, 2, 8, 8}, WALLOC_ERR_ARGUMENT,
        "an odd column of 4:2:0"},
    {{WALLOC_DECODER_LINEAR, 0, 2, 3, 8, 8}, WALLOC_ERR_ARGUMENT,
        "an odd row of 4:2:0"},
    {{(walloc_decoder_kind) 7, 0, 0, 0, 0, 0}, WALLOC_ERR_ARGUMENT,
        "an unknown decoder"}
  };
  walloc_decoder *decoder = decoder_new (model, NULL);
  walloc_decode_params params;
  walloc_error error;
  walloc_image image;
  unsigned i, p;
  frame f;

  frame_make (&f, model, WALLOC_FORMAT_I420, 100, 70, 50, 1, 0);
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    picture_new (&image, WALLOC_FORMAT_I420, 8, 8);
    error.text[0] = 0;
    TAP_OK (walloc_decoder_decode_with (decoder, f.data, f.size,
            &cases[i].params, &image, NULL, &error) == cases[i].result &&
        error.text[0] != 0, "%s: %s", cases[i].what, error.text);
    for (p = 0; p < 3; p++)
      if (image.plane[p][0] != 0)
        TAP_OK (0, "and nothing is written");
    picture_free (&image);
  }
  walloc_decode_params_init (&params);
  params.reduce = 1;
  picture_new (&image, WALLOC_FORMAT_I420, 100, 70);
  TAP_OK (walloc_decoder_decode_with (decoder, f.data, f.size, &params,
          &image, NULL, &error) == WALLOC_ERR_ARGUMENT,
      "an image of the whole size: %s", error.text);
  TAP_OK (walloc_decoder_decode_with (decoder, f.data, f.size, NULL, &image,
          NULL, &error) == WALLOC_ERR_ARGUMENT, "no parameters: %s",
      error.text);
  picture_free (&image);
  TAP_OK (walloc_decoder_reduced_size (1081, 3) == 136 &&
      walloc_decoder_reduced_size (1, 3) == 1 &&
      walloc_decoder_reduced_size (UINT_MAX, 1) == UINT_MAX / 2 + 1 &&
      walloc_decoder_reduced_size (8, 4) == 0, "sizes are rounded up");
  free (f.data);
  walloc_decoder_free (decoder);
}

static size_t
used_by (walloc_model * model, const frame * f, unsigned reduce)
{
  walloc_allocator allocator = { NULL, NULL, NULL, 1 };
  walloc_decode_params params;
  walloc_decoder *decoder;
  walloc_image image;
  size_t low = 1 << 12, high = (size_t) 1 << 30;
  walloc_result result;

  walloc_decode_params_init (&params);
  params.kind = WALLOC_DECODER_LINEAR;
  params.reduce = reduce;
  while (high - low > 4096) {
    allocator.limit = low + (high - low) / 2;
    result = walloc_decoder_new (model, &allocator, NULL, NULL, &decoder, NULL);
    if (result == WALLOC_OK) {
      result = part_new (decoder, f, &params, f->info.format, &image, NULL,
          NULL);
      picture_free (&image);
      walloc_decoder_free (decoder);
    }
    if (result == WALLOC_OK)
      high = allocator.limit;
    else
      low = allocator.limit;
  }
  return high;
}

static void *
count_alloc (void *user, size_t size)
{
  *(size_t *) user += size;
  return malloc (size);
}

static void
count_free (void *user, void *memory)
{
  (void) user;
  free (memory);
}

static void
test_limits (walloc_model * model)
{
  walloc_decoder_limits limits = { 1024 * 800 - 1 };
  size_t whole, part, taken = 0, before;
  walloc_allocator allocator = { count_alloc, count_free, &taken, 0 };
  walloc_decode_params params;
  walloc_latents latents;
  walloc_decoder *decoder;
  walloc_error error;
  walloc_image image;
  unsigned refused;
  frame f;

  frame_make (&f, model, WALLOC_FORMAT_RGB, 1024, 800, 1, 1, 0);
  walloc_decoder_new (model, &allocator, NULL, &limits, &decoder, NULL);
  before = taken;
  walloc_decode_params_init (&params);
  params.kind = WALLOC_DECODER_LINEAR;
  params.reduce = 3;
  refused = part_new (decoder, &f, &params, WALLOC_FORMAT_RGB, &image, NULL,
      &error) == WALLOC_ERR_LIMIT;
  picture_free (&image);
  params.reduce = 0;
  params.width = params.height = 2;
  refused += part_new (decoder, &f, &params, WALLOC_FORMAT_RGB, &image, NULL,
      &error) == WALLOC_ERR_LIMIT;
  picture_free (&image);
  refused += walloc_decoder_latents (decoder, f.data, f.size, &latents, NULL,
      NULL) == WALLOC_ERR_LIMIT;
  refused += walloc_decoder_check (decoder, f.data, f.size, NULL) ==
      WALLOC_ERR_LIMIT;
  TAP_OK (refused == 4 && taken == before, "a part of a frame of too many "
      "pixels is refused before memory is taken: %s", error.text);
  walloc_decoder_free (decoder);
  limits.max_pixels++;
  walloc_decoder_new (model, NULL, NULL, &limits, &decoder, NULL);
  TAP_OK (part_new (decoder, &f, &params, WALLOC_FORMAT_RGB, &image, NULL,
          NULL) == WALLOC_OK, "as many as the limit are possible");
  picture_free (&image);
  walloc_decoder_free (decoder);
  whole = used_by (model, &f, 0);
  part = used_by (model, &f, 3);
  TAP_OK (part < whole, "the decoder takes %zu bytes for 1/8, %zu for all",
      part, whole);
  TAP_OK (whole < 3 * 1024 * 800, "and does not keep planes of samples");
  free (f.data);
}

int
main (void)
{
  static const walloc_format formats[] = { WALLOC_FORMAT_GRAY8,
    WALLOC_FORMAT_I420, WALLOC_FORMAT_NV12, WALLOC_FORMAT_Y42B,
    WALLOC_FORMAT_Y444, WALLOC_FORMAT_RGB, WALLOC_FORMAT_XBGR
  };
  walloc_model *ordered = load_model (MODEL ("ordered-test.wlm"));
  walloc_model *nets = load_model (MODEL ("ordered-net-test.wlm"));
  walloc_model *reference = load_model (MODEL ("reference-test.wlm"));
  walloc_model_info info;
  unsigned i, shrink;

  for (i = 0; i < sizeof formats / sizeof *formats; i++)
    for (shrink = 1; shrink <= 4; shrink *= 2) {
      test_reduced (ordered, formats[i], shrink);
      test_regions (ordered, WALLOC_DECODER_LINEAR, formats[i], shrink);
    }
  test_regions (reference, WALLOC_DECODER_LINEAR, WALLOC_FORMAT_RGB, 1);
  test_seams (ordered, WALLOC_DECODER_LINEAR, WALLOC_FORMAT_I420);
  test_seams (ordered, WALLOC_DECODER_LINEAR, WALLOC_FORMAT_RGB);
  walloc_model_get_info (nets, &info);
#ifdef HAVE_ONNX
  if (info.decoders >> WALLOC_DECODER_FAST & 1) {
    test_regions (nets, WALLOC_DECODER_FAST, WALLOC_FORMAT_I420, 1);
    test_regions (nets, WALLOC_DECODER_FAST, WALLOC_FORMAT_RGB, 1);
    test_seams (nets, WALLOC_DECODER_FAST, WALLOC_FORMAT_I420);
  }
#endif
  test_slices (ordered);
  test_cut (ordered);
  test_refused (ordered);
  test_limits (ordered);
  walloc_model_unref (ordered);
  walloc_model_unref (nets);
  walloc_model_unref (reference);
  return tap_done ();
}
