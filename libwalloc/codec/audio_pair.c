/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pairs of signals and the projection's matrix: docs/bitstream.md, 2.4. */
#include "codec/audio-private.h"

#include <stdlib.h>
#include <string.h>

#include "transform/clones.h"

#define QUARTER 32              /* turns of pi / 64 in pi / 2 */
#define SHIFT 15

/* round (32768 cos (k pi / 64)) */
static const uint16_t cosines[QUARTER + 1] = {
  32768, 32729, 32610, 32413, 32138, 31786, 31357, 30853, 30274, 29622, 28899,
  28106, 27246, 26320, 25330, 24279, 23170, 22006, 20788, 19520, 18205, 16846,
  15447, 14010, 12540, 11039, 9512, 7962, 6393, 4808, 3212, 1608, 0
};

/* cos (k pi / 64): from a table, as mathematical libraries differ */
static const float exact[QUARTER + 1] = {
  1.0f, 0.998795456f, 0.995184727f, 0.98917651f, 0.98078528f, 0.970031253f,
  0.956940336f, 0.941544065f, 0.923879533f, 0.903989293f, 0.881921264f,
  0.85772861f,
  0.831469612f, 0.803207531f, 0.773010453f, 0.740951125f, 0.707106781f,
  0.671558955f,
  0.634393284f, 0.595699304f, 0.555570233f, 0.514102744f, 0.471396737f,
  0.427555093f,
  0.382683432f, 0.336889853f, 0.290284677f, 0.24298018f, 0.195090322f,
  0.146730474f,
  0.0980171403f, 0.0490676743f, 0.0f
};

void
walloc_audio_mid_side_angle (unsigned rotation, float *cosine, float *sine)
{
  const unsigned eighth = QUARTER / 2;
  unsigned k = rotation < eighth ? eighth - rotation : rotation - eighth;

  *cosine = k <= QUARTER ? exact[k] : -exact[2 * QUARTER - k];
  *sine = exact[k <= QUARTER ? QUARTER - k : k - QUARTER];
  if (rotation < eighth)
    *sine = -*sine;
}

void
walloc_audio_angle (unsigned rotation, int32_t * cosine, int32_t * sine)
{
  *cosine = rotation <= QUARTER ? cosines[rotation] :
      -(int32_t) cosines[2 * QUARTER - rotation];
  *sine = cosines[rotation <= QUARTER ? QUARTER - rotation :
      rotation - QUARTER];
}

void
walloc_audio_present (const walloc_model * model, unsigned signals,
    uint8_t * present)
{
  unsigned c;

  for (c = 0; c < model->info.channels; c++)
    present[c] = model->group[c] < signals;
}

walloc_result
walloc_audio_matrix_init (walloc_audio_matrix * matrix,
    const walloc_model * model, walloc_mem * mem)
{
  const size_t inputs = WALLOC_MODEL_SOUND_INPUTS;
  const int16_t *row = model->analysis;
  const float *back = model->synthesis;
  size_t n = 0, i;
  unsigned c, d = model->info.channels;

  for (i = 0; i < d * inputs; i++)
    n += row[i] != 0 || back[i] != 0;
  matrix->entry = walloc_mem_alloc (mem, n > 0 ? n : 1, sizeof *matrix->entry);
  if (matrix->entry == NULL)
    return WALLOC_ERR_MEMORY;
  for (c = 0, n = 0; c < d; c++, row += inputs, back += inputs) {
    matrix->first[c] = (uint32_t) n;
    for (i = 0; i < inputs; i++)
      if (row[i] != 0 || back[i] != 0)
        matrix->entry[n++] = (walloc_audio_entry) {
        (uint16_t) i, row[i], back[i]};
  }
  matrix->first[d] = (uint32_t) n;
  return WALLOC_OK;
}

void
walloc_audio_find_twins (const walloc_model * model, uint16_t * twin)
{
  const size_t inputs = WALLOC_MODEL_SOUND_INPUTS;
  const unsigned d = model->info.channels;
  unsigned a, b;

  for (a = 0; a < d; a++)
    twin[a] = (uint16_t) a;
  for (a = 0; a < d; a++) {
    if (model->group[a] != WALLOC_GROUP_FIRST)
      continue;
    for (b = 0; b < d && twin[a] == a; b++)
      if (model->group[b] == WALLOC_GROUP_SECOND && twin[b] == b &&
          memcmp (model->analysis + a * inputs, model->analysis + b * inputs,
              inputs * sizeof *model->analysis) == 0) {
        twin[a] = (uint16_t) b;
        twin[b] = (uint16_t) a;
      }
  }
}

/* Bits of all magnitudes together. */
WALLOC_CLONES static uint32_t
all_bits (const int32_t * a, size_t n)
{
  uint32_t bits = 0;
  size_t i;

  for (i = 0; i < n; i++)
    bits |= (uint32_t) (a[i] < 0 ? -a[i] : a[i]);
  return bits;
}

WALLOC_CLONES static void
correlate (const int32_t * a, const int32_t * b, size_t n, unsigned shift,
    int64_t sums[3])
{
  int64_t aa = 0, bb = 0, ab = 0;
  size_t i;

  for (i = 0; i < n; i++) {
    int32_t x = a[i] >> shift, y = b[i] >> shift;

    aa += (int64_t) (x * x);
    bb += (int64_t) (y * y);
    ab += (int64_t) (x * y);
  }
  sums[0] = aa;
  sums[1] = bb;
  sums[2] = ab;
}

unsigned
walloc_audio_choose_rotation (const int32_t * a, const int32_t * b, size_t n)
{
  uint32_t bits = all_bits (a, n) | all_bits (b, n);
  unsigned shift = 0, best = WALLOC_AUDIO_MID_SIDE, k;
  int64_t sums[3], most = 0, energy;
  int32_t c, s;

  /* products within 30 bits, sums of 2^19 of them within 49 */
  while (bits >> shift > 32767)
    shift++;
  correlate (a, b, n, shift, sums);
  for (shift = 0; (sums[0] | sums[1] | llabs (sums[2])) >> shift > 0x7fffffff;)
    shift++;
  for (k = 0; k < 2 * QUARTER; k++) {
    walloc_audio_angle (k, &c, &s);
    energy = (sums[0] >> shift) * c * c + (sums[1] >> shift) * s * s +
        2 * (sums[2] >> shift) * c * s;
    if (energy > most || (energy == most && k == WALLOC_AUDIO_MID_SIDE)) {
      most = energy;
      best = k;
    }
  }
  return most > 0 ? best : WALLOC_AUDIO_MID_SIDE;
}

WALLOC_CLONES void
walloc_audio_rotate (int32_t * restrict a, int32_t * restrict b, size_t n,
    unsigned rotation)
{
  const uint64_t half = 1 << (SHIFT - 1);
  int32_t c, s;
  size_t i;

  walloc_audio_angle (rotation, &c, &s);
  for (i = 0; i < n; i++) {
    int64_t x = a[i], y = b[i];

    /* as in sound_kernels.c: results fit in 32 bits, which need no sign */
    a[i] = (int32_t) (uint32_t) (((uint64_t) (x * c + y * s) + half) >> SHIFT);
    b[i] = (int32_t) (uint32_t) (((uint64_t) (x * s - y * c) + half) >> SHIFT);
  }
}

WALLOC_CLONES void
walloc_audio_rotate_back (float *restrict a, float *restrict b, size_t n,
    unsigned rotation)
{
  int32_t c, s;
  float cosine, sine;
  size_t i;

  walloc_audio_angle (rotation, &c, &s);
  cosine = (float) c / (1 << SHIFT);
  sine = (float) s / (1 << SHIFT);
  for (i = 0; i < n; i++) {
    float x = a[i], y = b[i];

    a[i] = x * cosine + y * sine;
    b[i] = x * sine - y * cosine;
  }
}

WALLOC_CLONES static void
turn (float *restrict a, float *restrict b, size_t n, float cosine, float sine)
{
  size_t i;

  for (i = 0; i < n; i++) {
    float x = a[i], y = b[i];

    a[i] = x * cosine + y * sine;
    b[i] = y * cosine - x * sine;
  }
}

void
walloc_audio_turn (const walloc_model * model, const uint16_t * twin,
    float *planes, unsigned columns, float cosine, float sine)
{
  float *first = planes;
  unsigned c, x;

  for (c = 0; c < model->info.channels; c++, first += columns) {
    if (twin[c] == c)
      for (x = 0; x < columns; x++)
        first[x] *= cosine;
    else if (model->group[c] == WALLOC_GROUP_FIRST)
      turn (first, planes + (size_t) twin[c] * columns, columns, cosine, sine);
  }
}
