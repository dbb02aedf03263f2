/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network decoder of a model of sound (docs/model-format.md, section 4).
 *
 * A frame is one run for each pair of channels, over its columns and the last
 * few of the frame before, so that what a column gets does not begin anew with
 * every frame. */
#include "codec/audio_network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <walloc/net.h>

#include "bottleneck/quantiser.h"
#include "bottleneck/sparse.h"
#include "transform/sound.h"

#define OUTPUTS (2 * WALLOC_SOUND_BANDS)
/* Columns of the frame before that a network may ask for. */
#define MOST_BEFORE 64
/* What a network may add, in steps: no latent is greater, and what comes out
 * stays a number whatever weights a file has. */
#define MOST_ADDED 16384.0f

struct walloc_audio_network
{
  walloc_mem mem;
  walloc_allocator allocator;
  const walloc_model *model;
  walloc_net *net;
  unsigned before;
  unsigned present[2];          /* channels of one signal, and of both */

  unsigned columns;             /* prepared for; 0: not */
  size_t width;                 /* before + columns */
  float *in;                    /* [D + 1][width] */
  float *out;                   /* [512][width] */
  float *values;                /* of a row, with room */
  /* of every pair: [D + 1][before], in steps of past_step; 0: silence */
  float *past[WALLOC_AUDIO_PAIRS];
  float past_step[WALLOC_AUDIO_PAIRS];
};

/* Says whose network it is in front of why it cannot be used. */
static walloc_result
refuse (const walloc_audio_network * n, unsigned columns, walloc_result result,
    const walloc_error * why, walloc_error * error)
{
  const walloc_model_info *info = &n->model->info;
  const char *cure = "";

  /* the shapes are the decoder's: it is the file that does not take them */
  if (result == WALLOC_ERR_ARGUMENT)
    result = WALLOC_ERR_MODEL;
  if (result == WALLOC_ERR_LIMIT || result == WALLOC_ERR_MEMORY)
    cure = "; the linear decoder needs less";
  return walloc_fail (error, result, "network of model '%.40s' on %u planes "
      "(%u latents, fullness) of %u columns: %.110s%s", info->name,
      info->channels + 1, info->channels, columns, why->text, cure);
}

static walloc_result
read_before (walloc_audio_network * n, walloc_error * error)
{
  const char *text = walloc_net_metadata (n->net, "walloc.before");
  unsigned long value;
  char *end;

  n->before = 0;
  if (text == NULL)
    return WALLOC_OK;
  value = strtoul (text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != 0 || value > MOST_BEFORE)
    return walloc_fail (error, WALLOC_ERR_MODEL, "the network of model '%.40s' "
        "asks for '%.20s' columns of the frame before (walloc.before), not 0 "
        "to %d", n->model->info.name, text, MOST_BEFORE);
  n->before = (unsigned) value;
  return WALLOC_OK;
}

static walloc_result
check_ports (const walloc_audio_network * n, walloc_error * error)
{
  const walloc_model_info *info = &n->model->info;
  walloc_net_shape shape;

  if (walloc_net_inputs (n->net) != 1 || walloc_net_outputs (n->net) != 1)
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "the network of model '%.40s' has %u inputs and %u outputs, not one",
        info->name, walloc_net_inputs (n->net), walloc_net_outputs (n->net));
  walloc_net_input (n->net, 0, &shape);
  if (shape.rank != 0 && (shape.rank != 4 || (shape.dims[1] > 0 &&
              shape.dims[1] != info->channels + 1)))
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "the network of model '%.40s' takes %u dimensions and %lld planes, not "
        "4 and %u (%u latents and fullness)", info->name, shape.rank,
        shape.rank > 1 ? (long long) shape.dims[1] : 0LL, info->channels + 1,
        info->channels);
  return WALLOC_OK;
}

walloc_result
walloc_audio_network_new (const walloc_model * model,
    const walloc_allocator * allocator, walloc_audio_network ** network,
    walloc_error * error)
{
  const walloc_model_blob *blob = &model->fast;
  walloc_audio_network *n;
  walloc_error why = { "" };
  walloc_result result;
  walloc_mem mem;
  unsigned c;

  *network = NULL;
  if (blob->data == NULL || model->info.kind != WALLOC_MODEL_ORDERED)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "model '%s' has no network for sound, only the linear decoder",
        model->info.name);
  walloc_mem_init (&mem, allocator);
  n = walloc_mem_alloc (&mem, 1, sizeof *n);
  if (n == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "no memory for a network (%zu bytes)", sizeof *n);
  n->mem = mem;
  n->model = model;
  if (allocator != NULL)
    n->allocator = *allocator;
  for (c = 0; c < model->info.channels; c++) {
    n->present[0] += model->group[c] == 0;
    n->present[1]++;
  }
  result = walloc_net_load (&n->net, blob->data, blob->size, WALLOC_NET_AUTO,
      &n->allocator, NULL, &why);
  if (result != WALLOC_OK)
    result = refuse (n, 1, result, &why, error);
  if (result == WALLOC_OK)
    result = read_before (n, error);
  if (result == WALLOC_OK)
    result = check_ports (n, error);
  if (result != WALLOC_OK) {
    walloc_audio_network_free (n);
    return result;
  }
  *network = n;
  return WALLOC_OK;
}

static void
unprepare (walloc_audio_network * n)
{
  unsigned i;

  for (i = 0; i < WALLOC_AUDIO_PAIRS; i++)
    walloc_mem_release (&n->mem, &n->past[i]);
  walloc_mem_release (&n->mem, &n->in);
  walloc_mem_release (&n->mem, &n->out);
  walloc_mem_release (&n->mem, &n->values);
  n->columns = 0;
}

void
walloc_audio_network_free (walloc_audio_network * network)
{
  walloc_mem mem;

  if (network == NULL)
    return;
  unprepare (network);
  walloc_net_free (network->net);
  mem = network->mem;
  walloc_mem_free (&mem, network);
}

void
walloc_audio_network_forget (walloc_audio_network * network, unsigned pair)
{
  network->past_step[pair] = 0;
}

void
walloc_audio_network_reset (walloc_audio_network * network)
{
  memset (network->past_step, 0, sizeof network->past_step);
}

walloc_result
walloc_audio_network_prepare (walloc_audio_network * n, unsigned columns,
    walloc_error * error)
{
  const size_t planes = (size_t) n->model->info.channels + 1;
  const size_t width = (size_t) n->before + columns;
  walloc_net_shape shape = { 4, {1, (int64_t) planes, 1, (int64_t) width} };
  walloc_error why = { "" };
  walloc_result result;
  int short_of = 0;
  unsigned i;

  if (n->columns == columns)
    return WALLOC_OK;
  unprepare (n);
  walloc_audio_network_reset (n);
  result = walloc_net_prepare (n->net, &shape, 1, &why);
  if (result != WALLOC_OK)
    return refuse (n, columns, result, &why, error);
  walloc_net_output (n->net, 0, &shape);
  if (shape.rank != 4 || shape.dims[0] != 1 || shape.dims[1] != OUTPUTS ||
      shape.dims[2] != 1 || shape.dims[3] != (int64_t) width)
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "the network of model '%.40s' gives %u dimensions and %lld planes of "
        "%lld columns, not 4 and %d of %zu", n->model->info.name, shape.rank,
        shape.rank > 1 ? (long long) shape.dims[1] : 0LL,
        shape.rank > 3 ? (long long) shape.dims[3] : 0LL, OUTPUTS, width);
  n->in = walloc_mem_take (&n->mem, planes * width, sizeof *n->in, &short_of);
  n->out = walloc_mem_take (&n->mem, OUTPUTS * width, sizeof *n->out,
      &short_of);
  n->values = walloc_mem_take (&n->mem, columns + WALLOC_SPARSE_RUN,
      sizeof *n->values, &short_of);
  for (i = 0; i < WALLOC_AUDIO_PAIRS; i++)
    n->past[i] = walloc_mem_take (&n->mem, planes * n->before,
        sizeof *n->past[i], &short_of);
  if (short_of) {
    unprepare (n);
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "a network on %u columns needs more memory than the limit of %zu "
        "bytes; the linear decoder needs less", columns, n->mem.a.limit);
  }
  n->columns = columns;
  n->width = width;
  return WALLOC_OK;
}

/* Adds bits of magnitudes; returns all magnitudes' bits together. */
static unsigned
count_bits (const int16_t * q, unsigned n, float *bits)
{
  unsigned all = 0, a, x;

  for (x = 0; x < n; x++) {
    a = (unsigned) abs (q[x]);
    all |= a;
    for (; a > 0; a >>= 1)
      bits[x] += 1;
  }
  return all;
}

/* The columns before, in steps of this frame. */
static void
fill_past (walloc_audio_network * n, unsigned pair, float step)
{
  const unsigned d = n->model->info.channels;
  const float *from = n->past[pair];
  float scale = n->past_step[pair] / step, *to = n->in;
  unsigned c, x;

  for (c = 0; c <= d; c++, from += n->before, to += n->width) {
    /* fullness is not in steps */
    if (c == d && scale > 0)
      scale = 1;
    for (x = 0; x < n->before; x++)
      to[x] = scale > 0 ? from[x] * scale : 0;
  }
}

/* The frame's columns; returns whether there is anything in them. */
static int
fill (walloc_audio_network * n, const walloc_audio_network_pair * pair)
{
  const walloc_model *m = n->model;
  const walloc_model_set *set = &m->set[pair->info->set];
  float *bits = n->in + m->info.channels * n->width + n->before;
  float *to = n->in + n->before;
  unsigned c, x, live = 0;
  const int16_t *q;

  memset (bits, 0, n->columns * sizeof *bits);
  for (c = 0; c < m->info.channels; c++, to += n->width) {
    q = pair->latents + c * pair->plane_stride;
    if (c >= pair->channels || m->group[c] >= pair->signals ||
        count_bits (q, n->columns, bits) == 0) {
      memset (to, 0, n->columns * sizeof *to);
      continue;
    }
    live = 1;
    walloc_sparse_values (q, n->columns, set->recon + 3 * c,
        (float) set->weight[c] / 4096, n->values);
    memcpy (to, n->values, n->columns * sizeof *to);
  }
  for (x = 0; x < n->columns; x++)
    bits[x] /= (float) n->present[pair->signals - 1];
  return (int) live;
}

static void
keep_past (walloc_audio_network * n, unsigned pair, float step)
{
  const float *from = n->in + n->width - n->before;
  float *to = n->past[pair];
  unsigned c;

  for (c = 0; c <= n->model->info.channels; c++) {
    memcpy (to, from, n->before * sizeof *to);
    to += n->before;
    from += n->width;
  }
  n->past_step[pair] = step;
}

void
walloc_audio_network_add (walloc_audio_network * n,
    const walloc_audio_network_pair * pair)
{
  const float step = (float) ldexp ((double) walloc_step_24
      (pair->info->step_index, 4096), -24 - WALLOC_SOUND_FRACTION);
  const float *inputs[1] = { n->in }, *from = n->out + n->before;
  float *outputs[1] = { n->out }, *to;
  unsigned s, band, x;
  int live;

  fill_past (n, pair->pair, step);
  live = fill (n, pair);
  if (n->before > 0)
    keep_past (n, pair->pair, step);
  /* silence stays silence */
  if (!live || walloc_net_run (n->net, inputs, 1, outputs, 1, NULL, NULL) !=
      WALLOC_OK)
    return;
  for (s = 0; s < pair->signals; s++)
    for (band = 0; band < WALLOC_SOUND_BANDS; band++, from += n->width) {
      to = pair->coefs[s] + band * pair->stride;
      for (x = 0; x < n->columns; x++)
        to[x] += fabsf (from[x]) <= MOST_ADDED ? from[x] * step : 0;
    }
}
