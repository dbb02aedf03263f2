/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Leaving out the highest layers of a frame: docs/bitstream.md, section 1.1.
 * Bytes are moved, never decoded, so no model is needed. */
#include "codec/frame-private.h"

#include <string.h>

#include "common/bytes.h"
#include "common/crc32.h"
#include "common/mem.h"

/* Bytes of a size in the table. */
static size_t
size_bytes (uint32_t size)
{
  size_t n = 1;

  while (size >>= 7)
    n++;
  return n;
}

/* What does not depend on layers in a header: everything but where they end,
 * and the table. */
static size_t
fixed_bytes (const uint8_t * data, const walloc_frame_info * info)
{
  return info->header_size - (walloc_frame_table_end (data, info) - AT_LAYERS);
}

walloc_result
walloc_frame_layer_sizes (const uint8_t * data,
    const walloc_frame_info * info, size_t sizes[WALLOC_FRAME_MAX_LAYERS])
{
  size_t at, table[WALLOC_FRAME_MAX_LAYERS] = { 0 }, fixed;
  uint64_t payload[WALLOC_FRAME_MAX_LAYERS] = { 0 }, left;
  unsigned slice, layer, n;
  uint32_t size;

  if (data == NULL || info == NULL || sizes == NULL || info->layers < 1 ||
      info->layers > WALLOC_FRAME_MAX_LAYERS)
    return WALLOC_ERR_ARGUMENT;
  at = walloc_frame_table_at (info);
  left = info->payload_size;
  n = info->slices * info->layers;
  for (slice = 0; slice < info->slices; slice++) {
    for (layer = 0; layer < info->layers; layer++) {
      if (--n == 0)
        size = (uint32_t) left;
      else if (!walloc_frame_get_size (data, info->header_size - CRC_SIZE,
              &at, &size) || size > left)
        return WALLOC_ERR_CORRUPT;
      left -= size;
      payload[layer] += size;
      /* the size of the last segment that is kept is not written */
      if (slice + 1 < info->slices)
        table[layer] += size_bytes (size);
      else if (layer + 1 < WALLOC_FRAME_MAX_LAYERS)
        table[layer + 1] += size_bytes (size);
    }
  }
  fixed = fixed_bytes (data, info);
  for (layer = 0; layer < WALLOC_FRAME_MAX_LAYERS; layer++) {
    if (layer > 0 && layer < info->layers) {
      payload[layer] += payload[layer - 1];
      table[layer] += table[layer - 1];
    }
    sizes[layer] = layer < info->layers ? (size_t) payload[layer] +
        table[layer] + fixed + 2 * layer : 0;
  }
  return WALLOC_OK;
}

/* Table and payload of the layers that stay. The payload may be NULL: then
 * its bytes are only counted. */
static void
copy_segments (const uint8_t * data, const walloc_frame_info * info,
    unsigned layers, uint8_t * table, size_t *table_size, uint8_t * payload,
    size_t *payload_size)
{
  const uint8_t *segment = data + info->header_size, *entry;
  size_t at = walloc_frame_table_at (info);
  unsigned slice, layer, n = info->slices * info->layers;
  uint32_t left = info->payload_size, size;

  *table_size = *payload_size = 0;
  for (slice = 0; slice < info->slices; slice++) {
    for (layer = 0; layer < info->layers; layer++) {
      entry = data + at;
      if (--n == 0)
        size = left;
      else
        /* the header parsed, so this cannot fail */
        walloc_frame_get_size (data, info->header_size - CRC_SIZE, &at, &size);
      left -= size;
      if (layer < layers) {
        if (payload != NULL)
          memcpy (payload + *payload_size, segment, size);
        *payload_size += size;
        if (slice + 1 < info->slices || layer + 1 < layers) {
          memcpy (table + *table_size, entry, size_bytes (size));
          *table_size += size_bytes (size);
        }
      }
      segment += size;
    }
  }
}

/* The header of what stays. Records are copied as they are: those of later
 * versions as well, and in their order. */
static void
write_header (const uint8_t * data, const walloc_frame_info * info,
    const walloc_frame_info * kept, const uint8_t * table, size_t table_size,
    uint8_t * out)
{
  size_t records = walloc_frame_table_end (data, info), at;

  memcpy (out, data, AT_LAYERS);
  walloc_put_u16 (out + AT_HEADER_SIZE, kept->header_size);
  walloc_put_u32 (out + AT_PAYLOAD, kept->payload_size);
  walloc_put_u16 (out + AT_CHANNELS, kept->channels);
  out[AT_FLAGS] = (uint8_t) (kept->scale | (kept->layers - 1) << 2);
  memcpy (out + AT_LAYERS, data + AT_LAYERS, 2 * (kept->layers - 1));
  at = walloc_frame_table_at (kept);
  memcpy (out + at, table, table_size);
  memcpy (out + at + table_size, data + records,
      info->header_size - CRC_SIZE - records);
  at = kept->header_size - CRC_SIZE;
  walloc_put_u32 (out + at, walloc_crc32 (out, at));
}

walloc_result
walloc_frame_thin (const uint8_t * data, size_t size, unsigned layers,
    uint8_t * out, size_t out_size, walloc_frame_info * thinned,
    walloc_error * error)
{
  uint8_t table[SIZE_BYTES * WALLOC_FRAME_MAX_LAYERS * WALLOC_FRAME_MAX_SLICES];
  size_t table_size, payload_size;
  walloc_frame_info info;
  walloc_result result;

  if (thinned == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_frame_thin: NULL argument");
  result = walloc_frame_parse (data, size, &info, error);
  *thinned = info;
  if (result != WALLOC_OK)
    return result;
  if (layers < 1)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_frame_thin: the first layer of a frame always stays, so at "
        "least 1 is to be kept");
  if (size - info.header_size < info.payload_size)
    return walloc_fail (error, WALLOC_ERR_TRUNCATED,
        "a frame of %lu bytes, and only %lu are there",
        (unsigned long) info.header_size + info.payload_size,
        (unsigned long) size);
  if (layers < info.layers) {
    thinned->layers = layers;
    thinned->channels = info.layer_end[layers - 1];
    memset (thinned->layer_end + layers, 0, (info.layers - layers) *
        sizeof *thinned->layer_end);
  }
  copy_segments (data, &info, thinned->layers, table, &table_size, NULL,
      &payload_size);
  thinned->payload_size = (uint32_t) payload_size;
  thinned->header_size = (unsigned) (fixed_bytes (data, &info) +
      2 * (thinned->layers - 1) + table_size);
  if (out == NULL || out_size < thinned->header_size + payload_size)
    return walloc_fail (error, WALLOC_ERR_SPACE,
        "a thinned frame has %lu bytes, and there is space for %lu",
        (unsigned long) (thinned->header_size + payload_size),
        out != NULL ? (unsigned long) out_size : 0ul);
  copy_segments (data, &info, thinned->layers, table, &table_size,
      out + thinned->header_size, &payload_size);
  write_header (data, &info, thinned, table, table_size, out);
  return WALLOC_OK;
}
