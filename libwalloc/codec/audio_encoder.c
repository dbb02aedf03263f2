/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sound to frames: docs/bitstream.md, docs/model-format.md, 2.4. Integers
 * only, from the samples on. */
#include "codec/audio_encoder-private.h"

#include <string.h>

#include "bottleneck/sound_quantiser.h"
#include "codec/workers.h"
#include "transform/clones.h"
#include "transform/sound.h"

#define DEFAULT_QUALITY 50
/* codec.quality counts from here. */
#define QUALITY_ZERO 128
#define MAX_RATE 0xffffff
/* Room for any header: sizes of segments, ends of layers, records. */
#define HEADER_ROOM (WALLOC_FRAME_MIN_HEADER + 256)
/* Channels that layers end with, as far as there are more. */
static const unsigned layer_end[WALLOC_SLICE_LAYERS - 1] = { 32, 96, 224 };

unsigned
walloc_audio_delay (const walloc_model * model)
{
  return model != NULL && model->info.kind == WALLOC_MODEL_REFERENCE ? 0 :
      WALLOC_AUDIO_DELAY;
}

void
walloc_audio_params_init (walloc_audio_params * params)
{
  if (params == NULL)
    return;
  memset (params, 0, sizeof *params);
  params->pts = WALLOC_TIME_NONE;
  params->duration = WALLOC_TIME_NONE;
}

/* What only one kind of model needs. */
static int
allocate_kind (walloc_audio_encoder * e)
{
  const size_t block = (size_t) e->columns * WALLOC_SOUND_BANDS;
  const unsigned columns = e->columns;
  int short_of = 0;
  unsigned i;

  if (e->model->info.kind == WALLOC_MODEL_REFERENCE) {
    e->second = walloc_mem_take (&e->mem, block, sizeof (int32_t), &short_of);
    e->reference = walloc_mem_take (&e->mem, 1, sizeof *e->reference,
        &short_of);
    return !short_of && walloc_audio_reference_init (e->reference, e->model,
        columns, 1, &e->mem);
  }
  for (i = 0; i < e->audio_channels; i++) {
    e->state[i] = walloc_mem_take (&e->mem,
        walloc_sound_analysis_size (columns), sizeof (int32_t), &short_of);
    e->coefs[i] = walloc_mem_take (&e->mem, block, sizeof (int32_t), &short_of);
  }
  e->sums = walloc_mem_take (&e->mem, columns, sizeof (int64_t), &short_of);
  return !short_of && walloc_audio_matrix_init (&e->matrix, e->model,
      &e->mem) == WALLOC_OK;
}

static int
allocate (walloc_audio_encoder * e)
{
  const unsigned d = e->model->info.channels, columns = e->columns;
  const size_t block = (size_t) columns * WALLOC_SOUND_BANDS;
  int short_of = 0;
  unsigned i;

  for (i = 0; i < e->pairs; i++)
    e->latents[i] = walloc_mem_take (&e->mem, walloc_slice_elements (columns,
            1, d), sizeof (int16_t), &short_of);
  e->samples = walloc_mem_take (&e->mem, block, sizeof (int32_t), &short_of);
  e->entropy = walloc_mem_take (&e->mem, 1, walloc_slice_scratch (e->model,
          columns, 1, d, WALLOC_SLICE_ENCODE), &short_of);
  e->out_size = walloc_slice_worst (columns, 1, d);
  e->out = walloc_mem_take (&e->mem, 1, e->out_size, &short_of);
  e->payload = walloc_mem_take (&e->mem, e->pairs, e->out_size, &short_of);
  e->frame_size = e->pairs * e->out_size + HEADER_ROOM;
  e->frame = walloc_mem_take (&e->mem, 1, e->frame_size, &short_of);
  e->stride = walloc_slice_plane_stride (columns, 1);
  return !short_of && allocate_kind (e);
}

walloc_result
walloc_audio_encoder_new (walloc_model * model,
    const walloc_allocator * allocator, unsigned rate,
    unsigned audio_channels, unsigned columns,
    walloc_audio_encoder ** encoder, walloc_error * error)
{
  walloc_audio_encoder *e;
  walloc_mem mem;
  unsigned s;

  if (encoder == NULL || model == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_audio_encoder_new: NULL argument");
  *encoder = NULL;
  if (rate < 1 || rate > MAX_RATE || audio_channels < 1 ||
      audio_channels > WALLOC_AUDIO_MAX_CHANNELS || columns < 1 ||
      columns > WALLOC_AUDIO_MAX_COLUMNS)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "%u samples per second, %u channels or blocks of %u columns: not 1 to "
        "%d, 1 to %d, 1 to %d", rate, audio_channels, columns, MAX_RATE,
        WALLOC_AUDIO_MAX_CHANNELS, WALLOC_AUDIO_MAX_COLUMNS);
  if (model->info.media != WALLOC_MEDIA_AUDIO)
    return walloc_fail (error, WALLOC_ERR_MODEL_MISMATCH,
        "model '%s' is one of pictures, not of sound", model->info.name);
  walloc_mem_init (&mem, allocator);
  e = walloc_mem_alloc (&mem, 1, sizeof *e);
  if (e == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "no memory for an encoder (%zu bytes)", sizeof *e);
  e->mem = mem;
  e->model = walloc_model_ref (model);
  e->rate = rate;
  e->audio_channels = audio_channels;
  e->pairs = (audio_channels + 1) / 2;
  e->columns = columns;
  e->uniform = 1;
  for (s = 1; s < model->info.sets && model->info.kind == WALLOC_MODEL_ORDERED;
      s++)
    if (memcmp (model->set[s].weight, model->set[0].weight,
            model->info.channels * sizeof *model->set[0].weight) != 0 ||
        memcmp (model->set[s].rounding, model->set[0].rounding,
            model->info.channels) != 0)
      e->uniform = 0;
  if (!allocate (e)) {
    walloc_audio_encoder_free (e);
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "blocks of %u columns of %u channels need more memory than there is "
        "(limit %zu bytes)", columns, audio_channels, mem.a.limit);
  }
  walloc_audio_encoder_reset (e);
  *encoder = e;
  return WALLOC_OK;
}

void
walloc_audio_encoder_free (walloc_audio_encoder * encoder)
{
  walloc_audio_encoder *e = encoder;
  walloc_mem mem;
  unsigned i;

  if (e == NULL)
    return;
  for (i = 0; i < WALLOC_AUDIO_MAX_CHANNELS; i++) {
    walloc_mem_release (&e->mem, &e->state[i]);
    walloc_mem_release (&e->mem, &e->coefs[i]);
  }
  for (i = 0; i < WALLOC_AUDIO_PAIRS; i++)
    walloc_mem_release (&e->mem, &e->latents[i]);
  if (e->reference != NULL)
    walloc_audio_reference_clear (e->reference, &e->mem);
  walloc_mem_release (&e->mem, &e->reference);
  walloc_mem_release (&e->mem, &e->second);
  walloc_mem_release (&e->mem, &e->samples);
  walloc_mem_release (&e->mem, &e->sums);
  walloc_mem_release (&e->mem, &e->entropy);
  walloc_mem_release (&e->mem, &e->out);
  walloc_mem_release (&e->mem, &e->payload);
  walloc_mem_release (&e->mem, &e->frame);
  walloc_mem_release (&e->mem, &e->matrix.entry);
  walloc_mem_release (&e->mem, &e->planes);
  walloc_mem_release (&e->mem, &e->twin);
  walloc_model_unref (e->model);
  mem = e->mem;
  walloc_mem_free (&mem, e);
}

void
walloc_audio_encoder_reset (walloc_audio_encoder * encoder)
{
  unsigned i;

  if (encoder == NULL)
    return;
  for (i = 0; i < encoder->audio_channels && encoder->reference == NULL; i++)
    memset (encoder->state[i], 0, walloc_sound_analysis_size (encoder->columns)
        * sizeof (int32_t));
  encoder->level = 0;
  encoder->ready = 0;
  encoder->sequence = 0;
}

/* One channel of interleaved samples in 1/64 of a 16-bit sample's unit. */
static void
load (const walloc_audio_encoder * e, const void *samples,
    walloc_sample_format format, unsigned channel, int32_t * out)
{
  const size_t n = (size_t) e->columns * WALLOC_SOUND_BANDS;
  const unsigned step = e->audio_channels;
  const int16_t *s16 = samples;
  const float *f32 = samples;
  size_t i;
  float x;

  if (format == WALLOC_SAMPLES_S16) {
    for (i = 0; i < n; i++)
      out[i] = s16[i * step + channel] * (1 << WALLOC_SOUND_FRACTION);
    return;
  }
  for (i = 0; i < n; i++) {
    x = f32[i * step + channel] * (float) (1 << (15 + WALLOC_SOUND_FRACTION));
    /* written so that what is not a number becomes 0 */
    x = x >= -(float) WALLOC_SOUND_MAX ? x : x < 0 ? -(float) WALLOC_SOUND_MAX :
        0;
    x = x <= (float) WALLOC_SOUND_MAX ? x : (float) WALLOC_SOUND_MAX;
    out[i] = (int32_t) (x + (x < 0 ? -0.5f : 0.5f));
  }
}

/* Kind reference: all the way to latents, which depend on nothing else. */
static void
transform_whole (walloc_audio_encoder * e, const void *samples,
    walloc_sample_format format)
{
  const int32_t *signals[2] = { e->samples, e->second };
  unsigned i, n;

  for (i = 0; i < e->pairs; i++) {
    n = walloc_audio_signals (e->audio_channels, i);
    load (e, samples, format, 2 * i, e->samples);
    if (n > 1)
      load (e, samples, format, 2 * i + 1, e->second);
    walloc_audio_reference_encode (e->reference, signals, n, e->latents[i] +
        walloc_slice_origin (e->columns), e->stride, &e->mean[i], &e->peak[i]);
    e->rotation[i] = WALLOC_AUDIO_MID_SIDE;
  }
}

static void
transform (walloc_audio_encoder * e, const void *samples,
    walloc_sample_format format)
{
  const size_t n = (size_t) e->columns * WALLOC_SOUND_BANDS;
  uint64_t energy = 0;
  unsigned i;

  if (e->reference != NULL) {
    transform_whole (e, samples, format);
    return;
  }
  for (i = 0; i < e->audio_channels; i++) {
    load (e, samples, format, i, e->samples);
    energy += walloc_audio_energy (e->samples, n);
    walloc_sound_analyse (e->state[i], e->samples, e->columns, e->coefs[i],
        e->columns);
  }
  walloc_audio_level_update (&e->level, energy, n * e->audio_channels,
      (unsigned) n, e->rate);
  for (i = 0; i < e->pairs; i++) {
    e->rotation[i] = WALLOC_AUDIO_MID_SIDE;
    if (walloc_audio_signals (e->audio_channels, i) < 2)
      continue;
    e->rotation[i] = (uint8_t) walloc_audio_choose_rotation (e->coefs[2 * i],
        e->coefs[2 * i + 1], n);
    walloc_audio_rotate (e->coefs[2 * i], e->coefs[2 * i + 1], n,
        e->rotation[i]);
  }
}

/* Latents of all pairs for a set; returns the bits of all magnitudes added
 * up, and raises *kept to the channels that are not all 0. */
static uint64_t
quantise (walloc_audio_encoder * e, unsigned set, unsigned step_index,
    unsigned channels, unsigned *kept)
{
  const walloc_model_set *s = &e->model->set[set];
  const unsigned bits = e->model->analysis_bits;
  walloc_sound_quantiser quantiser;
  const walloc_audio_entry *entry;
  unsigned c, i, k, n, all, weight = 0, rounding = 256, signals;
  const int32_t *coefs;
  uint64_t sum = 0;
  int16_t *q;

  for (c = 0; c < channels; c++) {
    if (s->weight[c] != weight || s->rounding[c] != rounding) {
      weight = s->weight[c];
      rounding = s->rounding[c];
      walloc_sound_quantiser_init (&quantiser, step_index, weight, rounding);
    }
    entry = e->matrix.entry + e->matrix.first[c];
    n = e->matrix.first[c + 1] - e->matrix.first[c];
    for (i = 0; i < e->pairs; i++) {
      signals = walloc_audio_signals (e->audio_channels, i);
      if (e->model->group[c] >= signals)
        continue;
      q = e->latents[i] + walloc_slice_origin (e->columns) + c * e->stride;
      coefs = e->coefs[2 * i + e->model->group[c]];
      if (n == 1) {
        all = walloc_sound_quantise (&quantiser, coefs + (size_t) entry->band *
            e->columns, e->columns, entry->analysis, bits, q);
      } else {
        memset (e->sums, 0, e->columns * sizeof *e->sums);
        for (k = 0; k < n; k++)
          walloc_sound_add (e->sums, coefs + (size_t) entry[k].band *
              e->columns, e->columns, entry[k].analysis);
        all = walloc_sound_quantise_sums (&quantiser, e->sums, e->columns,
            bits, q);
      }
      if (all == 0)
        continue;
      if (*kept <= c)
        *kept = c + 1;
      sum += walloc_sound_count_bits (q, e->columns, all);
    }
  }
  return sum;
}

static uint64_t
quantise_block (walloc_audio_encoder * e, unsigned set, unsigned step_index,
    unsigned channels, unsigned *kept)
{
  if (e->given)
    return walloc_audio_quantise_given (e, set, step_index, channels, kept);
  return quantise (e, set, step_index, channels, kept);
}

/* Channels up to the last that is not all 0, of those asked for. */
static unsigned
count_kept (const walloc_audio_encoder * e, unsigned channels)
{
  const int16_t *q;
  unsigned i, x;

  for (; channels > 0; channels--) {
    for (i = 0; i < e->pairs; i++) {
      q = e->latents[i] + walloc_slice_origin (e->columns) + (channels - 1) *
          e->stride;
      for (x = 0; x < e->columns; x++)
        if (q[x] != 0)
          return channels;
    }
  }
  return 0;
}

/* The set for a frame that is so full: 256 times the mean number of bits. */
static unsigned
choose_set (const walloc_audio_encoder * e, uint64_t bits)
{
  uint64_t full = 256 * bits / ((uint64_t) e->audio_channels *
      WALLOC_SOUND_BANDS * e->columns);

  return walloc_model_set_of_step (e->model, full > UINT16_MAX ? UINT16_MAX :
      (unsigned) full);
}

walloc_result
walloc_audio_encoder_check (const walloc_audio_encoder * e,
    const walloc_audio_params * params, walloc_error * error)
{
  const unsigned samples = e->columns * WALLOC_SOUND_BANDS;

  if (params->quality > 100)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "quality %u is not within 1 to 100, or 0 for %d", params->quality,
        DEFAULT_QUALITY);
  if (params->use_step && params->step_index > WALLOC_SOUND_STEP_MAX)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "step index %u is not within 0 to %d", params->step_index,
        WALLOC_SOUND_STEP_MAX);
  if (params->layers > WALLOC_SLICE_LAYERS)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "%u layers are not within 1 to %d", params->layers,
        WALLOC_SLICE_LAYERS);
  if (params->trim_start > samples || params->trim_end > samples -
      params->trim_start)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "a block of %u samples cannot be trimmed by %u and %u", samples,
        params->trim_start, params->trim_end);
  return WALLOC_OK;
}

static unsigned
choose_step (const walloc_audio_encoder * e,
    const walloc_audio_params * params, unsigned *channels)
{
  unsigned q = params->quality != 0 ? params->quality : DEFAULT_QUALITY;
  const uint16_t *row = e->model->quality + 2 * (q - 1);
  unsigned level = walloc_audio_level_index (e->level) + QUALITY_ZERO;

  *channels = params->use_step ? e->model->info.channels : row[1];
  if (params->channels != 0 && params->channels < *channels)
    *channels = params->channels;
  if (params->use_step)
    return params->step_index;
  level = level > row[0] ? level - row[0] : 0;
  return level < WALLOC_SOUND_STEP_MAX ? level : WALLOC_SOUND_STEP_MAX;
}

/* All pairs into e->payload; returns its bytes. */
static size_t
code (walloc_audio_encoder * e, const walloc_audio_params * params,
    walloc_frame_info * info, uint32_t * sizes)
{
  uint8_t present[2][WALLOC_MODEL_MAX_CHANNELS];
  size_t size[WALLOC_SLICE_LAYERS], at = 0, bytes;
  walloc_slice_coder coder;
  walloc_slice slice;
  unsigned i, k, signals, layers = params->layers, n;

  for (n = 0; n + 1 < layers && layer_end[n] < info->channels;)
    n++;
  info->layers = n + 1;
  for (k = 0; k < n; k++)
    info->layer_end[k] = layer_end[k];
  walloc_audio_present (e->model, 1, present[0]);
  walloc_audio_present (e->model, 2, present[1]);
  memset (&slice, 0, sizeof slice);
  slice.width = e->columns;
  slice.rows = 1;
  slice.stride = walloc_slice_stride (e->columns);
  slice.plane_stride = e->stride;
  slice.scratch = e->entropy;
  for (i = 0; i < e->pairs; i++) {
    signals = walloc_audio_signals (e->audio_channels, i);
    walloc_slice_coder_init (&coder, e->model, info->set, info->channels,
        present[signals - 1]);
    walloc_slice_coder_layers (&coder, info->layers, layer_end);
    slice.planes = e->latents[i] + walloc_slice_origin (e->columns);
    memset (size, 0, sizeof size);
    /* it fits: out_size is what no slice exceeds */
    walloc_slice_encode (&coder, &slice, e->out, e->out_size, size);
    for (k = 0, bytes = 0; k < info->layers; k++) {
      sizes[i * info->layers + k] = (uint32_t) size[k];
      bytes += size[k];
    }
    memcpy (e->payload + at, e->out + e->out_size - bytes, bytes);
    at += bytes;
  }
  return at;
}

walloc_result
walloc_audio_encoder_make (walloc_audio_encoder * e,
    const walloc_audio_params * params, const uint8_t ** data, size_t *size,
    walloc_frame_info * out, walloc_error * error)
{
  uint32_t sizes[WALLOC_AUDIO_PAIRS * WALLOC_SLICE_LAYERS] = { 0 };
  unsigned channels, step_index = choose_step (e, params, &channels);
  unsigned kept = 0, set;
  uint64_t begin = walloc_now (), bits;
  walloc_frame_info info;
  walloc_result result;
  size_t payload;

  if (e->reference != NULL) {
    step_index = set = 0;
    kept = count_kept (e, channels);
  } else {
    bits = quantise_block (e, 0, step_index, channels, &kept);
    set = choose_set (e, bits);
    if (set != 0 && !e->uniform) {
      kept = 0;
      quantise_block (e, set, step_index, channels, &kept);
    }
  }
  e->stats.ns_project += walloc_now () - begin;

  walloc_frame_info_init (&info);
  info.media = WALLOC_MEDIA_AUDIO;
  info.model_id = e->model->info.id;
  info.rate = e->rate;
  info.audio_channels = e->audio_channels;
  info.columns = e->columns;
  info.slices = e->pairs;
  info.set = set;
  info.step_index = step_index;
  info.channels = kept > 0 ? kept : 1;
  info.sequence = e->sequence & 255;
  memcpy (info.rotation, e->rotation, e->pairs);
  info.whole = e->reference != NULL;
  memcpy (info.mean, e->mean, e->pairs * sizeof *e->mean);
  memcpy (info.peak, e->peak, e->pairs * sizeof *e->peak);
  info.pts = params->pts;
  info.duration = params->duration;
  info.trim_start = params->trim_start;
  info.trim_end = params->trim_end;
  info.mask = params->mask;
  begin = walloc_now ();
  payload = code (e, params, &info, sizes);
  e->stats.ns_entropy += walloc_now () - begin;
  result = walloc_frame_write (e->frame, e->frame_size, &info, sizes, error);
  if (result != WALLOC_OK)
    return result;
  memcpy (e->frame + info.header_size, e->payload, payload);
  *data = e->frame;
  *size = info.header_size + payload;
  if (out != NULL)
    *out = info;
  e->stats.frames++;
  e->stats.bytes += *size;
  e->stats.samples += (uint64_t) e->columns * WALLOC_SOUND_BANDS;
  return WALLOC_OK;
}

walloc_result
walloc_audio_encoder_encode (walloc_audio_encoder * encoder,
    const void *samples, walloc_sample_format format,
    const walloc_audio_params * params, const uint8_t ** data, size_t *size,
    walloc_frame_info * info, walloc_error * error)
{
  walloc_audio_params defaults;
  walloc_result result;
  uint64_t begin;

  if (encoder == NULL || samples == NULL || data == NULL || size == NULL ||
      (format != WALLOC_SAMPLES_S16 && format != WALLOC_SAMPLES_F32))
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_audio_encoder_encode: NULL argument or no such format");
  if (params == NULL) {
    walloc_audio_params_init (&defaults);
    params = &defaults;
  }
  result = walloc_audio_encoder_check (encoder, params, error);
  if (result != WALLOC_OK)
    return result;
  encoder->stats_before = encoder->stats;
  encoder->given = 0;
  begin = walloc_now ();
  transform (encoder, samples, format);
  if (encoder->ready)
    encoder->sequence++;
  encoder->ready = 1;
  encoder->stats.ns_transform += walloc_now () - begin;
  return walloc_audio_encoder_make (encoder, params, data, size, info, error);
}

walloc_result
walloc_audio_encoder_again (walloc_audio_encoder * encoder,
    const walloc_audio_params * params, const uint8_t ** data, size_t *size,
    walloc_frame_info * info, walloc_error * error)
{
  walloc_audio_encoder_stats now;
  walloc_result result;

  if (encoder == NULL || params == NULL || data == NULL || size == NULL ||
      !encoder->ready)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_audio_encoder_again: NULL argument or nothing encoded yet");
  result = walloc_audio_encoder_check (encoder, params, error);
  if (result != WALLOC_OK)
    return result;
  /* time counts, the frame that is thrown away does not */
  now = encoder->stats;
  encoder->stats = encoder->stats_before;
  encoder->stats.ns_transform = now.ns_transform;
  encoder->stats.ns_project = now.ns_project;
  encoder->stats.ns_entropy = now.ns_entropy;
  return walloc_audio_encoder_make (encoder, params, data, size, info, error);
}

void
walloc_audio_encoder_get_stats (const walloc_audio_encoder * encoder,
    walloc_audio_encoder_stats * stats)
{
  if (stats == NULL)
    return;
  memset (stats, 0, sizeof *stats);
  if (encoder != NULL)
    *stats = encoder->stats;
}
