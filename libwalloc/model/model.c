/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Model files: docs/model-format.md. */
#include "model/model.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "common/bytes.h"
#include "model/loader.h"

#define QUALITIES 100
#define MAX_STEP_INDEX 176
#define MAX_SLOPE 4096          /* of codec.scale */
#define SCALE_COLUMNS 5
#define MAX_ROW_SUM 65535       /* of codec.analysis: times 32767 < 2^31 */
#define MIN_WEIGHT 64
#define MAX_ROUNDING 128
#define MAX_REAL 65536.0f       /* of floats: keeps sums finite */
#define LEVELS 3
#define SOUND_LEVELS 8
#define MAX_SOUND_QUALITY 511   /* 128 more than what the level is above */
#define Z ((size_t) 0)          /* ends lists of dimensions */

#define FNV_OFFSET UINT64_C (0xcbf29ce484222325)
#define FNV_PRIME UINT64_C (0x100000001b3)

static uint64_t
fnv (uint64_t hash, const void *data, size_t size)
{
  const uint8_t *p = data;
  size_t i;

  for (i = 0; i < size; i++)
    hash = (hash ^ p[i]) * FNV_PRIME;
  return hash;
}

/* Model id: a hash of all that a stream's meaning depends on. */
static uint64_t
hash_model (const walloc_safetensors * file)
{
  static const char *const keys[] = {
    "walloc.kind", "walloc.media", "walloc.levels", "walloc.latent_bits",
    "walloc.analysis_bits"
  };
  uint64_t hash = FNV_OFFSET;
  const walloc_tensor *t;
  const char *value;
  uint8_t dim[8];
  unsigned i, j;

  for (i = 0; i < file->n_tensors; i++) {
    t = &file->tensors[i];
    if (strncmp (t->name, "codec.", 6) != 0 ||
        strcmp (t->name, "codec.rounding") == 0 ||
        strcmp (t->name, "codec.quality") == 0 ||
        strcmp (t->name, "codec.scale") == 0)
      continue;
    hash = fnv (hash, t->name, strlen (t->name) + 1);
    hash = fnv (hash, t->type, strlen (t->type) + 1);
    for (j = 0; j < t->rank; j++) {
      walloc_put_u64 (dim, t->dims[j]);
      hash = fnv (hash, dim, sizeof dim);
    }
    hash = fnv (hash, t->data, t->size);
  }
  for (i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    value = walloc_safetensors_metadata (file, keys[i]);
    if (value == NULL)
      value = "";
    hash = fnv (hash, value, strlen (value) + 1);
  }
  return hash;
}

/* A metadata entry that is a number of one or two digits. */
static int
read_number (walloc_loader * l, const char *key, unsigned min, unsigned max,
    unsigned *out)
{
  const char *value = walloc_safetensors_metadata (l->model->file, key);
  unsigned n = 0;
  size_t i = 0;

  if (value == NULL)
    return walloc_loader_fail (l, "%s is missing from the metadata", key);
  while (i < 2 && value[i] >= '0' && value[i] <= '9')
    n = 10 * n + (unsigned) (value[i++] - '0');
  if ((i == 0 || value[i] != '\0' || n != min) && min == max)
    return walloc_loader_fail (l, "%s is \"%.20s\" instead of %u", key, value,
        min);
  if (i == 0 || value[i] != '\0' || n < min || n > max)
    return walloc_loader_fail (l, "%s is \"%.20s\" instead of %u to %u", key,
        value, min, max);
  *out = n;
  return 1;
}

static int
load_metadata (walloc_loader * l)
{
  walloc_model *m = l->model;
  const char *format, *kind, *media;
  unsigned levels;

  format = walloc_safetensors_metadata (m->file, "walloc.format");
  kind = walloc_safetensors_metadata (m->file, "walloc.kind");
  media = walloc_safetensors_metadata (m->file, "walloc.media");
  m->info.name = walloc_safetensors_metadata (m->file, "walloc.name");
  if (format == NULL || kind == NULL || media == NULL || m->info.name == NULL)
    return walloc_loader_fail (l,
        "walloc.%s is missing from the metadata; this is no walloc model",
        format == NULL ? "format" : kind == NULL ? "kind" :
        media == NULL ? "media" : "name");
  if (strcmp (format, "1") != 0)
    return walloc_loader_fail (l,
        "walloc.format is \"%.20s\"; this version reads \"1\"", format);
  if (strcmp (kind, "ordered") == 0)
    m->info.kind = WALLOC_MODEL_ORDERED;
  else if (strcmp (kind, "reference") == 0)
    m->info.kind = WALLOC_MODEL_REFERENCE;
  else
    return walloc_loader_fail (l,
        "walloc.kind is \"%.20s\" instead of ordered or reference", kind);
  if (strcmp (media, "video") == 0)
    m->info.media = WALLOC_MEDIA_VIDEO;
  else if (strcmp (media, "audio") == 0)
    m->info.media = WALLOC_MEDIA_AUDIO;
  else
    return walloc_loader_fail (l,
        "walloc.media is \"%.20s\" instead of video or audio", media);
  levels = m->info.media == WALLOC_MEDIA_AUDIO ? SOUND_LEVELS : LEVELS;
  if (!read_number (l, "walloc.levels", levels, levels, &m->info.levels))
    return 0;
  if (m->info.kind == WALLOC_MODEL_ORDERED)
    return read_number (l, "walloc.analysis_bits", 8, 14, &m->analysis_bits);
  return read_number (l, "walloc.latent_bits", 2, 8, &m->latent_bits);
}

/* D, S, groups and the tables of operating points. */
static int
load_frame (walloc_loader * l)
{
  static const uint64_t any[1] = { 0 };
  walloc_model *m = l->model;
  const walloc_tensor *group, *limit;
  unsigned i, max_group, max_step;

  group = walloc_loader_find (l, "codec.group", "U8", 1, any);
  limit = walloc_loader_find (l, "codec.set_limit", "U16", 1, any);
  if (l->result != WALLOC_OK)
    return 0;
  if (group->dims[0] < 1 || group->dims[0] > WALLOC_MODEL_MAX_CHANNELS)
    return walloc_loader_fail (l, "codec.group: %llu channels are not 1 to %d",
        (unsigned long long) group->dims[0], WALLOC_MODEL_MAX_CHANNELS);
  if (limit->dims[0] < 1 || limit->dims[0] > WALLOC_MODEL_MAX_SETS)
    return walloc_loader_fail (l, "codec.set_limit: %llu sets are not 1 to %d",
        (unsigned long long) limit->dims[0], WALLOC_MODEL_MAX_SETS);
  m->info.channels = (unsigned) group->dims[0];
  m->info.sets = (unsigned) limit->dims[0];
  m->group = walloc_loader_fetch (l, "codec.group", "U8",
      (size_t) m->info.channels, Z);
  m->set_limit = walloc_loader_fetch (l, "codec.set_limit", "U16",
      (size_t) m->info.sets, Z);
  m->quality = walloc_loader_fetch (l, "codec.quality", "U16",
      (size_t) QUALITIES, (size_t) 2, Z);
  if (l->result != WALLOC_OK)
    return 0;
  max_group = m->info.kind == WALLOC_MODEL_REFERENCE ? 0 :
      m->info.media == WALLOC_MEDIA_AUDIO ? WALLOC_GROUP_SECOND :
      WALLOC_GROUP_DETAIL;
  max_step = m->info.media == WALLOC_MEDIA_AUDIO ? MAX_SOUND_QUALITY :
      MAX_STEP_INDEX;
  for (i = 0; i < m->info.channels; i++)
    if (m->group[i] > max_group)
      return walloc_loader_fail (l, "codec.group: %u of channel %u exceeds %u",
          m->group[i], i, max_group);
  for (i = 1; i < m->info.sets; i++)
    if (m->set_limit[i] < m->set_limit[i - 1])
      return walloc_loader_fail (l,
          "codec.set_limit: entry %u is less than the one before", i);
  if (m->set_limit[m->info.sets - 1] != UINT16_MAX)
    return walloc_loader_fail (l, "codec.set_limit: the last is not 65535");
  for (i = 0; i < QUALITIES; i++) {
    if (m->quality[2 * i] > max_step)
      return walloc_loader_fail (l,
          "codec.quality: step index %u of quality %u exceeds %u",
          m->quality[2 * i], i + 1, max_step);
    if (m->quality[2 * i + 1] < 1 || m->quality[2 * i + 1] > m->info.channels)
      return walloc_loader_fail (l,
          "codec.quality: %u channels of quality %u are not 1 to %u",
          m->quality[2 * i + 1], i + 1, m->info.channels);
  }
  return 1;
}

/* From which steps on pictures are coded smaller; may be missing. */
static int
load_scale (walloc_loader * l)
{
  walloc_model *m = l->model;
  const uint16_t *row;
  unsigned i;

  if (m->info.media != WALLOC_MEDIA_VIDEO ||
      walloc_safetensors_find (m->file, "codec.scale") == NULL)
    return 1;
  m->scale = walloc_loader_fetch (l, "codec.scale", "U16", (size_t) 2,
      (size_t) SCALE_COLUMNS, Z);
  if (l->result != WALLOC_OK)
    return 0;
  for (i = 0, row = m->scale; i < 2; i++, row += SCALE_COLUMNS) {
    if (row[2] > row[0] || row[1] < row[0])
      return walloc_loader_fail (l,
          "codec.scale: scale %u begins at step index %u to %u, less %u",
          i + 1, row[0], row[1], row[2]);
    if (row[3] > MAX_STEP_INDEX || row[4] > MAX_SLOPE)
      return walloc_loader_fail (l,
          "codec.scale: %u and %u of scale %u exceed %u and %u", row[3],
          row[4], i + 1, MAX_STEP_INDEX, MAX_SLOPE);
  }
  row = m->scale;
  if (row[SCALE_COLUMNS] < row[0] || row[SCALE_COLUMNS + 1] < row[1])
    return walloc_loader_fail (l,
        "codec.scale: scale 2 begins at step index %u to %u, scale 1 at %u "
        "to %u", row[SCALE_COLUMNS], row[SCALE_COLUMNS + 1], row[0], row[1]);
  return 1;
}

/* A float tensor of rows * columns (0: one dimension), all within +-max. */
static const float *
fetch_real (walloc_loader * l, const char *name, size_t rows, size_t columns,
    size_t depth, float max)
{
  const float *p = walloc_loader_fetch (l, name, "F32", rows, columns, depth,
      Z);
  size_t n = rows * (columns ? columns : 1) * (depth ? depth : 1), i;

  if (p == NULL)
    return NULL;
  for (i = 0; i < n; i++) {
    /* written so that NaN fails too */
    if (!(p[i] >= -max && p[i] <= max)) {
      walloc_loader_fail (l, "%s: element %lu is not within -%g to %g", name,
          (unsigned long) i, max, max);
      return NULL;
    }
  }
  return p;
}

/* Inputs that rows of a group may use. */
static unsigned
inputs_of_group (unsigned group)
{
  return group == WALLOC_GROUP_LUMA ? 64 :
      group == WALLOC_GROUP_CHROMA ? 32 : WALLOC_MODEL_INPUTS;
}

static int
check_row (walloc_loader * l, unsigned channel)
{
  const int16_t *row = l->model->analysis + WALLOC_MODEL_INPUTS * channel;
  const float *back = l->model->synthesis + WALLOC_MODEL_INPUTS * channel;
  unsigned used = inputs_of_group (l->model->group[channel]), i;
  long sum = 0;

  for (i = 0; i < WALLOC_MODEL_INPUTS; i++) {
    sum += row[i] < 0 ? -(long) row[i] : row[i];
    if (i >= used && (row[i] != 0 || back[i] != 0))
      return walloc_loader_fail (l,
          "codec.%s: row %u uses input %u, which its group lacks",
          row[i] != 0 ? "analysis" : "synthesis", channel, i);
  }
  if (sum > MAX_ROW_SUM)
    return walloc_loader_fail (l,
        "codec.analysis: magnitudes of row %u add up to %ld, more than %d",
        channel, sum, MAX_ROW_SUM);
  return 1;
}

static int
load_ordered (walloc_loader * l)
{
  walloc_model *m = l->model;
  size_t sets = m->info.sets, channels = m->info.channels, i;
  size_t inputs = m->info.media == WALLOC_MEDIA_AUDIO ?
      WALLOC_MODEL_SOUND_INPUTS : WALLOC_MODEL_INPUTS;
  const uint16_t *weight;
  const uint8_t *rounding;
  const float *recon;
  unsigned s;

  m->analysis = walloc_loader_fetch (l, "codec.analysis", "I16", channels,
      inputs, Z);
  m->synthesis = fetch_real (l, "codec.synthesis", channels, inputs, 0,
      MAX_REAL);
  weight = walloc_loader_fetch (l, "codec.weight", "U16", sets, channels, Z);
  rounding = walloc_loader_fetch (l, "codec.rounding", "U8", sets, channels, Z);
  recon = fetch_real (l, "codec.recon", sets, channels, 3, 0.5f);
  if (l->result != WALLOC_OK)
    return 0;
  /* sums of sound are 64 bits wide, and its rows may use all inputs */
  for (i = 0; i < channels && m->info.media == WALLOC_MEDIA_VIDEO; i++)
    if (!check_row (l, (unsigned) i))
      return 0;
  for (i = 0; i < sets * channels; i++) {
    if (weight[i] < MIN_WEIGHT)
      return walloc_loader_fail (l,
          "codec.weight: %u of set %u, channel %u is less than %d", weight[i],
          (unsigned) (i / channels), (unsigned) (i % channels), MIN_WEIGHT);
    if (rounding[i] > MAX_ROUNDING)
      return walloc_loader_fail (l,
          "codec.rounding: %u of set %u, channel %u exceeds %d", rounding[i],
          (unsigned) (i / channels), (unsigned) (i % channels), MAX_ROUNDING);
  }
  for (s = 0; s < sets; s++) {
    m->set[s].weight = weight + s * channels;
    m->set[s].rounding = rounding + s * channels;
    m->set[s].recon = recon + s * channels * 3;
  }
  return 1;
}

static int
load_reference (walloc_loader * l)
{
  walloc_model *m = l->model;
  size_t channels = m->info.channels, inputs;
  int sound = m->info.media == WALLOC_MEDIA_AUDIO;

  inputs = sound ? WALLOC_MODEL_STEREO_INPUTS : WALLOC_MODEL_RGB_INPUTS;
  if (sound && channels > inputs)
    return walloc_loader_fail (l,
        "codec.group: %u channels of a reference model of sound are more than "
        "%u", m->info.channels, (unsigned) inputs);
  m->analysis_f = fetch_real (l, "codec.analysis", channels, inputs, 0,
      MAX_REAL);
  m->bias_f = fetch_real (l, "codec.bias", channels, 0, 0, MAX_REAL);
  m->linear = fetch_real (l, "decoder.linear", inputs, channels, 0, MAX_REAL);
  m->linear_bias = fetch_real (l, "decoder.linear.bias", inputs, 0, 0,
      MAX_REAL);
  if (sound && (walloc_safetensors_find (m->file, "decoder.post") != NULL ||
          walloc_safetensors_find (m->file, "decoder.post.bias") != NULL)) {
    m->post = fetch_real (l, "decoder.post", 2, 2, WALLOC_MODEL_POST_TAPS,
        MAX_REAL);
    m->post_bias = fetch_real (l, "decoder.post.bias", 2, 0, 0, MAX_REAL);
  }
  return l->result == WALLOC_OK;
}

static int
load_network (walloc_loader * l, const char *name, walloc_model_blob * blob)
{
  static const uint64_t any[1] = { 0 };
  const walloc_tensor *t;

  if (walloc_safetensors_find (l->model->file, name) == NULL)
    return 1;
  t = walloc_loader_find (l, name, "U8", 1, any);
  if (t == NULL)
    return 0;
  if (t->size == 0)
    return walloc_loader_fail (l, "%s: the network is empty", name);
  blob->data = t->data;
  blob->size = t->size;
  return 1;
}

/* Which formats and decoders the model has. */
static void
summarise (walloc_model * m)
{
  unsigned i;

  if (m->info.media == WALLOC_MEDIA_AUDIO) {
    m->info.formats = 0;
  } else if (m->info.kind == WALLOC_MODEL_REFERENCE) {
    for (i = WALLOC_FORMAT_RGB; i < WALLOC_FORMAT_COUNT; i++)
      m->info.formats |= 1u << i;
  } else {
    m->info.formats = 1u << WALLOC_FORMAT_GRAY8;
    /* without chroma channels there is no colour to code */
    for (i = 0; i < m->info.channels; i++)
      if (m->group[i] == WALLOC_GROUP_CHROMA)
        m->info.formats = (1u << WALLOC_FORMAT_COUNT) - 1;
  }
  m->info.decoders = 1u << WALLOC_DECODER_AUTO | 1u << WALLOC_DECODER_LINEAR;
  if (m->fast.data != NULL)
    m->info.decoders |= 1u << WALLOC_DECODER_FAST;
  if (m->best.data != NULL)
    m->info.decoders |= 1u << WALLOC_DECODER_BEST;
  m->info.id = hash_model (m->file);
}

static void
free_model (walloc_model * model)
{
  walloc_mem mem = model->mem;
  unsigned i;

  for (i = 0; i < model->blocks; i++)
    walloc_mem_free (&mem, model->block[i]);
  walloc_safetensors_free (&mem, model->file);
  walloc_mem_free (&mem, model);
}

/* path NULL: from data. */
static walloc_result
load (const char *path, const void *data, size_t size,
    const walloc_allocator * allocator, walloc_model ** out,
    walloc_error * error)
{
  walloc_loader l;
  walloc_model *m;
  walloc_mem mem;
  void *block;

  walloc_mem_init (&mem, allocator);
  l.error = error;
  l.result = walloc_model_alloc (&mem, 1, sizeof *m, &block, error);
  if (l.result != WALLOC_OK)
    return l.result;
  l.model = m = block;
  m->mem = mem;
  atomic_init (&m->refs, 1);
  if (path != NULL)
    l.result = walloc_safetensors_open (&m->mem, path, &m->file, error);
  else
    l.result = walloc_safetensors_open_memory (&m->mem, data, size, &m->file,
        error);
  if (l.result == WALLOC_OK && load_metadata (&l) && load_frame (&l) &&
      walloc_loader_coder (&l) &&
      (m->info.kind == WALLOC_MODEL_ORDERED ?
          load_ordered (&l) && load_scale (&l) : load_reference (&l)) &&
      load_network (&l, "decoder.fast.onnx", &m->fast) &&
      load_network (&l, "decoder.best.onnx", &m->best)) {
    summarise (m);
    *out = m;
    return WALLOC_OK;
  }
  free_model (m);
  return l.result;
}

walloc_result
walloc_model_load (const char *path, const walloc_allocator * allocator,
    walloc_model ** model, walloc_error * error)
{
  if (model != NULL)
    *model = NULL;
  if (model == NULL || path == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_model_load: NULL argument");
  return load (path, NULL, 0, allocator, model, error);
}

walloc_result
walloc_model_load_memory (const void *data, size_t size,
    const walloc_allocator * allocator, walloc_model ** model,
    walloc_error * error)
{
  if (model != NULL)
    *model = NULL;
  if (model == NULL || (data == NULL && size != 0))
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_model_load_memory: NULL argument");
  return load (NULL, data, size, allocator, model, error);
}

walloc_model *
walloc_model_ref (walloc_model * model)
{
  if (model != NULL)
    atomic_fetch_add_explicit (&model->refs, 1, memory_order_relaxed);
  return model;
}

void
walloc_model_unref (walloc_model * model)
{
  /* release what this thread read, acquire what the others did: the last one
   * frees */
  if (model != NULL &&
      atomic_fetch_sub_explicit (&model->refs, 1, memory_order_acq_rel) == 1)
    free_model (model);
}

void
walloc_model_get_info (const walloc_model * model, walloc_model_info * info)
{
  if (info == NULL)
    return;
  if (model != NULL)
    *info = model->info;
  else
    memset (info, 0, sizeof *info);
}

walloc_result
walloc_model_quality (const walloc_model * model, unsigned quality,
    unsigned *step_index, unsigned *channels)
{
  unsigned step;

  if (model == NULL || quality < 1 || quality > QUALITIES)
    return WALLOC_ERR_ARGUMENT;
  step = model->quality[2 * (quality - 1)];
  if (step_index != NULL)
    *step_index = step;
  if (channels != NULL)
    *channels = walloc_model_least_step (model, step) == step ?
        model->quality[2 * (quality - 1) + 1] :
        walloc_model_channels_of_step (model,
        walloc_model_least_step (model, step));
  return WALLOC_OK;
}

unsigned
walloc_model_scale_of_step (const walloc_model * model, unsigned *step_index)
{
  const uint16_t *row;
  unsigned s;

  if (model == NULL || step_index == NULL)
    return 0;
  for (s = model->scale != NULL ? 2 : 0; s > 0; s--) {
    row = model->scale + SCALE_COLUMNS * (s - 1);
    if (2 * *step_index >= (unsigned) row[0] + row[1]) {
      *step_index -= row[2];
      break;
    }
  }
  return s;
}

unsigned
walloc_model_least_step (const walloc_model * model, unsigned step_index)
{
  unsigned s;

  for (s = model->scale != NULL ? 2 : 0; s > 0; s--)
    if (step_index >= model->scale[SCALE_COLUMNS * (s - 1)])
      return step_index - model->scale[SCALE_COLUMNS * (s - 1) + 2];
  return step_index;
}

unsigned
walloc_model_channels_of_step (const walloc_model * model, unsigned step_index)
{
  unsigned i, best = 0, least = UINT_MAX, step, distance;

  if (model == NULL)
    return 0;
  for (i = 0; i < QUALITIES; i++) {
    step = model->quality[2 * i];
    distance = step > step_index ? step - step_index : step_index - step;
    if (distance < least) {
      least = distance;
      best = model->quality[2 * i + 1];
    }
  }
  return best;
}

walloc_result
walloc_model_channel (const walloc_model * model, unsigned channel,
    unsigned *band, unsigned *signal)
{
  unsigned inputs, i, best = 0;
  const float *row;

  if (model == NULL || band == NULL || signal == NULL ||
      channel >= model->info.channels)
    return WALLOC_ERR_ARGUMENT;
  if (model->info.kind == WALLOC_MODEL_REFERENCE)
    return WALLOC_ERR_UNSUPPORTED;
  inputs = model->info.media == WALLOC_MEDIA_AUDIO ?
      WALLOC_MODEL_SOUND_INPUTS : WALLOC_MODEL_INPUTS;
  row = model->synthesis + (size_t) channel *inputs;
  for (i = 1; i < inputs; i++)
    if (fabsf (row[i]) > fabsf (row[best]))
      best = i;
  *band = best;
  *signal = model->group[channel];
  return WALLOC_OK;
}

const char *
walloc_model_metadata (const walloc_model * model, const char *key)
{
  if (model == NULL || key == NULL)
    return NULL;
  return walloc_safetensors_metadata (model->file, key);
}
