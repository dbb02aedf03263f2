/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/audio_reference_net.h"

#include <math.h>
#include <string.h>

#include <walloc/net.h>

#include "transform/sound.h"

#define BANDS WALLOC_SOUND_BANDS
/* Columns at both ends that hold the encoder's bias alone. */
#define ENDS 2
/* Sounds within +-0.5 have no greater coefficients, by far; what comes out
 * stays a number whatever weights a file has. */
#define MOST 65536.0f

struct walloc_audio_reference_net
{
  walloc_mem mem;
  walloc_allocator allocator;
  const walloc_model *model;
  walloc_net *net;
  unsigned columns;             /* prepared for; 0: not */
  float *in;                    /* [D][columns + 2] */
  float *out;                   /* [512][columns] */
};

/* Says whose network it is in front of why it cannot be used. */
static walloc_result
refuse (const walloc_audio_reference_net * n, walloc_result result,
    const walloc_error * why, walloc_error * error)
{
  /* the shapes are the decoder's: it is the file that does not take them */
  if (result == WALLOC_ERR_ARGUMENT)
    result = WALLOC_ERR_MODEL;
  return walloc_fail (error, result, "network of model '%.40s' on %u latents: "
      "%.110s%s", n->model->info.name, n->model->info.channels, why->text,
      result == WALLOC_ERR_LIMIT || result == WALLOC_ERR_MEMORY ?
      "; the linear decoder needs less" : "");
}

walloc_result
walloc_audio_reference_net_new (const walloc_model * model,
    walloc_decoder_kind kind, const walloc_allocator * allocator,
    walloc_audio_reference_net ** net, walloc_error * error)
{
  const walloc_model_blob *blob = kind == WALLOC_DECODER_FAST ? &model->fast :
      &model->best;
  walloc_audio_reference_net *n;
  walloc_error why = { "" };
  walloc_result result;
  walloc_mem mem;

  *net = NULL;
  if (blob->data == NULL)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "model '%s' has no decoder \"%s\"", model->info.name,
        kind == WALLOC_DECODER_FAST ? "fast" : "best");
  walloc_mem_init (&mem, allocator);
  n = walloc_mem_alloc (&mem, 1, sizeof *n);
  if (n == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "no memory for a network (%zu bytes)", sizeof *n);
  n->mem = mem;
  n->model = model;
  if (allocator != NULL)
    n->allocator = *allocator;
  result = walloc_net_load (&n->net, blob->data, blob->size, WALLOC_NET_AUTO,
      &n->allocator, NULL, &why);
  if (result != WALLOC_OK)
    result = refuse (n, result, &why, error);
  else if (walloc_net_inputs (n->net) != 1 || walloc_net_outputs (n->net) != 1)
    result = walloc_fail (error, WALLOC_ERR_MODEL,
        "the network of model '%.40s' has %u inputs and %u outputs, not one",
        model->info.name, walloc_net_inputs (n->net),
        walloc_net_outputs (n->net));
  if (result != WALLOC_OK) {
    walloc_audio_reference_net_free (n);
    return result;
  }
  *net = n;
  return WALLOC_OK;
}

void
walloc_audio_reference_net_free (walloc_audio_reference_net * net)
{
  walloc_mem mem;

  if (net == NULL)
    return;
  walloc_mem_release (&net->mem, &net->in);
  walloc_mem_release (&net->mem, &net->out);
  walloc_net_free (net->net);
  mem = net->mem;
  walloc_mem_free (&mem, net);
}

walloc_result
walloc_audio_reference_net_prepare (walloc_audio_reference_net * n,
    unsigned columns, walloc_error * error)
{
  const unsigned d = n->model->info.channels;
  walloc_net_shape shape = { 3, {1, d, (int64_t) columns + ENDS} };
  walloc_error why = { "" };
  walloc_result result;
  int short_of = 0;

  if (n->columns == columns)
    return WALLOC_OK;
  n->columns = 0;
  walloc_mem_release (&n->mem, &n->in);
  walloc_mem_release (&n->mem, &n->out);
  result = walloc_net_prepare (n->net, &shape, 1, &why);
  if (result != WALLOC_OK)
    return refuse (n, result, &why, error);
  walloc_net_output (n->net, 0, &shape);
  if (shape.rank != 3 || shape.dims[0] != 1 || shape.dims[1] != 2 * BANDS ||
      shape.dims[2] != (int64_t) columns)
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "the network of model '%.40s' gives %u dimensions and %lld planes of "
        "%lld columns, not 3 and %d of %u", n->model->info.name, shape.rank,
        shape.rank > 1 ? (long long) shape.dims[1] : 0LL,
        shape.rank > 2 ? (long long) shape.dims[2] : 0LL, 2 * BANDS, columns);
  n->in = walloc_mem_take (&n->mem, d * ((size_t) columns + ENDS),
      sizeof *n->in, &short_of);
  n->out = walloc_mem_take (&n->mem, 2 * BANDS * (size_t) columns,
      sizeof *n->out, &short_of);
  if (short_of)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "a network on %u columns needs more memory than the limit of %zu "
        "bytes; the linear decoder needs less", columns, n->mem.a.limit);
  n->columns = columns;
  return WALLOC_OK;
}

walloc_result
walloc_audio_reference_net_run (walloc_audio_reference_net * n,
    const walloc_audio_reference * r, float *const *coefs, size_t stride,
    unsigned signals, walloc_error * error)
{
  const walloc_model *model = n->model;
  const float *inputs[1] = { n->in }, *from;
  float *outputs[1] = { n->out }, *to = n->in, y;
  unsigned c, s, b, x;
  walloc_result result;
  int16_t q;

  for (c = 0; c < model->info.channels; c++, to += n->columns + ENDS) {
    walloc_compand (&r->companding, model->bias_f + c, 1, &q);
    to[0] = to[n->columns + 1] = r->companding.value[q + r->companding.half];
    memcpy (to + 1, r->values + c * r->stride, n->columns * sizeof *to);
  }
  result = walloc_net_run (n->net, inputs, 1, outputs, 1, NULL, error);
  if (result != WALLOC_OK)
    return result;
  for (s = 0; s < 2; s++) {
    for (b = 0; b < BANDS; b++) {
      from = n->out + (s * BANDS + b) * (size_t) n->columns;
      to = coefs[s < signals ? s : 0] + b * stride;
      for (x = 0; x < n->columns; x++) {
        y = fabsf (from[x]) <= MOST ? from[x] : 0;
        /* a single signal is half of both */
        to[x] = s < signals ? y : 0.5f * (to[x] + y);
      }
    }
  }
  return WALLOC_OK;
}
