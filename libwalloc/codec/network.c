/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network decoders of a model (docs/model-format.md, section 4). */
#include "codec/decoder-private.h"

#include <string.h>

#include "bottleneck/linear.h"
#include "bottleneck/quantiser.h"

#define LUMA_AND_CHROMA 96

void
walloc_decoder_free_nets (walloc_decoder * d)
{
  unsigned i;

  for (i = 0; i <= WALLOC_DECODER_BEST; i++) {
    walloc_net_free (d->net[i].net);
    memset (&d->net[i], 0, sizeof d->net[i]);
  }
  walloc_mem_release (&d->mem, &d->net_in);
  walloc_mem_release (&d->mem, &d->net_out);
  d->net_in_size = d->net_out_size = 0;
}

/* Planes of a network's input: the latents, and for kind ordered one that
 * tells the step. */
static unsigned
input_planes (const walloc_decoder * d)
{
  return d->model->info.channels +
      (d->model->info.kind == WALLOC_MODEL_ORDERED);
}

/* Says whose network it is and what it gets in front of why it cannot be
 * used. */
static walloc_result
refuse (const walloc_decoder * d, walloc_result result,
    const walloc_error * why, walloc_error * error)
{
  const walloc_model_info *info = &d->model->info;
  int ordered = info->kind == WALLOC_MODEL_ORDERED;
  const char *cure = "";

  /* the shapes are the decoder's: it is the file that does not take them */
  if (result == WALLOC_ERR_ARGUMENT)
    result = WALLOC_ERR_MODEL;
  if (result == WALLOC_ERR_LIMIT || result == WALLOC_ERR_MEMORY)
    cure = "; the linear decoder needs less";
  return walloc_fail (error, result, "network of model '%.40s' on %u planes "
      "(%u latents%s) of %ux%u: %.110s%s", info->name, input_planes (d),
      info->channels, ordered ? ", step" : "", d->layout.grid_width,
      d->layout.grid_height, why->text, cure);
}

/* What the graph says of its inputs and outputs before anything is computed. */
static walloc_result
check_ports (const walloc_decoder * d, const walloc_net * net,
    walloc_error * error)
{
  const walloc_model_info *info = &d->model->info;
  int ordered = info->kind == WALLOC_MODEL_ORDERED;
  const char *step = ordered ? " and the step" : "";
  unsigned most = ordered ? 2 : 1;
  walloc_net_shape shape;

  if (walloc_net_inputs (net) > most || walloc_net_outputs (net) > most)
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "the network of model '%.40s' has %u inputs and %u outputs, not one%s",
        info->name, walloc_net_inputs (net), walloc_net_outputs (net),
        ordered ? " or two" : "");
  walloc_net_input (net, 0, &shape);
  if (shape.rank != 0 && shape.rank != 4)
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "the network of model '%.40s' takes %u dimensions, not 4 (1, planes, "
        "height, width)", info->name, shape.rank);
  if (shape.rank == 4 && shape.dims[1] > 0 && shape.dims[1] != input_planes (d))
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "the network of model '%.40s' takes %lld planes, not %u (%u latents%s)",
        info->name, (long long) shape.dims[1], input_planes (d),
        info->channels, step);
  return WALLOC_OK;
}

static void give_row (void *user, unsigned y, void (*take) (void *taker,
        const float *const *planes), void *taker);

static walloc_result
load (walloc_decoder * d, walloc_decoder_kind kind, walloc_error * error)
{
  const walloc_model_blob *blob = kind == WALLOC_DECODER_FAST ?
      &d->model->fast : &d->model->best;
  walloc_net *net;
  walloc_error why = { "" };
  walloc_result result;

  result = walloc_net_load (&net, blob->data, blob->size, WALLOC_NET_AUTO,
      &d->allocator, NULL, &why);
  if (result != WALLOC_OK)
    return refuse (d, result, &why, error);
  result = check_ports (d, net, error);
  if (result == WALLOC_OK)
    result = walloc_net_set_precision (net, d->precision, error);
  if (result == WALLOC_OK && input_planes (d) > d->model->info.channels)
    result = walloc_net_offer_rows (net, 0, give_row, d, error);
  if (result != WALLOC_OK) {
    walloc_net_free (net);
    return result;
  }
  d->net[kind].net = net;
  return WALLOC_OK;
}

/* Output i, once prepared. One of all coefficients, or without chroma detail;
 * or two: that, and the detail. */
static walloc_result
check_output (const walloc_decoder * d, walloc_decode_net * n, unsigned i,
    walloc_error * error)
{
  unsigned width = d->layout.grid_width, height = d->layout.grid_height;
  int ordered = d->model->info.kind == WALLOC_MODEL_ORDERED;
  int two = walloc_net_outputs (n->net) == 2;
  walloc_net_shape shape;

  walloc_net_output (n->net, i, &shape);
  if (shape.rank != 4)
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "the network of model '%.40s' gives %u dimensions, not 4 (1, planes, "
        "height, width)", d->model->info.name, shape.rank);
  if (shape.dims[0] != 1 || shape.dims[2] != height ||
      shape.dims[3] != width ||
      !((shape.dims[1] == WALLOC_COEF_PLANES && !two) ||
          (shape.dims[1] == LUMA_AND_CHROMA && ordered)))
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "the network of model '%.40s' gives %lld planes of %lldx%lld, not %s "
        "of %ux%u", d->model->info.name, (long long) shape.dims[1],
        (long long) shape.dims[3], (long long) shape.dims[2],
        two ? "96" : ordered ? "192 or 96" : "192", width, height);
  n->planes[i] = (unsigned) shape.dims[1];
  return WALLOC_OK;
}

static walloc_result
prepare (walloc_decoder * d, walloc_decode_net * n, walloc_error * error)
{
  unsigned width = d->layout.grid_width, height = d->layout.grid_height;
  walloc_net_shape shapes[2] = {
    {4, {1, input_planes (d), height, width}}, {4, {1, 1, height, width}}
  };
  walloc_error why = { "" };
  walloc_result result;
  unsigned i;

  if (n->width == width && n->height == height)
    return WALLOC_OK;
  n->width = n->height = 0;
  n->planes[0] = n->planes[1] = 0;
  result = walloc_net_prepare (n->net, shapes, walloc_net_inputs (n->net),
      &why);
  if (result != WALLOC_OK)
    return refuse (d, result, &why, error);
  for (i = 0; i < walloc_net_outputs (n->net); i++) {
    result = check_output (d, n, i, error);
    if (result != WALLOC_OK)
      return result;
  }
  n->by_rows = walloc_net_takes_rows (n->net, 0);
  n->width = width;
  n->height = height;
  return WALLOC_OK;
}

static walloc_result
room (walloc_decoder * d, float **buffer, size_t *have, size_t floats,
    walloc_error * error)
{
  int short_of = 0;

  if (*have >= floats)
    return WALLOC_OK;
  walloc_mem_release (&d->mem, buffer);
  *have = 0;
  *buffer = walloc_mem_take (&d->mem, floats, sizeof **buffer, &short_of);
  if (short_of)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "a network on a picture of %ux%u needs more memory than the limit of "
        "%zu bytes; the linear decoder needs less", d->layout.width,
        d->layout.height, d->mem.a.limit);
  *have = floats;
  return WALLOC_OK;
}

/* Channel c of row y of the network's input: values over the step they were
 * coded with, weights apart. False: zeros, nothing was written. steps: of the
 * row. */
static int
fill (const walloc_decoder * d, walloc_decode_worker * w, unsigned c,
    unsigned y, const float *steps, float *out)
{
  if (c >= d->channels || !walloc_decoder_row_live (d, c, y))
    return 0;
  if (d->model->info.kind == WALLOC_MODEL_REFERENCE) {
    /* writes past the end of the row */
    walloc_decoder_values (d, c, y, w->values);
    memcpy (out, w->values, d->layout.grid_width * sizeof *out);
    return 1;
  }
  walloc_decoder_over_step (d, c, y, steps, out);
  return 1;
}

static void
fill_row (void *data, unsigned y)
{
  walloc_decoder *d = data;
  unsigned slot = walloc_workers_take (&d->workers), c;
  unsigned width = d->layout.grid_width, channels = d->model->info.channels;
  size_t plane = (size_t) width * d->layout.grid_height;
  float *out = d->net_in + (size_t) y * width;
  walloc_decode_worker *w = &d->worker[slot];

  if (input_planes (d) > channels)
    walloc_decoder_row_steps (d, y, w->steps, out + channels * plane);
  for (c = 0; c < channels; c++, out += plane)
    if (!fill (d, w, c, y, w->steps, out))
      memset (out, 0, width * sizeof *out);
  walloc_workers_give (&d->workers, slot);
}

/* For networks that take rows; each worker has memory for one. */
static void
give_row (void *user, unsigned y, void (*take) (void *taker,
        const float *const *planes), void *taker)
{
  walloc_decoder *d = user;
  unsigned slot = walloc_workers_take (&d->workers), c;
  unsigned width = d->layout.grid_width, channels = d->model->info.channels;
  float *row = d->net_in + (size_t) slot * input_planes (d) * width;
  const float *planes[WALLOC_MODEL_MAX_CHANNELS + 1];
  walloc_decode_worker *w = &d->worker[slot];

  planes[channels] = row + (size_t) channels *width;
  walloc_decoder_row_steps (d, y, w->steps, row + (size_t) channels * width);
  for (c = 0; c < channels; c++, row += width)
    planes[c] = fill (d, w, c, y, w->steps, row) ? row : NULL;
  take (taker, planes);
  walloc_workers_give (&d->workers, slot);
}

/* The network's inputs; one that takes rows gets them later. */
static walloc_result
fill_inputs (walloc_decoder * d, const walloc_decode_net * n,
    const float *inputs[2], walloc_error * error)
{
  size_t plane = (size_t) d->layout.grid_width * d->layout.grid_height;
  size_t rows = (size_t) d->workers.count * d->layout.grid_width;
  size_t before = (n->by_rows ? rows : plane) * input_planes (d);
  walloc_result result;
  unsigned y;

  result = room (d, &d->net_in, &d->net_in_size, before + plane, error);
  if (result != WALLOC_OK)
    return result;
  inputs[0] = d->net_in;
  inputs[1] = d->net_in + before;
  if (!n->by_rows)
    walloc_parallel (&d->runner, fill_row, d, d->layout.grid_height);
  if (walloc_net_inputs (n->net) > 1)
    for (y = 0; y < d->layout.grid_height; y++)
      walloc_decoder_row_steps (d, y, d->worker[0].steps, d->net_in + before +
          (size_t) y * d->layout.grid_width);
  return WALLOC_OK;
}

walloc_result
walloc_decoder_run_net (walloc_decoder * d, walloc_decoder_kind kind,
    walloc_error * error)
{
  walloc_decode_net *n = &d->net[kind];
  size_t plane = (size_t) d->layout.grid_width * d->layout.grid_height;
  int detail = d->plan.inner == 0 && d->plan.sampling >= WALLOC_SAMPLING_422;
  const float *inputs[2];
  float *outputs[2];
  uint64_t start = walloc_now ();
  walloc_result result = WALLOC_OK;

  d->net_result = NULL;
  if (n->net == NULL)
    result = load (d, kind, error);
  if (result == WALLOC_OK)
    result = prepare (d, n, error);
  if (result == WALLOC_OK)
    result = room (d, &d->net_out, &d->net_out_size,
        plane * (n->planes[0] + n->planes[1]), error);
  if (result == WALLOC_OK)
    result = fill_inputs (d, n, inputs, error);
  if (result != WALLOC_OK)
    return result;
  outputs[0] = d->net_out;
  outputs[1] = detail ? d->net_out + plane * n->planes[0] : NULL;
  result = walloc_net_run (n->net, inputs, walloc_net_inputs (n->net), outputs,
      walloc_net_outputs (n->net), d->runner.run != NULL ? &d->runner : NULL,
      error);
  if (result != WALLOC_OK)
    return result;
  d->net_result = d->net_out;
  d->net_planes = n->planes[0] + (detail ? n->planes[1] : 0);
  d->stats.ns_network += walloc_now () - start;
  return WALLOC_OK;
}

walloc_result
walloc_decoder_set_precision (walloc_decoder * decoder,
    walloc_net_precision precision, walloc_error * error)
{
  if (decoder == NULL || (unsigned) precision > WALLOC_NET_FASTEST)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, decoder == NULL ?
        "no decoder" : "no such precision");
  walloc_decoder_free_nets (decoder);
  decoder->precision = precision;
  return WALLOC_OK;
}
