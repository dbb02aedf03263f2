/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures that were coded at a smaller size, brought back to theirs
 * (docs/bitstream.md, 2.3): every axis is doubled by the low band's synthesis
 * filter of the 9/7 wavelet, once or twice. */
#include "codec/decoder-private.h"

#include <string.h>

#include "transform/clones.h"

/* Rows of the greater plane that are made at a time. */
#define STRIP 64
/* Samples on either side of a position that the filter reads, and floats that
 * a row of a smaller plane has around it. */
#define REACH 2
#define MARGIN 16

/* Half of the filter for samples between two others, and for those in the
 * place of one: the synthesis filter of bior4.4 over the gain of 2 that the
 * coded picture was divided by, each part made to add up to 1. */
#define ODD_NEAR 0.59127178f
#define ODD_FAR -0.09127178f
#define EVEN_SAME 1.11508708f
#define EVEN_SIDE -0.05754354f

static unsigned
half (unsigned n)
{
  return n / 2 + n % 2;
}

static unsigned
components (const walloc_decoder * d)
{
  return d->out_sampling == WALLOC_SAMPLING_GRAY ? 1 : 3;
}

static void
component_size (const walloc_decoder * d, unsigned index, unsigned halvings,
    unsigned *width, unsigned *height)
{
  *width = d->info.width;
  *height = d->info.height;
  if (index > 0 && (d->out_sampling == WALLOC_SAMPLING_420 ||
          d->out_sampling == WALLOC_SAMPLING_422))
    *width = half (*width);
  if (index > 0 && d->out_sampling == WALLOC_SAMPLING_420)
    *height = half (*height);
  for (; halvings > 0; halvings--) {
    *width = half (*width);
    *height = half (*height);
  }
}

/* Which of n samples stands for number i: mirrored about the first sample and
 * behind the last, as the band's own borders are. */
static unsigned
mirror (int i, unsigned n)
{
  if (i < 0)
    i = -i;
  if (i >= (int) n)
    i = 2 * (int) n - 1 - i;
  return i < 0 ? 0 : (unsigned) i;
}

/* Two rows between and above: the rows of a double plane. */
WALLOC_CLONES static void
combine (const float *const row[4], unsigned odd, unsigned width,
    float *restrict out)
{
  const float *restrict a = row[0], *restrict b = row[1];
  const float *restrict c = row[2], *restrict e = row[3];
  unsigned x;

  if (odd) {
    for (x = 0; x < width; x++)
      out[x] = ODD_NEAR * (b[x] + c[x]) + ODD_FAR * (a[x] + e[x]);
  } else {
    for (x = 0; x < width; x++)
      out[x] = EVEN_SAME * b[x] + EVEN_SIDE * (a[x] + c[x]);
  }
}

/* A row of n samples, with REACH mirrored ones on both sides, to 2 n. */
WALLOC_CLONES static void
widen (const float *restrict in, unsigned n, float *restrict out)
{
  unsigned x;

  for (x = 0; x < n; x++) {
    out[2 * x] = EVEN_SAME * in[x] + EVEN_SIDE * (in[(int) x - 1] + in[x + 1]);
    out[2 * x + 1] = ODD_NEAR * (in[x] + in[x + 1]) +
        ODD_FAR * (in[(int) x - 1] + in[x + 2]);
  }
}

/* Rows [first, end) of a component at halvings - 1, from that at halvings. */
static void
enlarge (const walloc_decoder * d, walloc_decode_worker * w, unsigned index,
    unsigned halvings, unsigned first, unsigned end, float *out,
    size_t out_stride)
{
  unsigned width, height, small_width, small_height, y, i;
  const float *plane = d->small[d->info.scale - halvings][index];
  size_t stride = d->small_stride[d->info.scale - halvings];
  float *line = w->line + MARGIN, *wide = w->line + 2 * MARGIN + stride;
  const float *row[4];
  int k;

  component_size (d, index, halvings - 1, &width, &height);
  component_size (d, index, halvings, &small_width, &small_height);
  for (y = first; y < end && y < height; y++, out += out_stride) {
    for (k = 0; k < 4; k++)
      row[k] = plane + mirror ((int) (y / 2) + k - 1, small_height) * stride;
    combine (row, y & 1, small_width, line);
    for (i = 1; i <= REACH; i++) {
      line[-(int) i] = line[mirror (-(int) i, small_width)];
      line[small_width - 1 + i] = line[mirror ((int) (small_width - 1 + i),
              small_width)];
    }
    widen (line, small_width, wide);
    memcpy (out, wide, width * sizeof *out);
  }
}

static void
enlarge_strip (void *data, unsigned strip)
{
  walloc_decoder *d = data;
  unsigned slot = walloc_workers_take (&d->workers), i;
  walloc_decode_worker *w = &d->worker[slot];
  unsigned first = strip * STRIP, part, height, halvings;
  uint64_t start = walloc_now ();
  walloc_result result = WALLOC_OK;

  halvings = d->enlarging;
  for (i = 0; i < components (d); i++) {
    part = i > 0 && d->out_sampling == WALLOC_SAMPLING_420 ? 2 : 1;
    height = STRIP / part;
    enlarge (d, w, i, halvings, first / part, first / part + height,
        halvings > 1 ? d->small[1][i] + first / part * d->small_stride[1] :
        w->full[i], halvings > 1 ? d->small_stride[1] : d->full_stride);
  }
  if (halvings == 1)
    result = walloc_decoder_put (d, w->full, d->full_stride, first,
        first + STRIP < d->info.height ? first + STRIP : d->info.height);
  if (result != WALLOC_OK)
    atomic_store (&d->failed, result);
  w->ns_synthesis += walloc_now () - start;
  walloc_workers_give (&d->workers, slot);
}

void
walloc_decoder_enlarge (walloc_decoder * d)
{
  unsigned width, height;

  for (d->enlarging = d->info.scale; d->enlarging > 0; d->enlarging--) {
    component_size (d, 0, d->enlarging - 1, &width, &height);
    walloc_parallel (&d->runner, enlarge_strip, d,
        (height + STRIP - 1) / STRIP);
  }
}

void
walloc_decoder_enlarge_release (walloc_decoder * d)
{
  unsigned i, k;

  for (i = 0; i < d->workers.count; i++) {
    walloc_mem_release (&d->mem, &d->worker[i].line);
    for (k = 0; k < 3; k++)
      walloc_mem_release (&d->mem, &d->worker[i].full[k]);
  }
  for (i = 0; i < 2; i++)
    for (k = 0; k < 3; k++)
      walloc_mem_release (&d->mem, &d->small[i][k]);
}

void
walloc_decoder_enlarge_prepare (walloc_decoder * d, int *short_of)
{
  unsigned width, height, i, k, scale = d->info.scale;
  walloc_decode_worker *w;

  d->full_stride = d->info.width;
  for (i = 0; i < scale; i++) {
    for (k = 0; k < components (d); k++) {
      component_size (d, k, scale - i, &width, &height);
      /* the coded picture is written by whole cells of 8 */
      d->small_stride[i] = i == 0 ? d->strip_stride : (d->info.width + 1) / 2;
      d->small[i][k] = walloc_mem_take (&d->mem, d->small_stride[i] * height,
          sizeof *d->small[i][k], short_of);
    }
  }
  for (i = 0; i < d->workers.count; i++) {
    w = &d->worker[i];
    w->line = walloc_mem_take (&d->mem, 3 * (size_t) (d->full_stride + 16) +
        4 * MARGIN, sizeof *w->line, short_of);
    for (k = 0; k < components (d); k++)
      w->full[k] = walloc_mem_take (&d->mem, d->full_stride * STRIP,
          sizeof *w->full[k], short_of);
  }
}
