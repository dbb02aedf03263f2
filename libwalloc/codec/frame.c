/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading frame headers: docs/bitstream.md, section 1. */
#include "codec/frame-private.h"

#include <string.h>

#include "common/bytes.h"
#include "common/crc32.h"
#include "common/mem.h"

const uint8_t walloc_frame_magic[4] = { 'W', 'L', 'C', '1' };

unsigned
walloc_frame_count_slices (const walloc_frame_info * info)
{
  unsigned height, rows;

  if (info->media == WALLOC_MEDIA_AUDIO)
    return (info->audio_channels + 1) / 2;
  if (info->type == WALLOC_FRAME_REPEAT)
    return 0;
  height = (info->height + (1u << info->scale) - 1) >> info->scale;
  rows = (height + LATENT_SIZE - 1) / LATENT_SIZE;
  return (rows + info->slice_rows - 1) / info->slice_rows;
}

int
walloc_frame_get_size (const uint8_t * data, size_t end, size_t *at,
    uint32_t * size)
{
  uint64_t value = 0;
  unsigned i;

  for (i = 0; i < SIZE_BYTES && *at < end; i++) {
    value |= (uint64_t) (data[*at] & 127) << 7 * i;
    if (data[(*at)++] < 128) {
      *size = (uint32_t) value;
      /* one form only, so that a header is rewritten as it was */
      return value <= UINT32_MAX && (i == 0 || value >> 7 * i != 0);
    }
  }
  return 0;
}

size_t
walloc_frame_table_end (const uint8_t * data, const walloc_frame_info * info)
{
  size_t at = walloc_frame_table_at (info);
  unsigned left = info->slices * info->layers;

  for (; left > 1; left--)
    while (data[at++] >= 128);
  return at;
}

void
walloc_frame_info_init (walloc_frame_info * info)
{
  if (info == NULL)
    return;
  memset (info, 0, sizeof *info);
  info->pts = WALLOC_TIME_NONE;
  info->duration = WALLOC_TIME_NONE;
  info->layers = 1;
  info->fps_d = 1;
  info->par_n = 1;
  info->par_d = 1;
  info->colour.matrix = 2;
  info->colour.transfer = 2;
  info->colour.primaries = 2;
  memset (info->rotation, WALLOC_AUDIO_MID_SIDE, sizeof info->rotation);
}

unsigned
walloc_frame_record_length (unsigned type, walloc_media media, unsigned slices)
{
  const int audio = media == WALLOC_MEDIA_AUDIO;

  switch (type) {
    case RECORD_TIME:
      return 16;
    case RECORD_RATE:
    case RECORD_ASPECT:
      return audio ? 0 : 8;
    case RECORD_COLOUR:
      return audio ? 0 : 5;
    case RECORD_TRIM:
    case RECORD_MASK:
      return audio ? 8 : 0;
    case RECORD_ROTATION:
      return audio ? slices : 0;
    case RECORD_WHOLE:
      return audio ? 8 * slices : 0;
    default:
      return 0;
  }
}

static float
get_float (const uint8_t * p)
{
  uint32_t bits = walloc_get_u32 (p);
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

static walloc_result
parse_whole (const uint8_t * p, walloc_frame_info * info, walloc_error * error)
{
  unsigned i;

  info->whole = 1;
  for (i = 0; i < info->slices; i++, p += 8) {
    info->mean[i] = get_float (p);
    info->peak[i] = get_float (p + 4);
    /* written so that NaN fails too */
    if (!(info->mean[i] >= -MAX_SOUND_LEVEL && info->mean[i] <=
            MAX_SOUND_LEVEL && info->peak[i] >= 0 &&
            info->peak[i] <= MAX_SOUND_LEVEL))
      return walloc_fail (error, WALLOC_ERR_CORRUPT,
          "frame header: pair %u has a mean of %g and a peak of %g, more than "
          "%g", i, info->mean[i], info->peak[i], MAX_SOUND_LEVEL);
  }
  return WALLOC_OK;
}

static walloc_result
parse_record (const uint8_t * p, unsigned type, walloc_frame_info * info,
    walloc_error * error)
{
  unsigned n;

  switch (type) {
    case RECORD_TIME:
      info->pts = walloc_get_u64 (p);
      info->duration = walloc_get_u64 (p + 8);
      break;
    case RECORD_RATE:
      info->fps_n = walloc_get_u32 (p);
      info->fps_d = walloc_get_u32 (p + 4);
      if (info->fps_n == 0 || info->fps_d == 0)
        return walloc_fail (error, WALLOC_ERR_CORRUPT,
            "frame header: rate %u/%u has a zero",
            (unsigned) info->fps_n, (unsigned) info->fps_d);
      break;
    case RECORD_COLOUR:
      if (p[0] > 2)
        return walloc_fail (error, WALLOC_ERR_CORRUPT,
            "frame header: colour range %u is not 0, 1 or 2", p[0]);
      info->has_colour = 1;
      info->colour.range = p[0];
      info->colour.matrix = p[1];
      info->colour.transfer = p[2];
      info->colour.primaries = p[3];
      info->colour.chroma_site = p[4];
      break;
    case RECORD_ASPECT:
      info->par_n = walloc_get_u32 (p);
      info->par_d = walloc_get_u32 (p + 4);
      if (info->par_n == 0 || info->par_d == 0)
        return walloc_fail (error, WALLOC_ERR_CORRUPT,
            "frame header: pixel aspect ratio %u/%u has a zero",
            (unsigned) info->par_n, (unsigned) info->par_d);
      break;
    case RECORD_TRIM:
      info->trim_start = walloc_get_u32 (p);
      info->trim_end = walloc_get_u32 (p + 4);
      n = info->columns * SOUND_LATENT_SIZE;
      if (info->trim_start > n || info->trim_end > n - info->trim_start)
        return walloc_fail (error, WALLOC_ERR_CORRUPT,
            "frame header: %u and %u of %u samples are left out",
            info->trim_start, info->trim_end, n);
      break;
    case RECORD_MASK:
      info->mask = walloc_get_u64 (p);
      break;
    case RECORD_ROTATION:
      memcpy (info->rotation, p, info->slices);
      for (n = 0; n < info->slices; n++)
        if (p[n] > MAX_ROTATION)
          return walloc_fail (error, WALLOC_ERR_CORRUPT,
              "frame header: pair %u is rotated by %u, more than %u", n, p[n],
              MAX_ROTATION);
      break;
    case RECORD_WHOLE:
      return parse_whole (p, info, error);
    default:
      break;
  }
  return WALLOC_OK;
}

static walloc_result
parse_records (const uint8_t * data, size_t at, size_t end,
    walloc_frame_info * info, walloc_error * error)
{
  uint8_t seen[32] = { 0 };
  walloc_result result;
  unsigned type, length, known;

  while (at < end) {
    if (end - at < RECORD_HEAD)
      return walloc_fail (error, WALLOC_ERR_CORRUPT,
          "frame header: %u stray bytes behind the records",
          (unsigned) (end - at));
    type = data[at];
    length = walloc_get_u16 (data + at + 1);
    at += RECORD_HEAD;
    if (length > end - at)
      return walloc_fail (error, WALLOC_ERR_CORRUPT,
          "frame header: record %u of %u bytes leaves the header", type,
          length);
    if (seen[type / 8] >> type % 8 & 1)
      return walloc_fail (error, WALLOC_ERR_CORRUPT,
          "frame header: record %u appears twice", type);
    seen[type / 8] |= (uint8_t) (1 << type % 8);
    known = walloc_frame_record_length (type, info->media, info->slices);
    if (known != 0) {
      if (length != known)
        return walloc_fail (error, WALLOC_ERR_CORRUPT,
            "frame header: record %u has %u bytes, not %u", type, length,
            known);
      result = parse_record (data + at, type, info, error);
      if (result != WALLOC_OK)
        return result;
    }
    at += length;
  }
  return WALLOC_OK;
}

/* Where layers end, and the table: *at is its offset, then that of what
 * follows. */
static walloc_result
parse_table (const uint8_t * data, walloc_frame_info * info, size_t *at,
    walloc_error * error)
{
  unsigned end = info->header_size - CRC_SIZE, i, last = 0;
  uint64_t sum = 0;
  uint32_t size;

  for (i = 0; i + 1 < info->layers; i++) {
    if (*at + 2 > end)
      return walloc_fail (error, WALLOC_ERR_CORRUPT,
          "frame header: %u bytes do not hold %u layers", info->header_size,
          info->layers);
    info->layer_end[i] = walloc_get_u16 (data + *at);
    *at += 2;
    if (info->layer_end[i] <= last || info->layer_end[i] >= info->channels)
      return walloc_fail (error, WALLOC_ERR_CORRUPT,
          "frame header: layer %u of %u ends after channel %u of %u", i,
          info->layers, info->layer_end[i], info->channels);
    last = info->layer_end[i];
  }
  info->layer_end[i] = info->channels;
  for (i = 0; i + 1 < info->slices * info->layers; i++) {
    if (!walloc_frame_get_size (data, end, at, &size))
      return walloc_fail (error, WALLOC_ERR_CORRUPT,
          "frame header: %u bytes do not hold the sizes of %u slices of %u "
          "layers", info->header_size, info->slices, info->layers);
    sum += size;
  }
  if (sum > info->payload_size)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: slices exceed the payload of %u bytes",
        (unsigned) info->payload_size);
  return WALLOC_OK;
}

/* What pictures and sound have in common, once the number of slices is
 * known. */
static walloc_result
parse_common (const uint8_t * data, walloc_frame_info * info, size_t *at,
    walloc_error * error)
{
  if (info->channels == 0)
    return walloc_fail (error, WALLOC_ERR_CORRUPT, "frame header: no channels");
  *at = AT_LAYERS;
  return parse_table (data, info, at, error);
}

/* Fields 20 to 33, layers and the table, of sound. */
static walloc_result
parse_sound (const uint8_t * data, walloc_frame_info * info, size_t *at,
    walloc_error * error)
{
  unsigned flags = data[AT_FLAGS];

  info->rate = walloc_get_u16 (data + AT_RATE) |
      (unsigned) data[AT_RATE + 2] << 16;
  info->audio_channels = data[AT_AUDIO_CHANNELS] + 1u;
  info->set = data[AT_SET];
  info->step_index = walloc_get_u16 (data + AT_STEP);
  info->channels = walloc_get_u16 (data + AT_CHANNELS);
  info->columns = walloc_get_u16 (data + AT_COLUMNS);
  info->slice_rows = 1;
  info->layers = (flags >> 2 & 3) + 1;
  info->sequence = data[AT_SEQUENCE];
  if (data[AT_RESERVED] != 0 || (flags & 0xf3) != 0)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "frame header: flags %02x %02x are not known to this version",
        data[AT_RESERVED], flags);
  if (info->type != WALLOC_FRAME_KEY)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "frame header: frame type %u of sound is not known to this version",
        (unsigned) info->type);
  if (info->audio_channels > WALLOC_AUDIO_MAX_CHANNELS)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "frame header: %u channels of sound are more than %d",
        info->audio_channels, WALLOC_AUDIO_MAX_CHANNELS);
  if (info->rate == 0)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: no samples per second");
  if (info->columns < 1 || info->columns > WALLOC_AUDIO_MAX_COLUMNS)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: %u columns are not 1 to %d", info->columns,
        WALLOC_AUDIO_MAX_COLUMNS);
  if (info->step_index > MAX_SOUND_STEP_INDEX)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: step index %u exceeds %u", info->step_index,
        MAX_SOUND_STEP_INDEX);
  info->slices = walloc_frame_count_slices (info);
  return parse_common (data, info, at, error);
}

/* Fields 20 to 33, layers and the table, of a picture. */
static walloc_result
parse_picture (const uint8_t * data, walloc_frame_info * info, size_t *at,
    walloc_error * error)
{
  unsigned flags = data[AT_FLAGS];

  info->width = walloc_get_u16 (data + AT_WIDTH) + 1u;
  info->height = walloc_get_u16 (data + AT_HEIGHT) + 1u;
  info->set = data[AT_SET];
  info->step_index = walloc_get_u16 (data + AT_STEP);
  info->channels = walloc_get_u16 (data + AT_CHANNELS);
  info->slice_rows = walloc_get_u16 (data + AT_SLICE_ROWS);
  info->scale = flags & 3;
  info->layers = (flags >> 2 & 3) + 1;
  info->sequence = data[AT_SEQUENCE];
  if (data[AT_FORMAT] >= WALLOC_FORMAT_COUNT)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "frame header: pixel format %u is not known to this version",
        data[AT_FORMAT]);
  info->format = (walloc_format) data[AT_FORMAT];
  if (flags >> 4 != 0 || info->scale > MAX_SCALE)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "frame header: flags %02x are not known to this version", flags);
  if (info->width > WALLOC_MAX_SIZE || info->height > WALLOC_MAX_SIZE)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: %u x %u pixels exceed %u x %u", info->width,
        info->height, WALLOC_MAX_SIZE, WALLOC_MAX_SIZE);
  if (info->step_index > MAX_STEP_INDEX)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: step index %u exceeds %u", info->step_index,
        MAX_STEP_INDEX);
  if (info->slice_rows == 0 || info->slice_rows > MAX_SLICE_ROWS)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: %u rows per slice are not 1 to %u",
        info->slice_rows, MAX_SLICE_ROWS);
  info->slices = walloc_frame_count_slices (info);
  if (info->slices == 0 && info->payload_size != 0)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: a repeat frame announces %u bytes of payload",
        (unsigned) info->payload_size);
  return parse_common (data, info, at, error);
}

/* What only a later version of the format may say. */
static walloc_result
check_version (const uint8_t * data, walloc_error * error)
{
  unsigned kind = data[AT_KIND], version = data[AT_VERSION];

  if ((version & 15) != FORMAT_VERSION)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "frame header: format version %u is not known to this version of "
        "the library", version & 15);
  if (version >> 4 != CODER)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "frame header: coder %u is not known to this version of the library",
        version >> 4);
  if (kind >> 4 != 0)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "frame header: reserved bits are in use");
  if ((kind & 3) > WALLOC_MEDIA_AUDIO)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "frame header: media %u is not known to this version of the library",
        kind & 3);
  if (kind >> 2 == 3)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "frame header: frame type 3 is not known to this version of the "
        "library");
  return WALLOC_OK;
}

/* All of a header that is there as a whole, but for the checksum. */
static walloc_result
parse_fields (const uint8_t * data, walloc_frame_info * info,
    walloc_error * error)
{
  walloc_result result;
  size_t at;

  /* known even where the rest is not, so that a reader can skip the frame */
  info->payload_size = walloc_get_u32 (data + AT_PAYLOAD);
  if (info->payload_size > WALLOC_FRAME_MAX_PAYLOAD)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: a payload of %u bytes exceeds %u",
        (unsigned) info->payload_size, WALLOC_FRAME_MAX_PAYLOAD);
  result = check_version (data, error);
  if (result != WALLOC_OK)
    return result;
  info->media = (walloc_media) (data[AT_KIND] & 3);
  info->type = (walloc_frame_type) (data[AT_KIND] >> 2);
  info->model_id = walloc_get_u64 (data + AT_MODEL);
  result = info->media == WALLOC_MEDIA_AUDIO ?
      parse_sound (data, info, &at, error) :
      parse_picture (data, info, &at, error);
  if (result != WALLOC_OK)
    return result;
  return parse_records (data, at, info->header_size - CRC_SIZE, info, error);
}

walloc_result
walloc_frame_parse (const uint8_t * data, size_t size,
    walloc_frame_info * info, walloc_error * error)
{
  walloc_result result;
  unsigned header_size;
  size_t end;

  if (info == NULL || (data == NULL && size != 0))
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_frame_parse: NULL argument");
  walloc_frame_info_init (info);
  if (size > 0 && memcmp (data, walloc_frame_magic, size < 4 ? size : 4) != 0)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "no frame begins here: the magic WLC1 is missing");
  if (size < AT_HEADER_SIZE + 2)
    return walloc_fail (error, WALLOC_ERR_TRUNCATED,
        "frame header: only %u bytes are there", (unsigned) size);
  info->header_size = walloc_get_u16 (data + AT_HEADER_SIZE);
  if (info->header_size < WALLOC_FRAME_MIN_HEADER)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: a size of %u bytes is too small", info->header_size);
  if (size < info->header_size)
    return walloc_fail (error, WALLOC_ERR_TRUNCATED,
        "frame header: only %u of %u bytes are there", (unsigned) size,
        info->header_size);
  /* what cannot be is told at once: the checksum of a long header takes more
   * time, and bytes may be full of what looks like the start of one */
  header_size = info->header_size;
  result = parse_fields (data, info, error);
  if (result == WALLOC_ERR_CORRUPT)
    return result;
  end = header_size - CRC_SIZE;
  if (walloc_crc32 (data, end) == walloc_get_u32 (data + end))
    return result;
  walloc_frame_info_init (info);
  info->header_size = header_size;
  return walloc_fail (error, WALLOC_ERR_CORRUPT,
      "frame header: the checksum is wrong");
}

void
walloc_frame_walk (const walloc_frame_info * info, walloc_frame_walker * walker)
{
  walker->at = walloc_frame_table_at (info);
  walker->left = info->slices * info->layers;
  walker->payload = info->payload_size;
}

int
walloc_frame_step (const uint8_t * data, const walloc_frame_info * info,
    walloc_frame_walker * walker, uint32_t * size)
{
  if (walker->left == 0)
    return 0;
  if (--walker->left == 0)
    *size = walker->payload;
  else if (!walloc_frame_get_size (data, info->header_size - CRC_SIZE,
          &walker->at, size) || *size > walker->payload)
    return 0;
  walker->payload -= *size;
  return 1;
}

/* Segments [first, end), counted through slices and layers. */
static walloc_result
find_segments (const uint8_t * data, const walloc_frame_info * info,
    unsigned first, unsigned end, size_t *offset, size_t *size)
{
  walloc_frame_walker walker;
  uint32_t length;
  unsigned i;

  walloc_frame_walk (info, &walker);
  *offset = info->header_size;
  *size = 0;
  for (i = 0; i < end; i++) {
    if (!walloc_frame_step (data, info, &walker, &length))
      return WALLOC_ERR_CORRUPT;
    *(i < first ? offset : size) += length;
  }
  return WALLOC_OK;
}

walloc_result
walloc_frame_slice (const uint8_t * data, const walloc_frame_info * info,
    unsigned slice, size_t *offset, size_t *size)
{
  if (data == NULL || info == NULL || offset == NULL || size == NULL ||
      slice >= info->slices)
    return WALLOC_ERR_ARGUMENT;
  return find_segments (data, info, slice * info->layers,
      (slice + 1) * info->layers, offset, size);
}

walloc_result
walloc_frame_segment (const uint8_t * data, const walloc_frame_info * info,
    unsigned slice, unsigned layer, size_t *offset, size_t *size)
{
  if (data == NULL || info == NULL || offset == NULL || size == NULL ||
      slice >= info->slices || layer >= info->layers)
    return WALLOC_ERR_ARGUMENT;
  layer += slice * info->layers;
  return find_segments (data, info, layer, layer + 1, offset, size);
}

walloc_result
walloc_frame_segment_sizes (const uint8_t * data,
    const walloc_frame_info * info, uint32_t * sizes, unsigned count)
{
  walloc_frame_walker walker;
  unsigned i;

  if (data == NULL || info == NULL || (sizes == NULL && count > 0) ||
      count != info->slices * info->layers)
    return WALLOC_ERR_ARGUMENT;
  walloc_frame_walk (info, &walker);
  for (i = 0; i < count; i++)
    if (!walloc_frame_step (data, info, &walker, &sizes[i]))
      return WALLOC_ERR_CORRUPT;
  return WALLOC_OK;
}

size_t
walloc_frame_find (const uint8_t * data, size_t size, size_t start)
{
  const uint8_t *p;
  size_t left;

  while (data != NULL && start < size) {
    p = memchr (data + start, walloc_frame_magic[0], size - start);
    if (p == NULL)
      break;
    start = (size_t) (p - data);
    left = size - start;
    if (memcmp (p, walloc_frame_magic, left < 4 ? left : 4) == 0)
      return start;
    start++;
  }
  return size;
}
