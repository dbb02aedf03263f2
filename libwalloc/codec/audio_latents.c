/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames of sound to latents: entropy decoding, and values for networks that
 * read latents instead of samples (docs/design/latent-inference.md). */
#include "codec/audio_decoder-private.h"

#include <math.h>
#include <string.h>

#include "bottleneck/linear.h"
#include "bottleneck/quantiser.h"
#include "codec/workers.h"
#include "transform/clones.h"
#include "transform/sound.h"

walloc_result
walloc_audio_latents_parse (const walloc_audio_decoder * d,
    const uint8_t * data, size_t size, walloc_frame_info * info,
    walloc_error * error)
{
  const walloc_model_info *model = &d->model->info;
  walloc_result result = walloc_frame_parse (data, size, info, error);

  if (result != WALLOC_OK)
    return result;
  if (info->media != WALLOC_MEDIA_AUDIO)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "the frame is one of pictures, not of sound");
  if (info->model_id != model->id)
    return walloc_fail (error, WALLOC_ERR_MODEL_MISMATCH,
        "the frame needs model %016llx, this is '%s' with %016llx",
        (unsigned long long) info->model_id, model->name,
        (unsigned long long) model->id);
  if (info->set >= model->sets || info->channels > model->channels)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "the frame's set %u and %u channels are not possible with model '%s'",
        info->set, info->channels, model->name);
  if (model->kind == WALLOC_MODEL_REFERENCE && !info->whole)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "the frame of model '%s' lacks the record of means and peaks",
        model->name);
  if (size < (size_t) info->header_size + info->payload_size)
    return walloc_fail (error, WALLOC_ERR_TRUNCATED,
        "only %zu of %zu bytes of the frame are there", size,
        (size_t) info->header_size + info->payload_size);
  return WALLOC_OK;
}

void
walloc_audio_latents_unprepare (walloc_audio_decoder * d)
{
  walloc_mem_release (&d->mem, &d->latents);
  walloc_mem_release (&d->mem, &d->entropy);
  walloc_mem_release (&d->mem, &d->planes);
  walloc_mem_release (&d->mem, &d->twin);
  walloc_mem_release (&d->mem, &d->companding);
  d->planes_room = 0;
  d->latents_columns = 0;
}

walloc_result
walloc_audio_latents_prepare (walloc_audio_decoder * d, unsigned columns,
    walloc_error * error)
{
  const unsigned n = d->model->info.channels;
  int short_of = 0;

  if (d->latents_columns == columns)
    return WALLOC_OK;
  d->latents_columns = 0;
  walloc_mem_release (&d->mem, &d->latents);
  walloc_mem_release (&d->mem, &d->entropy);
  d->latents = walloc_mem_take (&d->mem, walloc_slice_elements (columns, 1, n),
      sizeof (int16_t), &short_of);
  d->entropy = walloc_mem_take (&d->mem, 1, walloc_slice_scratch (d->model,
          columns, 1, n, WALLOC_SLICE_DECODE), &short_of);
  if (short_of)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "latents of %u columns need more memory than there is (limit %zu "
        "bytes)", columns, d->mem.a.limit);
  d->latents_columns = columns;
  return WALLOC_OK;
}

unsigned
walloc_audio_latents_pair (walloc_audio_decoder * d, const uint8_t * data,
    const walloc_frame_info * info, unsigned index, unsigned signals,
    unsigned *damaged)
{
  uint8_t present[WALLOC_MODEL_MAX_CHANNELS];
  walloc_slice_coder coder;
  walloc_slice slice;
  size_t offset, size;
  unsigned layer;

  walloc_audio_present (d->model, signals, present);
  walloc_slice_coder_init (&coder, d->model, info->set, info->channels,
      present);
  walloc_slice_coder_layers (&coder, info->layers, info->layer_end);
  memset (&slice, 0, sizeof slice);
  slice.width = info->columns;
  slice.rows = 1;
  slice.stride = walloc_slice_stride (info->columns);
  slice.plane_stride = walloc_slice_plane_stride (info->columns, 1);
  slice.planes = d->latents + walloc_slice_origin (info->columns);
  slice.scratch = d->entropy;
  for (layer = 0; layer < info->layers; layer++) {
    if (walloc_frame_segment (data, info, index, layer, &offset, &size) !=
        WALLOC_OK || walloc_slice_decode (&coder, &slice, layer,
            data + offset, size) != WALLOC_OK) {
      *damaged += info->layers - layer;
      break;
    }
  }
  return layer > 0 ? info->layer_end[layer - 1] : 0;
}

/* Memory for what is given out. */
static walloc_result
prepare_planes (walloc_audio_decoder * d, const walloc_frame_info * info,
    walloc_error * error)
{
  const unsigned n = d->model->info.channels;
  /* look-ups write whole blocks */
  const size_t need = (size_t) info->slices * n * info->columns +
      WALLOC_LINEAR_BLOCK;
  int short_of = 0;

  if (d->planes_room < need) {
    d->planes_room = 0;
    walloc_mem_release (&d->mem, &d->planes);
    d->planes = walloc_mem_take (&d->mem, need, sizeof *d->planes, &short_of);
    d->planes_room = short_of ? 0 : need;
  }
  if (d->model->info.kind == WALLOC_MODEL_REFERENCE && d->companding == NULL) {
    d->companding = walloc_mem_take (&d->mem, 1, sizeof *d->companding,
        &short_of);
    if (d->companding != NULL)
      walloc_companding_init (d->companding, d->model->latent_bits);
  } else if (d->model->info.kind == WALLOC_MODEL_ORDERED && d->twin == NULL) {
    d->twin = walloc_mem_take (&d->mem, n, sizeof *d->twin, &short_of);
    if (d->twin != NULL)
      walloc_audio_find_twins (d->model, d->twin);
  }
  if (short_of)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "values of %u channels of %u columns of sound need more memory than "
        "there is (limit %zu bytes)", n, info->columns, d->mem.a.limit);
  return WALLOC_OK;
}

WALLOC_CLONES static void
scale_latents (const int16_t * q, unsigned n, float step, float *out)
{
  unsigned x;

  for (x = 0; x < n; x++)
    out[x] = (float) q[x] * step;
}

/* Step of a channel in units of 16-bit samples. */
static float
step_of (const walloc_audio_decoder * d, const walloc_frame_info * info,
    unsigned channel)
{
  return (float) ldexp ((double) walloc_step_24 (info->step_index,
          d->model->set[info->set].weight[channel]),
      -24 - WALLOC_SOUND_FRACTION);
}

/* Values of the channels of a pair that were decoded, zeros for others. */
static void
fill_planes (const walloc_audio_decoder * d, const walloc_frame_info * info,
    unsigned index, unsigned signals, unsigned channels, float *planes)
{
  const unsigned columns = info->columns;
  unsigned c, x;
  const int16_t *q;
  float *to;

  for (c = 0; c < d->model->info.channels; c++) {
    q = d->latents + walloc_slice_origin (columns) +
        c * walloc_slice_plane_stride (columns, 1);
    to = planes + (size_t) c *columns;
    if (c >= channels || d->model->group[c] >= signals) {
      memset (to, 0, columns * sizeof *to);
    } else if (d->companding != NULL) {
      /* what it writes behind the row is overwritten by the next one */
      walloc_lookup (q, columns, d->companding->value, d->companding->half, to);
      for (x = 0; x < columns; x++)
        to[x] *= 2 * info->peak[index];
    } else {
      scale_latents (q, columns, step_of (d, info, c), to);
    }
  }
}

/* From the frame's rotation of a pair to mid and side. */
static void
turn_planes (const walloc_audio_decoder * d, unsigned rotation,
    unsigned columns, float *planes)
{
  float cosine, sine;

  if (rotation == WALLOC_AUDIO_MID_SIDE)
    return;
  walloc_audio_mid_side_angle (rotation, &cosine, &sine);
  walloc_audio_turn (d->model, d->twin, planes, columns, cosine, sine);
}

walloc_result
walloc_audio_decoder_latents (walloc_audio_decoder * decoder,
    const uint8_t * data, size_t size, walloc_audio_latents * latents,
    walloc_frame_info * info, unsigned *damaged, walloc_error * error)
{
  walloc_audio_decoder *d = decoder;
  unsigned i, channels, lost = 0;
  walloc_frame_info frame;
  walloc_result result;
  uint64_t begin;
  size_t pair;

  if (damaged != NULL)
    *damaged = 0;
  if (latents == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no place for latents");
  memset (latents, 0, sizeof *latents);
  if (d == NULL || data == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_audio_decoder_latents: NULL argument");
  result = walloc_audio_latents_parse (d, data, size, &frame, error);
  if (result == WALLOC_OK)
    result = walloc_audio_latents_prepare (d, frame.columns, error);
  if (result == WALLOC_OK)
    result = prepare_planes (d, &frame, error);
  if (result != WALLOC_OK)
    return result;
  begin = walloc_now ();
  pair = (size_t) d->model->info.channels * frame.columns;
  for (i = 0; i < frame.slices; i++) {
    latents->signals[i] = walloc_audio_signals (frame.audio_channels, i);
    channels = walloc_audio_latents_pair (d, data, &frame, i,
        latents->signals[i], &lost);
    fill_planes (d, &frame, i, latents->signals[i], channels,
        d->planes + i * pair);
    latents->rotation[i] = WALLOC_AUDIO_MID_SIDE;
    if (latents->signals[i] < 2 || d->companding != NULL)
      continue;
    latents->rotation[i] = frame.rotation[i];
    turn_planes (d, frame.rotation[i], frame.columns, d->planes + i * pair);
  }
  latents->pairs = frame.slices;
  latents->channels = d->model->info.channels;
  latents->columns = frame.columns;
  latents->data = d->planes;
  latents->step = d->companding == NULL ? step_of (d, &frame, 0) : 0;
  d->stats.ns_entropy += walloc_now () - begin;
  d->stats.frames++;
  d->stats.bytes += (uint64_t) frame.header_size + frame.payload_size;
  d->stats.damaged += lost;
  if (damaged != NULL)
    *damaged = lost;
  if (info != NULL)
    *info = frame;
  return WALLOC_OK;
}
