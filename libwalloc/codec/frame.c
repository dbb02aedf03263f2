/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frame headers: docs/bitstream.md, section 1. */
#include <walloc/frame.h>

#include <string.h>

#include "common/bytes.h"
#include "common/crc32.h"
#include "common/mem.h"

#define FORMAT_VERSION 1
#define CODER 0
#define LATENT_SIZE 8           /* pixels per latent, 2^J with J = 3 */
#define MAX_STEP_INDEX 176
#define MAX_SLICE_ROWS 2048

/* Offsets of the fields. */
#define AT_HEADER_SIZE 4
#define AT_KIND 6
#define AT_VERSION 7
#define AT_PAYLOAD 8
#define AT_MODEL 12
#define AT_WIDTH 20
#define AT_HEIGHT 22
#define AT_FORMAT 24
#define AT_SET 25
#define AT_STEP 26
#define AT_CHANNELS 28
#define AT_SLICE_ROWS 30
#define AT_SLICES 32
#define CRC_SIZE 4
#define RECORD_HEAD 3

enum
{
  RECORD_TIME = 1,
  RECORD_RATE = 2,
  RECORD_COLOUR = 3,
  RECORD_ASPECT = 4
};

static const uint8_t magic[4] = { 'W', 'L', 'C', '1' };

/* Bytes after which slices' sizes end and records begin. */
static size_t
table_end (unsigned slices)
{
  return AT_SLICES + (slices > 1 ? 4 * (size_t) (slices - 1) : 0);
}

static unsigned
count_slices (const walloc_frame_info * info)
{
  unsigned rows;

  if (info->type == WALLOC_FRAME_REPEAT)
    return 0;
  rows = (info->height + LATENT_SIZE - 1) / LATENT_SIZE;
  return (rows + info->slice_rows - 1) / info->slice_rows;
}

void
walloc_frame_info_init (walloc_frame_info * info)
{
  if (info == NULL)
    return;
  memset (info, 0, sizeof *info);
  info->pts = WALLOC_TIME_NONE;
  info->duration = WALLOC_TIME_NONE;
  info->fps_d = 1;
  info->par_n = 1;
  info->par_d = 1;
  info->colour.matrix = 2;
  info->colour.transfer = 2;
  info->colour.primaries = 2;
}

static unsigned
known_length (unsigned type)
{
  switch (type) {
    case RECORD_TIME:
      return 16;
    case RECORD_RATE:
    case RECORD_ASPECT:
      return 8;
    case RECORD_COLOUR:
      return 5;
    default:
      return 0;
  }
}

static walloc_result
parse_record (const uint8_t * p, unsigned type, walloc_frame_info * info,
    walloc_error * error)
{
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
  unsigned type, length;

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
    if (known_length (type) != 0) {
      if (length != known_length (type))
        return walloc_fail (error, WALLOC_ERR_CORRUPT,
            "frame header: record %u has %u bytes, not %u", type, length,
            known_length (type));
      result = parse_record (data + at, type, info, error);
      if (result != WALLOC_OK)
        return result;
    }
    at += length;
  }
  return WALLOC_OK;
}

/* Fields 20 to 31 and the slices, of a header whose checksum holds. */
static walloc_result
parse_picture (const uint8_t * data, walloc_frame_info * info,
    walloc_error * error)
{
  uint64_t sum = 0;
  unsigned i;

  info->width = walloc_get_u16 (data + AT_WIDTH) + 1u;
  info->height = walloc_get_u16 (data + AT_HEIGHT) + 1u;
  info->set = data[AT_SET];
  info->step_index = walloc_get_u16 (data + AT_STEP);
  info->channels = walloc_get_u16 (data + AT_CHANNELS);
  info->slice_rows = walloc_get_u16 (data + AT_SLICE_ROWS);
  if (data[AT_FORMAT] >= WALLOC_FORMAT_COUNT)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "frame header: pixel format %u is not known to this version",
        data[AT_FORMAT]);
  info->format = (walloc_format) data[AT_FORMAT];
  if (info->width > WALLOC_MAX_SIZE || info->height > WALLOC_MAX_SIZE)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: %u x %u pixels exceed %u x %u", info->width,
        info->height, WALLOC_MAX_SIZE, WALLOC_MAX_SIZE);
  if (info->step_index > MAX_STEP_INDEX)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: step index %u exceeds %u", info->step_index,
        MAX_STEP_INDEX);
  if (info->channels == 0)
    return walloc_fail (error, WALLOC_ERR_CORRUPT, "frame header: no channels");
  if (info->slice_rows == 0 || info->slice_rows > MAX_SLICE_ROWS)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: %u rows per slice are not 1 to %u",
        info->slice_rows, MAX_SLICE_ROWS);
  info->slices = count_slices (info);
  if (info->slices == 0 && info->payload_size != 0)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: a repeat frame announces %u bytes of payload",
        (unsigned) info->payload_size);
  if (table_end (info->slices) + CRC_SIZE > info->header_size)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: %u bytes do not hold the sizes of %u slices",
        info->header_size, info->slices);
  for (i = 0; i + 1 < info->slices; i++)
    sum += walloc_get_u32 (data + AT_SLICES + 4 * (size_t) i);
  if (sum > info->payload_size)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "frame header: slices exceed the payload of %u bytes",
        (unsigned) info->payload_size);
  return WALLOC_OK;
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
  if ((kind & 3) != WALLOC_MEDIA_VIDEO)
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
  result = parse_picture (data, info, error);
  if (result != WALLOC_OK)
    return result;
  return parse_records (data, table_end (info->slices),
      info->header_size - CRC_SIZE, info, error);
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
  if (size > 0 && memcmp (data, magic, size < 4 ? size : 4) != 0)
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

walloc_result
walloc_frame_slice (const uint8_t * data, const walloc_frame_info * info,
    unsigned slice, size_t *offset, size_t *size)
{
  uint64_t start = 0, length;
  unsigned i;

  if (data == NULL || info == NULL || offset == NULL || size == NULL ||
      slice >= info->slices ||
      table_end (info->slices) + CRC_SIZE > info->header_size)
    return WALLOC_ERR_ARGUMENT;
  for (i = 0; i < slice; i++)
    start += walloc_get_u32 (data + AT_SLICES + 4 * (size_t) i);
  if (start > info->payload_size)
    return WALLOC_ERR_CORRUPT;
  if (slice + 1 < info->slices)
    length = walloc_get_u32 (data + AT_SLICES + 4 * (size_t) slice);
  else
    length = info->payload_size - start;
  if (length > info->payload_size - start)
    return WALLOC_ERR_CORRUPT;
  *offset = info->header_size + (size_t) start;
  *size = (size_t) length;
  return WALLOC_OK;
}

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

static size_t
records_size (const walloc_frame_info * info)
{
  size_t n = 0;

  if (has_time (info))
    n += RECORD_HEAD + known_length (RECORD_TIME);
  if (info->fps_n != 0)
    n += RECORD_HEAD + known_length (RECORD_RATE);
  if (info->has_colour)
    n += RECORD_HEAD + known_length (RECORD_COLOUR);
  if (has_aspect (info))
    n += RECORD_HEAD + known_length (RECORD_ASPECT);
  return n;
}

static uint8_t *
put_record (uint8_t * p, unsigned type)
{
  p[0] = (uint8_t) type;
  walloc_put_u16 (p + 1, known_length (type));
  return p + RECORD_HEAD;
}

static uint8_t *
put_records (uint8_t * p, const walloc_frame_info * info)
{
  if (has_time (info)) {
    p = put_record (p, RECORD_TIME);
    walloc_put_u64 (p, info->pts);
    walloc_put_u64 (p + 8, info->duration);
    p += 16;
  }
  if (info->fps_n != 0) {
    p = put_record (p, RECORD_RATE);
    walloc_put_u32 (p, info->fps_n);
    walloc_put_u32 (p + 4, info->fps_d);
    p += 8;
  }
  if (info->has_colour) {
    p = put_record (p, RECORD_COLOUR);
    p[0] = info->colour.range;
    p[1] = info->colour.matrix;
    p[2] = info->colour.transfer;
    p[3] = info->colour.primaries;
    p[4] = info->colour.chroma_site;
    p += 5;
  }
  if (has_aspect (info)) {
    p = put_record (p, RECORD_ASPECT);
    walloc_put_u32 (p, info->par_n);
    walloc_put_u32 (p + 4, info->par_d);
    p += 8;
  }
  return p;
}

/* Could a header say this? */
static walloc_result
check_info (const walloc_frame_info * info, walloc_error * error)
{
  const char *bad = NULL;

  if (info->media != WALLOC_MEDIA_VIDEO)
    bad = "media";
  else if ((unsigned) info->type > WALLOC_FRAME_REPEAT)
    bad = "frame type";
  else if (info->width < 1 || info->width > WALLOC_MAX_SIZE)
    bad = "width";
  else if (info->height < 1 || info->height > WALLOC_MAX_SIZE)
    bad = "height";
  else if ((unsigned) info->format >= WALLOC_FORMAT_COUNT)
    bad = "pixel format";
  else if (info->set > UINT8_MAX)
    bad = "parameter set";
  else if (info->step_index > MAX_STEP_INDEX)
    bad = "step index";
  else if (info->channels < 1 || info->channels > UINT16_MAX)
    bad = "number of channels";
  else if (info->slice_rows < 1 || info->slice_rows > MAX_SLICE_ROWS)
    bad = "number of rows per slice";
  else if (info->slices != count_slices (info))
    bad = "number of slices";
  else if (info->fps_n != 0 && info->fps_d == 0)
    bad = "frame rate";
  else if (info->par_n != 0 && info->par_d == 0)
    bad = "pixel aspect ratio";
  else if (info->has_colour && info->colour.range > 2)
    bad = "colour range";
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
  size_t at = table_end (info->slices), n = 0, length;

  while (at < info->header_size - CRC_SIZE) {
    length = RECORD_HEAD + (size_t) walloc_get_u16 (data + at + 1);
    if (known_length (data[at]) == 0) {
      if (out != NULL)
        memcpy (out + n, data + at, length);
      n += length;
    }
    at += length;
  }
  return n;
}

/* Writes the whole header. The table has (slices - 1) sizes in stream form.
 * When old is not NULL, the unknown records of that header follow the known
 * ones. */
static walloc_result
write_header (uint8_t * data, size_t size, walloc_frame_info * info,
    const uint8_t * table, const uint8_t * old_data,
    const walloc_frame_info * old, walloc_error * error)
{
  size_t end = table_end (info->slices), extra = 0, need;
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
  memcpy (data, magic, sizeof magic);
  walloc_put_u16 (data + AT_HEADER_SIZE, info->header_size);
  data[AT_KIND] = (uint8_t) (info->media | info->type << 2);
  data[AT_VERSION] = FORMAT_VERSION | CODER << 4;
  walloc_put_u32 (data + AT_PAYLOAD, info->payload_size);
  walloc_put_u64 (data + AT_MODEL, info->model_id);
  walloc_put_u16 (data + AT_WIDTH, info->width - 1);
  walloc_put_u16 (data + AT_HEIGHT, info->height - 1);
  data[AT_FORMAT] = (uint8_t) info->format;
  data[AT_SET] = (uint8_t) info->set;
  walloc_put_u16 (data + AT_STEP, info->step_index);
  walloc_put_u16 (data + AT_CHANNELS, info->channels);
  walloc_put_u16 (data + AT_SLICE_ROWS, info->slice_rows);
  if (end > AT_SLICES)
    memcpy (data + AT_SLICES, table, end - AT_SLICES);
  p = put_records (data + end, info);
  if (old != NULL)
    p += unknown_records (old_data, old, p);
  walloc_put_u32 (p, walloc_crc32 (data, need - CRC_SIZE));
  return WALLOC_OK;
}

walloc_result
walloc_frame_write (uint8_t * data, size_t size, walloc_frame_info * info,
    const uint32_t * slice_sizes, walloc_error * error)
{
  uint8_t table[4 * WALLOC_FRAME_MAX_SLICES];
  walloc_result result;
  uint64_t sum = 0;
  unsigned i;

  if (info == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_frame_write: NULL argument");
  result = check_info (info, error);
  if (result != WALLOC_OK)
    return result;
  if (slice_sizes == NULL && info->slices > 0)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_frame_write: no slice sizes");
  for (i = 0; i < info->slices; i++) {
    walloc_put_u32 (table + 4 * (size_t) i, slice_sizes[i]);
    sum += slice_sizes[i];
  }
  if (sum > WALLOC_FRAME_MAX_PAYLOAD)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "frame header: slices exceed %u bytes; use a coarser quality or a "
        "smaller picture", WALLOC_FRAME_MAX_PAYLOAD);
  info->payload_size = (uint32_t) sum;
  return write_header (data, size, info, table, NULL, NULL, error);
}

walloc_result
walloc_frame_rewrite (const uint8_t * data, walloc_frame_info * info,
    uint8_t * out, size_t out_size, walloc_error * error)
{
  walloc_frame_info old;
  walloc_result result;

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
      info->slice_rows != old.slice_rows ||
      info->payload_size != old.payload_size)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "frame header: rewriting cannot change slices or payload");
  return write_header (out, out_size, info, data + AT_SLICES, data, &old,
      error);
}

size_t
walloc_frame_find (const uint8_t * data, size_t size, size_t start)
{
  const uint8_t *p;
  size_t left;

  while (data != NULL && start < size) {
    p = memchr (data + start, magic[0], size - start);
    if (p == NULL)
      break;
    start = (size_t) (p - data);
    left = size - start;
    if (memcmp (p, magic, left < 4 ? left : 4) == 0)
      return start;
    start++;
  }
  return size;
}
