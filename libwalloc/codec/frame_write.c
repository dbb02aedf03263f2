/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing frame headers: docs/bitstream.md, section 1. */
#include "codec/frame-private.h"

#include <string.h>

#include "common/bytes.h"
#include "common/crc32.h"
#include "common/mem.h"

static int
has_time (const walloc_frame_info * info)
{
  return info->pts != WALLOC_TIME_NONE || info->duration != WALLOC_TIME_NONE;
}

static int
has_aspect (const walloc_frame_info * info)
{
  return info->par_n != 0 && info->par_n != info->par_d;
}

/* Any pair that is not mid and side? */
static int
has_rotation (const walloc_frame_info * info)
{
  unsigned i;

  for (i = 0; i < info->slices; i++)
    if (info->rotation[i] != WALLOC_AUDIO_MID_SIDE)
      return 1;
  return 0;
}

/* Whether the header gets a record of this type. */
static int
has_record (const walloc_frame_info * info, unsigned type)
{
  switch (type) {
    case RECORD_TIME:
      return has_time (info);
    case RECORD_RATE:
      return info->fps_n != 0;
    case RECORD_COLOUR:
      return info->has_colour;
    case RECORD_ASPECT:
      return has_aspect (info);
    case RECORD_TRIM:
      return info->trim_start != 0 || info->trim_end != 0;
    case RECORD_MASK:
      return info->mask != 0;
    case RECORD_ROTATION:
      return has_rotation (info);
    case RECORD_WHOLE:
      return info->whole;
    default:
      return 0;
  }
}

/* Its length, or 0 when there is none. */
static unsigned
record_length (const walloc_frame_info * info, unsigned type)
{
  unsigned length = walloc_frame_record_length (type, info->media,
      info->slices);

  return length != 0 && has_record (info, type) ? length : 0;
}

static size_t
records_size (const walloc_frame_info * info)
{
  unsigned type, length;
  size_t n = 0;

  for (type = 1; type <= RECORD_LAST; type++) {
    length = record_length (info, type);
    n += length != 0 ? RECORD_HEAD + length : 0;
  }
  return n;
}

static void
put_float (uint8_t * p, float value)
{
  uint32_t bits;

  memcpy (&bits, &value, sizeof bits);
  walloc_put_u32 (p, bits);
}

static void
put_record (uint8_t * p, const walloc_frame_info * info, unsigned type)
{
  unsigned i;

  switch (type) {
    case RECORD_TIME:
      walloc_put_u64 (p, info->pts);
      walloc_put_u64 (p + 8, info->duration);
      break;
    case RECORD_RATE:
      walloc_put_u32 (p, info->fps_n);
      walloc_put_u32 (p + 4, info->fps_d);
      break;
    case RECORD_COLOUR:
      p[0] = info->colour.range;
      p[1] = info->colour.matrix;
      p[2] = info->colour.transfer;
      p[3] = info->colour.primaries;
      p[4] = info->colour.chroma_site;
      break;
    case RECORD_ASPECT:
      walloc_put_u32 (p, info->par_n);
      walloc_put_u32 (p + 4, info->par_d);
      break;
    case RECORD_TRIM:
      walloc_put_u32 (p, info->trim_start);
      walloc_put_u32 (p + 4, info->trim_end);
      break;
    case RECORD_MASK:
      walloc_put_u64 (p, info->mask);
      break;
    case RECORD_ROTATION:
      memcpy (p, info->rotation, info->slices);
      break;
    case RECORD_WHOLE:
      for (i = 0; i < info->slices; i++) {
        put_float (p + 8 * i, info->mean[i]);
        put_float (p + 8 * i + 4, info->peak[i]);
      }
      break;
    default:
      break;
  }
}

static uint8_t *
put_records (uint8_t * p, const walloc_frame_info * info)
{
  unsigned type, length;

  for (type = 1; type <= RECORD_LAST; type++) {
    length = record_length (info, type);
    if (length == 0)
      continue;
    p[0] = (uint8_t) type;
    walloc_put_u16 (p + 1, length);
    put_record (p + RECORD_HEAD, info, type);
    p += RECORD_HEAD + length;
  }
  return p;
}

static int
layers_rise (const walloc_frame_info * info)
{
  unsigned i, last = 0;

  if (info->layers < 1 || info->layers > WALLOC_FRAME_MAX_LAYERS)
    return 0;
  for (i = 0; i + 1 < info->layers; i++) {
    if (info->layer_end[i] <= last || info->layer_end[i] >= info->channels)
      return 0;
    last = info->layer_end[i];
  }
  return 1;
}

/* What of a picture no header can say; NULL when it can. */
static const char *
check_picture (const walloc_frame_info * info)
{
  if ((unsigned) info->type > WALLOC_FRAME_REPEAT)
    return "frame type";
  if (info->width < 1 || info->width > WALLOC_MAX_SIZE)
    return "width";
  if (info->height < 1 || info->height > WALLOC_MAX_SIZE)
    return "height";
  if ((unsigned) info->format >= WALLOC_FORMAT_COUNT)
    return "pixel format";
  if (info->step_index > MAX_STEP_INDEX)
    return "step index";
  if (info->slice_rows < 1 || info->slice_rows > MAX_SLICE_ROWS)
    return "number of rows per slice";
  if (info->scale > MAX_SCALE)
    return "scale";
  if (info->fps_n != 0 && info->fps_d == 0)
    return "frame rate";
  if (info->par_n != 0 && info->par_d == 0)
    return "pixel aspect ratio";
  if (info->has_colour && info->colour.range > 2)
    return "colour range";
  return NULL;
}

static const char *
check_sound (const walloc_frame_info * info)
{
  unsigned samples = info->columns * SOUND_LATENT_SIZE, i;

  if (info->type != WALLOC_FRAME_KEY)
    return "frame type";
  if (info->rate < 1 || info->rate > MAX_RATE)
    return "sample rate";
  if (info->audio_channels < 1 ||
      info->audio_channels > WALLOC_AUDIO_MAX_CHANNELS)
    return "number of channels of sound";
  if (info->columns < 1 || info->columns > WALLOC_AUDIO_MAX_COLUMNS)
    return "number of columns";
  if (info->step_index > MAX_SOUND_STEP_INDEX)
    return "step index";
  if (info->trim_start > samples || info->trim_end > samples - info->trim_start)
    return "number of samples to leave out";
  for (i = 0; i < (info->audio_channels + 1) / 2; i++)
    if (info->rotation[i] > MAX_ROTATION)
      return "rotation";
  for (i = 0; info->whole && i < (info->audio_channels + 1) / 2; i++)
    if (!(info->mean[i] >= -MAX_SOUND_LEVEL && info->mean[i] <=
            MAX_SOUND_LEVEL && info->peak[i] >= 0 &&
            info->peak[i] <= MAX_SOUND_LEVEL))
      return "mean or peak";
  return NULL;
}

/* Could a header say this? */
static walloc_result
check_info (const walloc_frame_info * info, walloc_error * error)
{
  const char *bad = NULL;

  if (info->media == WALLOC_MEDIA_AUDIO)
    bad = check_sound (info);
  else if (info->media == WALLOC_MEDIA_VIDEO)
    bad = check_picture (info);
  else
    bad = "media";
  if (bad != NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "frame header: no header can hold this %s", bad);
  if (info->set > UINT8_MAX)
    bad = "parameter set";
  else if (info->channels < 1 || info->channels > UINT16_MAX)
    bad = "number of channels";
  else if (info->sequence > UINT8_MAX)
    bad = "sequence number";
  else if (!layers_rise (info))
    bad = "division into layers";
  else if (info->slices != walloc_frame_count_slices (info))
    bad = "number of slices";
  if (bad != NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "frame header: no header can hold this %s", bad);
  return WALLOC_OK;
}

/* Copies the records that this version does not know to out (may be NULL);
 * returns their bytes. */
static size_t
unknown_records (const uint8_t * data, const walloc_frame_info * info,
    uint8_t * out)
{
  size_t at = walloc_frame_table_end (data, info), n = 0, length;

  while (at < info->header_size - CRC_SIZE) {
    length = RECORD_HEAD + (size_t) walloc_get_u16 (data + at + 1);
    if (walloc_frame_record_length (data[at], info->media, info->slices) == 0) {
      if (out != NULL)
        memcpy (out + n, data + at, length);
      n += length;
    }
    at += length;
  }
  return n;
}

/* Writes the whole header. The table has table_size bytes. When old is not NULL, the unknown records of that header follow the known
 * ones. */
static walloc_result
write_header (uint8_t * data, size_t size, walloc_frame_info * info,
    const uint8_t * table, size_t table_size, const uint8_t * old_data,
    const walloc_frame_info * old, walloc_error * error)
{
  size_t end = walloc_frame_table_at (info) + table_size, extra = 0, need;
  unsigned i;
  uint8_t *p;

  if (old != NULL)
    extra = unknown_records (old_data, old, NULL);
  need = end + records_size (info) + extra + CRC_SIZE;
  if (need > WALLOC_FRAME_MAX_HEADER)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "frame header: %lu bytes exceed %u", (unsigned long) need,
        WALLOC_FRAME_MAX_HEADER);
  info->header_size = (unsigned) need;
  if (size < need)
    return walloc_fail (error, WALLOC_ERR_SPACE,
        "frame header: %lu bytes of space, %lu needed", (unsigned long) size,
        (unsigned long) need);
  if (data == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "frame header: no place to write to");
  memcpy (data, walloc_frame_magic, sizeof walloc_frame_magic);
  walloc_put_u16 (data + AT_HEADER_SIZE, info->header_size);
  data[AT_KIND] = (uint8_t) (info->media | info->type << 2);
  data[AT_VERSION] = FORMAT_VERSION | CODER << 4;
  walloc_put_u32 (data + AT_PAYLOAD, info->payload_size);
  walloc_put_u64 (data + AT_MODEL, info->model_id);
  if (info->media == WALLOC_MEDIA_AUDIO) {
    walloc_put_u16 (data + AT_RATE, info->rate & 0xffff);
    data[AT_RATE + 2] = (uint8_t) (info->rate >> 16);
    data[AT_AUDIO_CHANNELS] = (uint8_t) (info->audio_channels - 1);
    data[AT_RESERVED] = 0;
    walloc_put_u16 (data + AT_COLUMNS, info->columns);
    data[AT_FLAGS] = (uint8_t) ((info->layers - 1) << 2);
  } else {
    walloc_put_u16 (data + AT_WIDTH, info->width - 1);
    walloc_put_u16 (data + AT_HEIGHT, info->height - 1);
    data[AT_FORMAT] = (uint8_t) info->format;
    walloc_put_u16 (data + AT_SLICE_ROWS, info->slice_rows);
    data[AT_FLAGS] = (uint8_t) (info->scale | (info->layers - 1) << 2);
  }
  data[AT_SET] = (uint8_t) info->set;
  walloc_put_u16 (data + AT_STEP, info->step_index);
  walloc_put_u16 (data + AT_CHANNELS, info->channels);
  data[AT_SEQUENCE] = (uint8_t) info->sequence;
  for (i = 0; i + 1 < info->layers; i++)
    walloc_put_u16 (data + AT_LAYERS + 2 * (size_t) i, info->layer_end[i]);
  if (table_size > 0)
    memcpy (data + end - table_size, table, table_size);
  p = put_records (data + end, info);
  if (old != NULL)
    p += unknown_records (old_data, old, p);
  walloc_put_u32 (p, walloc_crc32 (data, need - CRC_SIZE));
  return WALLOC_OK;
}

walloc_result
walloc_frame_write (uint8_t * data, size_t size, walloc_frame_info * info,
    const uint32_t * sizes, walloc_error * error)
{
  uint8_t table[SIZE_BYTES * WALLOC_FRAME_MAX_LAYERS * WALLOC_FRAME_MAX_SLICES];
  size_t at = 0;
  walloc_result result;
  uint64_t sum = 0;
  uint32_t left;
  unsigned i, n;

  if (info == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_frame_write: NULL argument");
  result = check_info (info, error);
  if (result != WALLOC_OK)
    return result;
  if (sizes == NULL && info->slices > 0)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_frame_write: no sizes of slices");
  info->layer_end[info->layers - 1] = info->channels;
  n = info->slices * info->layers;
  for (i = 0; i < n; i++) {
    sum += sizes[i];
    for (left = sizes[i]; i + 1 < n && left > 127; left >>= 7)
      table[at++] = (uint8_t) (left | 128);
    if (i + 1 < n)
      table[at++] = (uint8_t) left;
  }
  if (sum > WALLOC_FRAME_MAX_PAYLOAD)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "frame header: slices exceed %u bytes; use a coarser quality or a "
        "smaller picture", WALLOC_FRAME_MAX_PAYLOAD);
  info->payload_size = (uint32_t) sum;
  return write_header (data, size, info, table, at, NULL, NULL, error);
}

walloc_result
walloc_frame_rewrite (const uint8_t * data, walloc_frame_info * info,
    uint8_t * out, size_t out_size, walloc_error * error)
{
  walloc_frame_info old;
  walloc_result result;
  size_t table;

  if (data == NULL || info == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_frame_rewrite: NULL argument");
  /* the size comes from the data, so that a call after WALLOC_ERR_SPACE, when
   * info has the new size already, finds the old header again */
  result = walloc_frame_parse (data, walloc_get_u16 (data + AT_HEADER_SIZE),
      &old, error);
  if (result != WALLOC_OK)
    return result;
  result = check_info (info, error);
  if (result != WALLOC_OK)
    return result;
  if (info->type != old.type || info->height != old.height ||
      info->slice_rows != old.slice_rows || info->scale != old.scale ||
      info->layers != old.layers || info->channels != old.channels ||
      memcmp (info->layer_end, old.layer_end, info->layers *
          sizeof *info->layer_end) != 0 ||
      info->payload_size != old.payload_size)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "frame header: rewriting cannot change slices or payload");
  table = walloc_frame_table_at (&old);
  return write_header (out, out_size, info, data + table,
      walloc_frame_table_end (data, &old) - table, data, &old, error);
}
