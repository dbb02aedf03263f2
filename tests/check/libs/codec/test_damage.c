/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Damaged frames: every single-bit flip and every length of a small frame of
 * several slices. Nothing may crash, and damage must stay where it is. The
 * frame is put together here, with slices far smaller than the encoder's. */
#include "codec_util.h"

#include "common/bytes.h"
#include "common/crc32.h"
#include "entropy/slice.h"

#define WIDTH 70
#define HEIGHT 120
#define GRID_WIDTH 9
#define GRID_HEIGHT 15
#define SLICE_ROWS 4
#define SLICES 4
#define CHANNELS 6
#define LAYERS 3
#define PLANE (GRID_WIDTH * GRID_HEIGHT)

typedef struct
{
  uint8_t *data;
  size_t size;
  walloc_frame_info info;
  int16_t latents[CHANNELS * PLANE];
} test_frame;

static void
frame_layered (test_frame * f, walloc_model * model, unsigned seed,
    unsigned layers)
{
  static const unsigned ends[] = { 1, 4 };
  static int16_t buffer[8192];
  static uint8_t scratch[65536] __attribute__((aligned (64)));
  uint8_t out[SLICES][4096], present[CHANNELS];
  uint32_t sizes[SLICES * LAYERS];
  walloc_slice_coder coder;
  walloc_slice slice;
  size_t size[LAYERS], all;
  unsigned i, c, x, y, v, k;

  for (i = 0; i < CHANNELS * PLANE; i++) {
    v = tap_random (&seed);
    f->latents[i] = (int16_t) (v & 3 ? 0 : (int) (v >> 9 & 7) - 3);
  }
  memset (present, 1, sizeof present);
  walloc_slice_coder_init (&coder, model, 0, CHANNELS, present);
  walloc_slice_coder_layers (&coder, layers, ends);
  memset (&slice, 0, sizeof slice);
  slice.width = GRID_WIDTH;
  slice.stride = walloc_slice_stride (GRID_WIDTH);
  slice.scratch = scratch;
  slice.planes = buffer + walloc_slice_origin (GRID_WIDTH);
  for (i = 0; i < SLICES; i++) {
    slice.rows = i < SLICES - 1 ? SLICE_ROWS : GRID_HEIGHT % SLICE_ROWS;
    slice.plane_stride = walloc_slice_plane_stride (GRID_WIDTH, slice.rows);
    memset (buffer, 0, sizeof buffer);
    for (c = 0; c < CHANNELS; c++)
      for (y = 0; y < slice.rows; y++)
        for (x = 0; x < GRID_WIDTH; x++)
          slice.planes[c * slice.plane_stride + y * slice.stride + x] =
              f->latents[c * PLANE + (i * SLICE_ROWS + y) * GRID_WIDTH + x];
    walloc_slice_encode (&coder, &slice, out[i], sizeof out[i], size);
    for (k = 0; k < layers; k++)
      sizes[i * layers + k] = (uint32_t) size[k];
  }
  walloc_frame_info_init (&f->info);
  f->info.model_id = model->info.id;
  f->info.width = WIDTH;
  f->info.height = HEIGHT;
  f->info.format = WALLOC_FORMAT_RGB;
  f->info.step_index = 40;
  f->info.channels = CHANNELS;
  f->info.slice_rows = SLICE_ROWS;
  f->info.slices = SLICES;
  f->info.layers = layers;
  for (k = 0; k < layers; k++)
    f->info.layer_end[k] = coder.end[k];
  f->data = malloc (SLICES * sizeof out[0]);
  walloc_frame_write (f->data, SLICES * sizeof out[0], &f->info, sizes, NULL);
  f->size = f->info.header_size;
  for (i = 0; i < SLICES; i++) {
    for (k = 0, all = 0; k < layers; k++)
      all += sizes[i * layers + k];
    memcpy (f->data + f->size, out[i] + sizeof out[i] - all, all);
    f->size += all;
  }
}

static void
frame_new (test_frame * f, walloc_model * model, unsigned seed)
{
  frame_layered (f, model, seed, 1);
}

/* Whether a slice of the latents is as it was. */
static int
slice_same (const test_frame * f, const walloc_latents * l, unsigned slice)
{
  unsigned first = slice * SLICE_ROWS, c, y;
  unsigned end = first + SLICE_ROWS < GRID_HEIGHT ? first + SLICE_ROWS :
      GRID_HEIGHT;

  for (c = 0; c < CHANNELS; c++)
    for (y = first; y < end; y++)
      if (memcmp (l->data + c * PLANE + y * GRID_WIDTH,
              f->latents + c * PLANE + y * GRID_WIDTH,
              GRID_WIDTH * sizeof *l->data) != 0)
        return 0;
  return 1;
}

/* Slice that an offset of the frame belongs to. */
static unsigned
slice_at (const test_frame * f, size_t at)
{
  size_t offset, size;
  unsigned i;

  for (i = 0; i < SLICES; i++) {
    walloc_frame_slice (f->data, &f->info, i, &offset, &size);
    if (at >= offset && at < offset + size)
      return i;
  }
  return SLICES;
}

static void
test_flips (walloc_model * model)
{
  walloc_decoder *decoder;
  walloc_latents latents;
  walloc_image image;
  walloc_result result;
  test_frame f;
  unsigned damaged, hit, i, unnoticed = 0, refused = 0, spread = 0, bad = 0;
  unsigned seen = 0;
  size_t bit;

  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  picture_new (&image, WALLOC_FORMAT_RGB, WIDTH, HEIGHT);
  frame_new (&f, model, 5);
  result = walloc_decoder_latents (decoder, f.data, f.size, &latents, &damaged,
      NULL);
  bad = result != WALLOC_OK || damaged != 0 ||
      latents.channels != CHANNELS || latents.width != GRID_WIDTH ||
      latents.height != GRID_HEIGHT;
  for (i = 0; i < SLICES; i++)
    bad += !slice_same (&f, &latents, i);
  TAP_OK (bad == 0, "%zu bytes in %u slices decode to what they were",
      f.size, SLICES);

  for (bit = 0; bit < f.size * 8; bit++) {
    f.data[bit / 8] ^= (uint8_t) (1 << bit % 8);
    result = walloc_decoder_latents (decoder, f.data, f.size, &latents,
        &damaged, NULL);
    if (bit / 8 < f.info.header_size) {
      /* the checksum holds for the whole header */
      bad += result != WALLOC_ERR_CORRUPT && result != WALLOC_ERR_TRUNCATED;
      bad += latents.data != NULL;
      refused++;
    } else {
      bad += result != WALLOC_OK || damaged > 1;
      hit = slice_at (&f, bit / 8);
      for (i = 0; i < SLICES && latents.data != NULL; i++)
        spread += i != hit && !slice_same (&f, &latents, i);
      unnoticed += damaged == 0;
      seen++;
      if (bit % 41 == 0)
        bad += walloc_decoder_decode (decoder, f.data, f.size,
            WALLOC_DECODER_LINEAR, &image, &damaged, NULL) != WALLOC_OK;
    }
    f.data[bit / 8] ^= (uint8_t) (1 << bit % 8);
  }
  TAP_OK (bad == 0 && refused == f.info.header_size * 8,
      "%u flips in the header refuse the frame", refused);
  TAP_OK (spread == 0, "%u flips in slices stay in their slice", seen);
  TAP_OK (unnoticed == 0, "%u of %u flips go unnoticed", unnoticed, seen);
  free (f.data);
  picture_free (&image);
  walloc_decoder_free (decoder);
}

static void
test_truncation (walloc_model * model)
{
  walloc_decoder *decoder;
  walloc_decoder_stats stats;
  walloc_latents latents;
  walloc_image image;
  walloc_result result;
  test_frame f;
  unsigned damaged, i, bad = 0, intact = 0, whole;
  size_t length, offset, size;
  uint8_t *part;

  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  picture_new (&image, WALLOC_FORMAT_RGB, WIDTH, HEIGHT);
  frame_new (&f, model, 6);
  for (length = 0; length < f.size; length++) {
    /* a buffer of its own, so that sanitizers see reads behind it */
    part = malloc (length + 1);
    memcpy (part, f.data, length);
    damaged = 99;
    result = walloc_decoder_latents (decoder, part, length, &latents,
        &damaged, NULL);
    bad += result != WALLOC_ERR_TRUNCATED;
    if (length < f.info.header_size) {
      bad += damaged != 0 || latents.data != NULL;
    } else {
      whole = 0;
      for (i = 0; i < SLICES; i++) {
        walloc_frame_slice (f.data, &f.info, i, &offset, &size);
        if (offset + size > length)
          continue;
        whole++;
        bad += !slice_same (&f, &latents, i);
      }
      bad += damaged != SLICES - whole;
      intact += whole;
      bad += walloc_decoder_check (decoder, part, length, NULL) !=
          (whole > 0 ? WALLOC_OK : WALLOC_ERR_TRUNCATED);
      bad += walloc_decoder_decode (decoder, part, length,
          WALLOC_DECODER_LINEAR, &image, NULL, NULL) != WALLOC_ERR_TRUNCATED;
      if (length % 7 == 0)
        bad += walloc_decoder_decode (decoder, part, length,
            WALLOC_DECODER_LINEAR, &image, &damaged, NULL) !=
            WALLOC_ERR_TRUNCATED || damaged != SLICES - whole;
    }
    free (part);
  }
  TAP_OK (bad == 0 && intact > 0, "%zu lengths: intact slices are decoded",
      f.size);
  walloc_decoder_get_stats (decoder, &stats);
  TAP_OK (stats.damaged_slices > 0, "%u damaged slices counted",
      (unsigned) stats.damaged_slices);
  /* bytes behind the frame are the next one's */
  part = malloc (f.size + 3);
  memcpy (part, f.data, f.size);
  memset (part + f.size, 0x5a, 3);
  TAP_OK (walloc_decoder_latents (decoder, part, f.size + 3, &latents,
          &damaged, NULL) == WALLOC_OK && damaged == 0,
      "bytes behind the frame do not matter");
  free (part);
  free (f.data);
  picture_free (&image);
  walloc_decoder_free (decoder);
}

/* A slice in the middle is lost: means go from the row above to the row
 * below, everything else is zero. */
static void
test_concealment (walloc_model * model)
{
  walloc_decoder *decoder;
  walloc_latents l;
  test_frame f;
  unsigned damaged, bad = 0, x, c, k, lost;
  size_t offset, size;
  int above, below;

  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  for (lost = 0; lost < SLICES; lost++) {
    frame_new (&f, model, 7);
    walloc_frame_slice (f.data, &f.info, lost, &offset, &size);
    memset (f.data + offset, 0, size);
    bad += walloc_decoder_latents (decoder, f.data, f.size, &l, &damaged,
        NULL) != WALLOC_OK || damaged != 1;
    for (k = 0; k < 4 && lost * SLICE_ROWS + k < GRID_HEIGHT; k++)
      for (x = 0; x < GRID_WIDTH; x++) {
        above = lost == 0 ? 0 : f.latents[(lost * SLICE_ROWS - 1) *
            GRID_WIDTH + x];
        below = lost == 3 ? above : f.latents[(lost + 1) * SLICE_ROWS *
            GRID_WIDTH + x];
        above = lost == 0 ? below : above;
        bad += l.data[(lost * SLICE_ROWS + k) * GRID_WIDTH + x] !=
            (above * (int) (SLICE_ROWS - k) + below * (int) (k + 1)) /
            (SLICE_ROWS + 1) && lost < 3;
        for (c = 1; c < CHANNELS; c++)
          bad += l.group[c] == 0 && l.data[c * PLANE + (lost * SLICE_ROWS +
                  k) * GRID_WIDTH + x] != 0;
      }
    free (f.data);
  }
  TAP_OK (bad == 0, "each slice lost in turn is concealed");
  frame_new (&f, model, 7);
  memset (f.data + f.info.header_size, 0xff, f.info.payload_size);
  bad = walloc_decoder_latents (decoder, f.data, f.size, &l, &damaged,
      NULL) != WALLOC_OK || damaged != SLICES;
  for (x = 0; x < CHANNELS * PLANE; x++)
    bad += l.data[x] != 0;
  TAP_OK (bad == 0, "a frame without any intact slice is all zero");
  free (f.data);
  walloc_decoder_free (decoder);
}

/* Whether channels [first, end) of a slice are as they were, or all zero but
 * for the first where that is concealed. */
static int
channels_are (const test_frame * f, const walloc_latents * l, unsigned slice,
    unsigned first, unsigned end, int zero)
{
  unsigned c, y, x, at;

  for (c = first; c < end; c++)
    for (y = slice * SLICE_ROWS; y < GRID_HEIGHT && y < (slice + 1) *
        SLICE_ROWS; y++)
      for (x = 0; x < GRID_WIDTH; x++) {
        at = c * PLANE + y * GRID_WIDTH + x;
        if (l->data[at] != (zero ? 0 : f->latents[at]))
          return 0;
      }
  return 1;
}

/* Every flip and every length of a frame with layers: what is below the
 * damage in its slice, and all other slices, stay; what is above is zero. */
static void
test_layers (walloc_model * model)
{
  static const unsigned first[] = { 0, 1, 4, CHANNELS };
  walloc_decoder *decoder;
  walloc_latents l;
  walloc_frame_info info;
  test_frame f;
  unsigned damaged, i, k, hit, slice, layer, bad = 0, n = 0;
  size_t bit, offset, size, length;
  uint8_t *part;

  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  frame_layered (&f, model, 15, LAYERS);
  bad += walloc_decoder_latents (decoder, f.data, f.size, &l, &damaged,
      NULL) != WALLOC_OK || damaged != 0;
  for (i = 0; i < SLICES; i++)
    bad += !slice_same (&f, &l, i);
  TAP_OK (bad == 0, "%zu bytes in %u slices of %u layers", f.size, SLICES,
      LAYERS);
  for (slice = 0; slice < SLICES; slice++)
    for (layer = 0; layer < LAYERS; layer++) {
      walloc_frame_segment (f.data, &f.info, slice, layer, &offset, &size);
      for (bit = offset * 8; bit < (offset + size) * 8; bit++, n++) {
        f.data[bit / 8] ^= (uint8_t) (1 << bit % 8);
        bad += walloc_decoder_latents (decoder, f.data, f.size, &l, &damaged,
            NULL) != WALLOC_OK || damaged != 1;
        for (i = 0; i < SLICES; i++)
          bad += i != slice && !slice_same (&f, &l, i);
        bad += !channels_are (&f, &l, slice, 0, first[layer], 0);
        bad += !channels_are (&f, &l, slice, layer == 0 ? 3 : first[layer],
            CHANNELS, 1);
        f.data[bit / 8] ^= (uint8_t) (1 << bit % 8);
      }
    }
  TAP_OK (bad == 0, "%u flips spare lower layers and other slices", n);

  for (length = f.info.header_size; length < f.size; length++) {
    part = malloc (length);
    memcpy (part, f.data, length);
    bad += walloc_decoder_latents (decoder, part, length, &l, &damaged,
        NULL) != WALLOC_ERR_TRUNCATED || damaged == 0;
    for (slice = 0; slice < SLICES; slice++) {
      for (hit = 0; hit < LAYERS; hit++) {
        walloc_frame_segment (f.data, &f.info, slice, hit, &offset, &size);
        if (offset + size > length)
          break;
      }
      bad += !channels_are (&f, &l, slice, 0, first[hit], 0);
      if (hit > 0)
        bad += !channels_are (&f, &l, slice, first[hit], CHANNELS, 1);
    }
    free (part);
  }
  TAP_OK (bad == 0, "lengths: whole layers are decoded");

  part = malloc (f.size);
  for (k = 1; k < LAYERS; k++) {
    bad += walloc_frame_thin (f.data, f.size, k, part, f.size, &info, NULL) !=
        WALLOC_OK;
    bad += walloc_decoder_latents (decoder, part, info.header_size +
        info.payload_size, &l, &damaged, NULL) != WALLOC_OK || damaged != 0;
    bad += l.channels != first[k];
    for (slice = 0; slice < SLICES; slice++)
      bad += !channels_are (&f, &l, slice, 0, first[k], 0);
  }
  TAP_OK (bad == 0, "a thinned frame has the layers that were kept");
  free (part);
  free (f.data);
  walloc_decoder_free (decoder);
}

static void *
count_alloc (void *user, size_t size)
{
  *(size_t *) user += size;
  return malloc (size);
}

static void
count_free (void *user, void *memory)
{
  (void) user;
  free (memory);
}

/* A frame of the greatest size in a hundred bytes. */
static void
test_claims (walloc_model * model)
{
  size_t taken = 0, before;
  walloc_allocator allocator = { 0 };
  walloc_decoder *decoder;
  walloc_frame_info info;
  uint32_t size = 62;
  uint8_t data[100];
  test_frame f;

  allocator.alloc = count_alloc;
  allocator.free = count_free;
  allocator.user = &taken;
  walloc_decoder_new (model, &allocator, NULL, NULL, &decoder, NULL);
  walloc_frame_info_init (&info);
  info.model_id = model->info.id;
  info.width = info.height = WALLOC_MAX_SIZE;
  info.format = WALLOC_FORMAT_RGB;
  info.channels = model->info.channels;
  info.slice_rows = 2048;
  info.slices = 1;
  memset (data, 0x55, sizeof data);
  TAP_OK (walloc_frame_write (data, sizeof data, &info, &size, NULL) ==
      WALLOC_OK && info.header_size + size == sizeof data,
      "a header of %u bytes claims %ux%u", info.header_size, info.width,
      info.height);
  before = taken;
  TAP_OK (walloc_decoder_check (decoder, data, sizeof data, NULL) ==
      WALLOC_ERR_CORRUPT, "without a slice it is refused");
  TAP_OK (walloc_decoder_check (decoder, data, sizeof data - 1, NULL) ==
      WALLOC_ERR_TRUNCATED, "cut short it is refused");
  frame_new (&f, model, 8);
  TAP_OK (walloc_decoder_check (decoder, f.data, f.size, NULL) == WALLOC_OK,
      "a good frame is not");
  TAP_OK (taken == before, "nothing was allocated");
  TAP_OK (walloc_decoder_check (decoder, NULL, 1, NULL) ==
      WALLOC_ERR_ARGUMENT && walloc_decoder_check (NULL, data, sizeof data,
          NULL) == WALLOC_ERR_ARGUMENT, "NULL is refused");
  free (f.data);
  walloc_decoder_free (decoder);
}

/* Headers with a good checksum that say what cannot be. */
static void
test_headers (walloc_model * model)
{
  static const struct
  {
    const char *name;
    unsigned at, value, bytes;
    walloc_result result;
  } cases[] = {
    {"model id", 12, 1, 1, WALLOC_ERR_MODEL_MISMATCH},
    {"set beyond the model's", 25, 200, 1, WALLOC_ERR_CORRUPT},
    {"channels beyond the model's", 28, 5000, 2, WALLOC_ERR_CORRUPT},
    {"no channels", 28, 0, 2, WALLOC_ERR_CORRUPT},
    {"format 11", 24, 11, 1, WALLOC_ERR_UNSUPPORTED},
    {"step index 177", 26, 177, 2, WALLOC_ERR_CORRUPT},
    {"no rows per slice", 30, 0, 2, WALLOC_ERR_CORRUPT},
    {"a width that others' slices do not fit", 20, 800, 2, WALLOC_OK},
    {"a height of more slices than the table has", 22, 4000, 2,
        WALLOC_ERR_CORRUPT},
    {"first slice longer than the payload", 34, 0x7fff, 2,
        WALLOC_ERR_CORRUPT},
    {"predicted frame that fits none before", 6, 4, 1, WALLOC_ERR_NEEDS_KEY},
    {"repeated frame with a payload", 6, 8, 1, WALLOC_ERR_CORRUPT},
    {"audio", 6, 1, 1, WALLOC_ERR_UNSUPPORTED},
    {"version 3", 7, 3, 1, WALLOC_ERR_UNSUPPORTED},
    {"coder 1", 7, 0x12, 1, WALLOC_ERR_UNSUPPORTED},
    {"reserved bits", 6, 0x10, 1, WALLOC_ERR_UNSUPPORTED}
  };
  walloc_decoder *decoder;
  walloc_latents l;
  walloc_error error;
  walloc_result result;
  test_frame f;
  unsigned i, damaged, end;

  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    frame_new (&f, model, 8);
    f.data[cases[i].at] = (uint8_t) cases[i].value;
    if (cases[i].bytes == 2)
      f.data[cases[i].at + 1] = (uint8_t) (cases[i].value >> 8);
    end = f.info.header_size - 4;
    walloc_put_u32 (f.data + end, walloc_crc32 (f.data, end));
    error.text[0] = 0;
    result = walloc_decoder_latents (decoder, f.data, f.size, &l, &damaged,
        &error);
    TAP_OK (result == cases[i].result && (result != WALLOC_OK ||
            damaged > 0), "%s: %s", cases[i].name, result == WALLOC_OK ?
        "slices concealed" : error.text);
    free (f.data);
  }
  walloc_decoder_free (decoder);
}

/* Nothing but noise behind a good header, for every model and sampling. */
static void
test_noise (walloc_model * model)
{
  static const walloc_format formats[] = { WALLOC_FORMAT_GRAY8,
    WALLOC_FORMAT_I420, WALLOC_FORMAT_Y42B, WALLOC_FORMAT_Y444,
    WALLOC_FORMAT_RGB
  };
  walloc_decoder *decoder;
  walloc_frame_info info;
  walloc_image image;
  uint8_t data[3000];
  uint32_t sizes[3] = { 900, 900, 900 };
  unsigned seed = 77, i, k, damaged, bad = 0, n = 0;

  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  for (i = 0; i < 5; i++) {
    if ((model->info.formats >> formats[i] & 1) == 0)
      continue;
    picture_new (&image, formats[i], 37, 45);
    for (k = 0; k < 40; k++, n++) {
      walloc_frame_info_init (&info);
      info.model_id = model->info.id;
      info.width = 37;
      info.height = 45;
      info.format = formats[i];
      info.set = tap_random (&seed) % model->info.sets;
      info.step_index = tap_random (&seed) % 177;
      info.channels = 1 + tap_random (&seed) % model->info.channels;
      info.slice_rows = 2;
      info.slices = 3;
      bad += walloc_frame_write (data, sizeof data, &info, sizes, NULL) !=
          WALLOC_OK;
      for (damaged = info.header_size; damaged < sizeof data; damaged++)
        data[damaged] = (uint8_t) (tap_random (&seed) >> 7);
      bad += walloc_decoder_decode (decoder, data, sizeof data,
          WALLOC_DECODER_LINEAR, &image, &damaged, NULL) != WALLOC_OK;
      bad += damaged != 3;
    }
    picture_free (&image);
  }
  TAP_OK (bad == 0, "%s: %u frames of noise, all slices noticed",
      model->info.name, n);
  walloc_decoder_free (decoder);
}

int
main (void)
{
  walloc_model *ordered = load_model (MODEL ("ordered-test.wlm"));
  walloc_model *reference = load_model (MODEL ("reference-test.wlm"));

  test_flips (ordered);
  test_flips (reference);
  test_truncation (ordered);
  test_concealment (ordered);
  test_layers (ordered);
  test_claims (ordered);
  test_headers (ordered);
  test_noise (ordered);
  test_noise (reference);
  walloc_model_unref (ordered);
  walloc_model_unref (reference);
  return tap_done ();
}
