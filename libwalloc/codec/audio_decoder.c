/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames of sound to samples: docs/bitstream.md. Floats behind the latents.
 *
 * What is lost, a segment or a frame, is replaced by what was heard last: each
 * band goes on with the energy of its last columns and random signs, fading
 * from call to call. */
#include "codec/audio_decoder-private.h"

#include <math.h>
#include <string.h>

#include "bottleneck/quantiser.h"
#include "bottleneck/sparse.h"
#include "codec/audio_conceal.h"
#include "codec/workers.h"
#include "transform/sound.h"

/* What is left of a lost block with every further one. */
#define FADE 0.5f

walloc_result
walloc_audio_decoder_new (walloc_model * model,
    const walloc_allocator * allocator, walloc_audio_decoder ** decoder,
    walloc_error * error)
{
  walloc_audio_decoder *d;
  walloc_mem mem;

  if (decoder == NULL || model == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_audio_decoder_new: NULL argument");
  *decoder = NULL;
  if (model->info.media != WALLOC_MEDIA_AUDIO)
    return walloc_fail (error, WALLOC_ERR_MODEL_MISMATCH,
        "model '%s' is one of pictures, not of sound", model->info.name);
  walloc_mem_init (&mem, allocator);
  d = walloc_mem_alloc (&mem, 1, sizeof *d);
  if (d == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "no memory for a decoder (%zu bytes)", sizeof *d);
  d->mem = mem;
  d->model = walloc_model_ref (model);
  d->kind = WALLOC_DECODER_LINEAR;
  if (allocator != NULL)
    d->allocator = *allocator;
  if (model->info.kind == WALLOC_MODEL_ORDERED &&
      walloc_audio_matrix_init (&d->matrix, model, &d->mem) != WALLOC_OK) {
    walloc_audio_decoder_free (d);
    return walloc_fail (error, WALLOC_ERR_MEMORY, "no memory for a matrix");
  }
  *decoder = d;
  return WALLOC_OK;
}

static void
unprepare (walloc_audio_decoder * d)
{
  unsigned i;

  for (i = 0; i < WALLOC_AUDIO_MAX_CHANNELS; i++) {
    walloc_mem_release (&d->mem, &d->state[i]);
    walloc_mem_release (&d->mem, &d->coefs[i]);
    walloc_mem_release (&d->mem, &d->recent[i]);
  }
  if (d->reference != NULL)
    walloc_audio_reference_clear (d->reference, &d->mem);
  walloc_mem_release (&d->mem, &d->reference);
  walloc_mem_release (&d->mem, &d->samples);
  walloc_mem_release (&d->mem, &d->values);
  d->audio_channels = d->columns = 0;
}

void
walloc_audio_decoder_free (walloc_audio_decoder * decoder)
{
  walloc_mem mem;

  if (decoder == NULL)
    return;
  unprepare (decoder);
  walloc_audio_latents_unprepare (decoder);
  walloc_audio_network_free (decoder->network);
  walloc_audio_reference_net_free (decoder->reference_net);
  walloc_mem_release (&decoder->mem, &decoder->matrix.entry);
  walloc_model_unref (decoder->model);
  mem = decoder->mem;
  walloc_mem_free (&mem, decoder);
}

/* Whether decoder=auto does without what cannot be had. */
static int
can_do_without (walloc_result result)
{
  return result == WALLOC_ERR_UNSUPPORTED || result == WALLOC_ERR_LIMIT ||
      result == WALLOC_ERR_MEMORY;
}

/* The same with models of kind reference. */
static walloc_result
set_reference_kind (walloc_audio_decoder * d, walloc_decoder_kind kind,
    walloc_error * error)
{
  const walloc_decoder_kind wanted = kind == WALLOC_DECODER_AUTO ?
      WALLOC_DECODER_FAST : kind;
  walloc_audio_reference_net *net;
  walloc_result result;

  if (wanted != WALLOC_DECODER_LINEAR && (d->reference_net == NULL ||
          d->reference_kind != wanted)) {
    result = walloc_audio_reference_net_new (d->model, wanted, &d->allocator,
        &net, error);
    if (result != WALLOC_OK && (kind != WALLOC_DECODER_AUTO ||
            !can_do_without (result)))
      return result;
    walloc_audio_reference_net_free (d->reference_net);
    d->reference_net = net;
    d->reference_kind = wanted;
  }
  d->kind = kind;
  return WALLOC_OK;
}

walloc_result
walloc_audio_decoder_set_kind (walloc_audio_decoder * decoder,
    walloc_decoder_kind kind, walloc_error * error)
{
  walloc_audio_network *network = NULL;
  walloc_result result;

  if (decoder == NULL || (unsigned) kind > WALLOC_DECODER_BEST)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, decoder == NULL ?
        "no decoder" : "no such kind of decoder");
  if (decoder->model->info.kind == WALLOC_MODEL_REFERENCE)
    return set_reference_kind (decoder, kind, error);
  if (kind == WALLOC_DECODER_BEST)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "there is no decoder \"best\" for sound, only \"linear\" and "
        "\"fast\"");
  if (kind == decoder->kind)
    return WALLOC_OK;
  if (kind != WALLOC_DECODER_LINEAR && decoder->network == NULL) {
    result = walloc_audio_network_new (decoder->model, &decoder->allocator,
        &network, error);
    if (result != WALLOC_OK && (kind != WALLOC_DECODER_AUTO ||
            !can_do_without (result)))
      return result;
    decoder->network = network;
  }
  decoder->kind = kind;
  if (decoder->network != NULL)
    walloc_audio_network_reset (decoder->network);
  return WALLOC_OK;
}

void
walloc_audio_decoder_reset (walloc_audio_decoder * decoder)
{
  unsigned i;

  if (decoder == NULL)
    return;
  for (i = 0; i < decoder->audio_channels; i++) {
    if (decoder->state[i] != NULL)
      memset (decoder->state[i], 0,
          walloc_sound_synthesis_size (decoder->columns) * sizeof (float));
    memset (decoder->recent[i], 0, WALLOC_SOUND_BANDS * sizeof (float));
  }
  decoder->fade = 1;
  if (decoder->network != NULL)
    walloc_audio_network_reset (decoder->network);
}

/* Memory for blocks like this one; a change of size begins anew. */
static walloc_result
prepare (walloc_audio_decoder * d, const walloc_frame_info * info,
    walloc_error * error)
{
  const int whole = d->model->info.kind == WALLOC_MODEL_REFERENCE;
  int short_of = 0;
  unsigned i;

  if (d->audio_channels == info->audio_channels && d->columns == info->columns)
    return WALLOC_OK;
  unprepare (d);
  if (d->network != NULL)
    walloc_audio_network_reset (d->network);
  d->pairs = info->slices;
  d->stride = ((size_t) info->columns + WALLOC_SPARSE_RUN - 1) /
      WALLOC_SPARSE_RUN * WALLOC_SPARSE_RUN;
  for (i = 0; i < info->audio_channels; i++) {
    if (!whole)
      d->state[i] = walloc_mem_take (&d->mem,
          walloc_sound_synthesis_size (info->columns), sizeof (float),
          &short_of);
    d->coefs[i] = walloc_mem_take (&d->mem, d->stride * WALLOC_SOUND_BANDS,
        sizeof (float), &short_of);
    d->recent[i] = walloc_mem_take (&d->mem, WALLOC_SOUND_BANDS,
        sizeof (float), &short_of);
  }
  d->samples = walloc_mem_take (&d->mem, (size_t) info->columns *
      WALLOC_SOUND_BANDS, sizeof (float), &short_of);
  d->values = walloc_mem_take (&d->mem, d->stride, sizeof (float), &short_of);
  if (whole) {
    d->reference = walloc_mem_take (&d->mem, 1, sizeof *d->reference,
        &short_of);
    short_of = short_of || !walloc_audio_reference_init (d->reference,
        d->model, info->columns, 0, &d->mem);
  }
  if (short_of) {
    unprepare (d);
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "%u columns of %u channels need more memory than there is (limit %zu "
        "bytes)", info->columns, info->audio_channels, d->mem.a.limit);
  }
  d->audio_channels = info->audio_channels;
  d->columns = info->columns;
  d->fade = 1;
  return WALLOC_OK;
}

/* Values of a pair's latents, and what they add to its coefficients. */
static void
synthesise_latents (walloc_audio_decoder * d, const walloc_frame_info * info,
    unsigned index, unsigned signals, unsigned channels)
{
  const walloc_model_set *set = &d->model->set[info->set];
  const walloc_audio_entry *entry, *end;
  const int16_t *q;
  unsigned c, group, x;
  float *to;

  if (d->reference != NULL) {
    walloc_audio_reference_values (d->reference, d->latents +
        walloc_slice_origin (d->columns), walloc_slice_plane_stride
        (d->columns, 1), channels);
    walloc_audio_reference_linear (d->reference, d->coefs + 2 * index,
        d->stride, signals);
    d->mean[index] = info->mean[index];
    d->peak[index] = info->peak[index];
    d->post[index] = 0;
    return;
  }
  for (c = 0; c < signals; c++)
    memset (d->coefs[2 * index + c], 0,
        d->stride * WALLOC_SOUND_BANDS * sizeof (float));
  for (c = 0; c < channels; c++) {
    group = d->model->group[c];
    q = d->latents + walloc_slice_origin (d->columns) + c *
        walloc_slice_plane_stride (d->columns, 1);
    if (group >= signals || walloc_sparse_look (q, d->columns < 32 *
            WALLOC_SPARSE_RUN ? d->columns : 32 * WALLOC_SPARSE_RUN).peak == 0)
      continue;
    walloc_sparse_values (q, d->columns, set->recon + 3 * c,
        (float) ldexp ((double) walloc_step_24 (info->step_index,
                set->weight[c]), -24 - WALLOC_SOUND_FRACTION), d->values);
    entry = d->matrix.entry + d->matrix.first[c];
    end = d->matrix.entry + d->matrix.first[c + 1];
    for (; entry < end; entry++) {
      to = d->coefs[2 * index + group] + entry->band * d->stride;
      for (x = 0; x < d->columns; x++)
        to[x] += d->values[x] * entry->synthesis;
    }
  }
}

/* What the network adds to that; with models of kind reference, what it puts
 * in its place. */
static void
add_network (walloc_audio_decoder * d, const walloc_frame_info * info,
    unsigned index, unsigned signals, unsigned channels)
{
  walloc_audio_network_pair pair = { info, index, signals, channels,
    d->latents + walloc_slice_origin (d->columns),
    walloc_slice_plane_stride (d->columns, 1),
    {d->coefs[2 * index], d->coefs[2 * index + signals - 1]}, d->stride
  };
  uint64_t begin = walloc_now ();

  /* where it fails, what the matrix made stays */
  if (d->reference_net != NULL)
    d->post[index] = walloc_audio_reference_net_run (d->reference_net,
        d->reference, d->coefs + 2 * index, d->stride, signals,
        NULL) == WALLOC_OK;
  else
    walloc_audio_network_add (d->network, &pair);
  d->stats.ns_network += walloc_now () - begin;
}

/* Whether a network takes part in decoding blocks like this one. */
static walloc_result
prepare_network (walloc_audio_decoder * d, const walloc_frame_info * info,
    int *use, walloc_error * error)
{
  walloc_result result;

  *use = (d->network != NULL || d->reference_net != NULL) &&
      d->kind != WALLOC_DECODER_LINEAR;
  if (!*use)
    return WALLOC_OK;
  result = d->reference_net != NULL ?
      walloc_audio_reference_net_prepare (d->reference_net, info->columns,
      error) : walloc_audio_network_prepare (d->network, info->columns, error);
  *use = result == WALLOC_OK;
  return d->kind == WALLOC_DECODER_AUTO && can_do_without (result) ?
      WALLOC_OK : result;
}

static void
store (const walloc_audio_decoder * d, const float *from, unsigned channel,
    walloc_sample_format format, void *samples)
{
  const size_t n = (size_t) d->columns * WALLOC_SOUND_BANDS;
  const unsigned step = d->audio_channels;
  int16_t *s16 = samples;
  float *f32 = samples, x;
  size_t i;

  for (i = 0; i < n; i++) {
    x = from[i];
    if (format == WALLOC_SAMPLES_F32) {
      f32[i * step + channel] = x * (1.0f / 32768);
    } else {
      x = x < -32768 ? -32768 : x > 32767 ? 32767 : x;
      s16[i * step + channel] = (int16_t) (x < 0 ? x - 0.5f : x + 0.5f);
    }
  }
}

static void
synthesise (walloc_audio_decoder * d, walloc_sample_format format,
    void *samples)
{
  unsigned i, k, n;

  for (i = 0; i < d->pairs && d->reference != NULL; i++) {
    n = walloc_audio_signals (d->audio_channels, i);
    walloc_audio_reference_synthesise (d->reference, d->coefs + 2 * i,
        d->stride, n, d->post[i], d->mean[i], d->peak[i]);
    for (k = 0; k < n; k++)
      store (d, d->reference->samples[k], 2 * i + k, format, samples);
  }
  for (i = 0; i < d->audio_channels && d->reference == NULL; i++) {
    walloc_sound_synthesise (d->state[i], d->coefs[i], d->stride, d->columns,
        d->samples);
    store (d, d->samples, i, format, samples);
  }
  d->stats.samples += (uint64_t) d->columns * WALLOC_SOUND_BANDS;
}

static walloc_result
check_room (unsigned columns, unsigned audio_channels,
    walloc_sample_format format, const void *samples, size_t room,
    walloc_error * error)
{
  const size_t need = (size_t) columns * WALLOC_SOUND_BANDS * audio_channels;

  if (samples == NULL || (format != WALLOC_SAMPLES_S16 &&
          format != WALLOC_SAMPLES_F32))
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "no place for samples, or no such format");
  if (room < need)
    return walloc_fail (error, WALLOC_ERR_SPACE,
        "room for %zu samples, %zu are needed", room, need);
  return WALLOC_OK;
}

walloc_result
walloc_audio_decoder_decode (walloc_audio_decoder * decoder,
    const uint8_t * data, size_t size, walloc_sample_format format,
    void *samples, size_t room, walloc_frame_info * info, unsigned *damaged,
    walloc_error * error)
{
  walloc_audio_decoder *d = decoder;
  unsigned i, k, signals, channels, lost = 0;
  walloc_frame_info frame;
  walloc_result result;
  uint64_t begin;
  int network = 0;

  if (damaged != NULL)
    *damaged = 0;
  if (d == NULL || data == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_audio_decoder_decode: NULL argument");
  result = walloc_audio_latents_parse (d, data, size, &frame, error);
  if (result == WALLOC_OK)
    result = check_room (frame.columns, frame.audio_channels, format, samples,
        room, error);
  if (result == WALLOC_OK)
    result = walloc_audio_latents_prepare (d, frame.columns, error);
  if (result == WALLOC_OK)
    result = prepare (d, &frame, error);
  if (result == WALLOC_OK)
    result = prepare_network (d, &frame, &network, error);
  if (result != WALLOC_OK)
    return result;
  for (i = 0; i < d->pairs; i++) {
    begin = walloc_now ();
    signals = walloc_audio_signals (d->audio_channels, i);
    channels = walloc_audio_latents_pair (d, data, &frame, i, signals, &lost);
    d->stats.ns_entropy += walloc_now () - begin;
    begin = walloc_now ();
    if (channels > 0) {
      synthesise_latents (d, &frame, i, signals, channels);
      if (network)
        add_network (d, &frame, i, signals, channels);
      if (signals > 1 && d->reference == NULL)
        walloc_audio_rotate_back (d->coefs[2 * i], d->coefs[2 * i + 1],
            d->stride * WALLOC_SOUND_BANDS, frame.rotation[i]);
      for (k = 0; k < signals; k++)
        walloc_audio_remember (d->coefs[2 * i + k], d->stride, d->columns,
            d->recent[2 * i + k]);
    } else {
      for (k = 0; k < signals; k++)
        walloc_audio_replace (d->coefs[2 * i + k], d->stride, d->columns,
            d->recent[2 * i + k], 1, &d->noise);
      if (network && d->network != NULL)
        walloc_audio_network_forget (d->network, i);
    }
    d->stats.ns_synthesis += walloc_now () - begin;
  }
  begin = walloc_now ();
  synthesise (d, format, samples);
  d->stats.ns_synthesis += walloc_now () - begin;
  d->fade = 1;
  d->stats.frames++;
  d->stats.bytes += (uint64_t) frame.header_size + frame.payload_size;
  d->stats.damaged += lost;
  if (damaged != NULL)
    *damaged = lost;
  if (info != NULL)
    *info = frame;
  return WALLOC_OK;
}

walloc_result
walloc_audio_decoder_conceal (walloc_audio_decoder * decoder,
    walloc_sample_format format, void *samples, size_t room,
    walloc_error * error)
{
  walloc_audio_decoder *d = decoder;
  walloc_result result;
  unsigned i;

  if (d == NULL || d->columns == 0)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "nothing to conceal: no frame of sound was decoded yet");
  result = check_room (d->columns, d->audio_channels, format, samples, room,
      error);
  if (result != WALLOC_OK)
    return result;
  for (i = 0; i < d->audio_channels; i++)
    walloc_audio_replace (d->coefs[i], d->stride, d->columns, d->recent[i],
        d->fade, &d->noise);
  if (d->network != NULL)
    walloc_audio_network_reset (d->network);
  d->fade *= FADE;
  synthesise (d, format, samples);
  for (i = 0; i < d->pairs; i++)
    d->mean[i] *= FADE;
  d->stats.concealed++;
  return WALLOC_OK;
}

void
walloc_audio_decoder_get_stats (const walloc_audio_decoder * decoder,
    walloc_audio_decoder_stats * stats)
{
  if (stats == NULL)
    return;
  memset (stats, 0, sizeof *stats);
  if (decoder != NULL)
    *stats = decoder->stats;
}
