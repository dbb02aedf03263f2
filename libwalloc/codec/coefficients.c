/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Latents to packet coefficients: dequantiser, linear decoder, and what a
 * network adds. A row of zeros costs next to nothing, and leaving it out
 * gives the same bits as adding it. */
#include "codec/decoder-private.h"

#include <string.h>

#include "bottleneck/linear.h"
#include "bottleneck/quantiser.h"

/* Where groups of coefficients are in the band's memory. */
#define LUMA_COEFS 64
#define CHROMA_COEFS 16
#define DETAIL_COEFS 48
#define CB_PLANE LUMA_COEFS

/* Cr follows Cb, which has detail behind it where there is any. */
static unsigned
cr_plane (const walloc_decoder * d)
{
  return d->out_sampling == WALLOC_SAMPLING_420 ? CB_PLANE + CHROMA_COEFS :
      CB_PLANE + CHROMA_COEFS + DETAIL_COEFS;
}

static const int16_t *
latent_row (const walloc_decoder * d, unsigned c, unsigned y)
{
  return d->latents + ((size_t) c * d->layout.grid_height + y) *
      d->layout.grid_width;
}

int
walloc_decoder_row_live (const walloc_decoder * d, unsigned c, unsigned y)
{
  const int16_t *row;
  uint16_t any = 0;
  unsigned x;

  if (!d->live[(size_t) (y / d->layout.slice_rows) * d->channels + c])
    return 0;
  row = latent_row (d, c, y);
  for (x = 0; x < d->layout.grid_width; x++)
    any |= (uint16_t) row[x];
  return any != 0;
}

void
walloc_decoder_values (const walloc_decoder * d, unsigned c, unsigned y,
    float *out)
{
  const int16_t *row = latent_row (d, c, y);

  if (d->model->info.kind == WALLOC_MODEL_REFERENCE)
    walloc_lookup (row, d->layout.grid_width, d->companding.value,
        d->companding.half, out);
  else
    walloc_dequantise (row, d->layout.grid_width,
        d->model->set[d->info.set].recon + 3 * (size_t) c, d->step[c], out);
}

/* Values of all channels of a group (3: of any) that are not zero in row y. */
static unsigned
gather (const walloc_decoder * d, walloc_decode_worker * w, unsigned group,
    unsigned y, uint16_t * rows)
{
  unsigned c, n = 0;

  for (c = 0; c < d->channels; c++) {
    if ((group < 3 && d->model->group[c] != group) ||
        !walloc_decoder_row_live (d, c, y))
      continue;
    walloc_decoder_values (d, c, y, w->values + n * d->coef_stride);
    rows[n++] = (uint16_t) c;
  }
  return n;
}

/* Plane of the band's memory for output k of a network, -1: not wanted. */
static int
plane_of_output (const walloc_decoder * d, unsigned k)
{
  if (k < LUMA_COEFS)
    return (int) k;
  if (d->out_sampling == WALLOC_SAMPLING_GRAY)
    return -1;
  k -= LUMA_COEFS;
  if (k < CHROMA_COEFS)
    return (int) (CB_PLANE + k);
  if (k < 2 * CHROMA_COEFS)
    return (int) (cr_plane (d) + k - CHROMA_COEFS);
  if (d->out_sampling == WALLOC_SAMPLING_420)
    return -1;
  k -= 2 * CHROMA_COEFS;
  return (int) (k < DETAIL_COEFS ? CB_PLANE + CHROMA_COEFS + k :
      cr_plane (d) + CHROMA_COEFS + k - DETAIL_COEFS);
}

static void
add_network (const walloc_decoder * d, unsigned y, float *base)
{
  unsigned width = d->layout.grid_width, k, x;
  size_t plane = (size_t) width * d->layout.grid_height;
  float step = (float) ((double) walloc_step_24 (d->info.step_index, 4096) /
      (1 << 24));
  const float *in;
  float *out;
  int p;

  for (k = 0; k < d->net_planes; k++) {
    p = plane_of_output (d, k);
    if (p < 0)
      continue;
    in = d->net_result + k * plane + (size_t) y *width;
    out = base + (size_t) p *d->coef_plane;
    for (x = 0; x < width; x++)
      out[x] += in[x] * step;
  }
}

static void
ordered_row (walloc_decoder * d, walloc_decode_worker * w, unsigned y,
    float *base)
{
  const float *m = d->model->synthesis;
  unsigned width = d->layout.grid_width, n, k, c;
  uint16_t rows[WALLOC_MODEL_MAX_CHANNELS];
  size_t x;
  float *p;

  n = gather (d, w, WALLOC_GROUP_LUMA, y, rows);
  walloc_linear (w->values, d->coef_stride, n, m, WALLOC_MODEL_INPUTS, 1,
      rows, NULL, LUMA_COEFS, width, base, d->coef_plane);
  if (d->out_sampling != WALLOC_SAMPLING_GRAY) {
    n = gather (d, w, WALLOC_GROUP_CHROMA, y, rows);
    for (c = 0; c < 2; c++)
      walloc_linear (w->values, d->coef_stride, n, m + CHROMA_COEFS * c,
          WALLOC_MODEL_INPUTS, 1, rows, NULL, CHROMA_COEFS, width,
          base + (c == 0 ? CB_PLANE : cr_plane (d)) * d->coef_plane,
          d->coef_plane);
  }
  if (d->out_sampling >= WALLOC_SAMPLING_422) {
    n = gather (d, w, WALLOC_GROUP_DETAIL, y, rows);
    for (c = 0; c < 2; c++)
      walloc_linear (w->values, d->coef_stride, n, m + DETAIL_COEFS * c,
          WALLOC_MODEL_INPUTS, 1, rows, NULL, DETAIL_COEFS, width,
          base + ((c == 0 ? CB_PLANE : cr_plane (d)) + CHROMA_COEFS) *
          d->coef_plane, d->coef_plane);
  }
  if (d->net_result != NULL)
    add_network (d, y, base);
  if (d->out_sampling != WALLOC_SAMPLING_444)
    return;
  /* the half-size plane is the low band of both axes over its gain of 2 */
  for (c = 0; c < 2; c++)
    for (k = 0; k < CHROMA_COEFS; k++) {
      p = base + ((c == 0 ? CB_PLANE : cr_plane (d)) + k) * d->coef_plane;
      for (x = 0; x < width; x++)
        p[x] *= 2.0f;
    }
}

static void
reference_row (walloc_decoder * d, walloc_decode_worker * w, unsigned y,
    float *base)
{
  unsigned width = d->layout.grid_width, n, k;
  size_t plane = (size_t) width * d->layout.grid_height;
  uint16_t rows[WALLOC_MODEL_MAX_CHANNELS];

  if (d->net_result != NULL) {
    for (k = 0; k < WALLOC_COEF_PLANES; k++)
      memcpy (base + k * d->coef_plane, d->net_result + k * plane +
          (size_t) y * width, width * sizeof *base);
    return;
  }
  n = gather (d, w, 3, y, rows);
  walloc_linear (w->values, d->coef_stride, n, d->model->linear, 1,
      d->model->info.channels, rows, d->model->linear_bias,
      WALLOC_COEF_PLANES, width, base, d->coef_plane);
}

void
walloc_decoder_coefficients (walloc_decoder * decoder,
    walloc_decode_worker * worker, unsigned y)
{
  float *base = decoder->coef + (size_t) (y - decoder->coef_first) *
      decoder->coef_stride;

  if (decoder->model->info.kind == WALLOC_MODEL_REFERENCE)
    reference_row (decoder, worker, y, base);
  else
    ordered_row (decoder, worker, y, base);
}
