/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of the packet tree the kept channels need, kind ordered. A pair of
 * bands is left out when hardly anything of any kept row's energy lies on it:
 * with few channels that is most of the tree. Integers only, so that all
 * machines leave out the same. */
#include "codec/encoder-private.h"

#include <string.h>

/* Least share of the energy of rows, added over the rows kept, that keeps a
 * pair of bands. Measured on validation crops at 8 to 48 channels, 1/100
 * costs 0.0004 to 0.009 dB (docs/design/kernels.md). */
#define SHARE_ONE ((uint64_t) 1 << 24)
#define SHARE_LEAST (SHARE_ONE / 100)

/* 2^16 over the squared gain of a high-pass value at half and at full scale,
 * relative to low-pass ones: (g^2 / 2)^2 and g^4, g = 1.149604
 * (docs/design/integer-transform.md). */
#define HIGH_HALF 28616
#define HIGH_FULL 114465

static const uint8_t group_inputs[3] = { 64, 32, 96 };

/* 2^16 times the energy of a unit weight on input k of a group. */
static uint64_t
input_energy (unsigned group, unsigned k)
{
  unsigned channel = group == WALLOC_GROUP_LUMA ? k :
      group == WALLOC_GROUP_CHROMA ? k % 16 : 16 + k % 48;
  uint64_t e = 1 << 16;
  unsigned bit;

  for (bit = 0; bit < 6; bit++)
    if ((channel >> bit & 1) != 0)
      e = e * (bit % 2 == 0 || bit == 1 ? HIGH_HALF : HIGH_FULL) >> 16;
  return e;
}

/* Shares of all kept rows of a group on each pair of inputs. */
static void
add_shares (const walloc_encoder * e, unsigned group, uint64_t shares[48])
{
  uint64_t energy[96], total;
  const int16_t *row;
  unsigned i, k;

  memset (shares, 0, 48 * sizeof *shares);
  for (k = 0; k < group_inputs[group]; k++)
    energy[k] = input_energy (group, k);
  for (i = 0; i < e->group_count[group]; i++) {
    row = e->model->analysis +
        (size_t) e->group_channels[group][i] * WALLOC_MODEL_INPUTS;
    /* at most 96 * 2^30 * 2^18 */
    for (k = 0, total = 0; k < group_inputs[group]; k++)
      total += (uint64_t) (row[k] * row[k]) * energy[k];
    total = (total >> 24) + 1;
    for (k = 0; k < group_inputs[group]; k++)
      shares[k / 2] += (uint64_t) (row[k] * row[k]) * energy[k] / total;
  }
}

/* Where band h along the width and v along the height of a component of that
 * many bands goes: input of a group. */
static unsigned
band_input (const walloc_strip_plane * plane, unsigned index, unsigned h,
    unsigned v, unsigned *group)
{
  unsigned channel = 0, i;

  for (i = 0; i < 3; i++)
    channel |= (h >> i & 1) << (2 * i + 1) | (v >> i & 1) << (2 * i);
  *group = WALLOC_GROUP_LUMA;
  if (index == 0)
    return channel;
  *group = channel < 16 ? WALLOC_GROUP_CHROMA : WALLOC_GROUP_DETAIL;
  index--;
  /* 4:2:2: the high band along the height is the first band of detail */
  if (channel >= 16)
    return 48 * index + (plane->scale == WALLOC_STRIP_422 ? channel % 16 :
        channel - 16);
  return 16 * index + channel;
}

static void
init_plane (walloc_strip_plane * plane, unsigned index,
    walloc_sampling sampling)
{
  memset (plane, 0, sizeof *plane);
  memset (plane->slot, WALLOC_STRIP_NO_SLOT, sizeof plane->slot);
  plane->phases = index == 0 || sampling == WALLOC_SAMPLING_444 ? 8 : 4;
  plane->levels = index == 0 || sampling != WALLOC_SAMPLING_420 ? 3 : 2;
  plane->scale = index == 0 || sampling == WALLOC_SAMPLING_420 ?
      WALLOC_STRIP_PLAIN : sampling == WALLOC_SAMPLING_422 ?
      WALLOC_STRIP_422 : WALLOC_STRIP_444;
}

/* Slots for the pairs that a group's rows use; inputs[s] is the first input
 * of slot s. */
static unsigned
assign_slots (walloc_encoder * e, unsigned group, unsigned first_slot,
    uint8_t * inputs)
{
  unsigned index, h, u, k, g, n = 0;
  uint64_t shares[48];

  add_shares (e, group, shares);
  for (index = group == WALLOC_GROUP_LUMA ? 0 : 1; index < (group ==
          WALLOC_GROUP_LUMA ? 1 : e->planes); index++) {
    walloc_strip_plane *plane = &e->plane[index];

    for (h = 0; h < plane->phases; h++)
      for (u = 0; u < 1u << (plane->levels - 1); u++) {
        k = band_input (plane, index, h, 2 * u, &g);
        if (g != group || shares[k / 2] < SHARE_LEAST)
          continue;
        plane->used |= (uint8_t) (1u << h);
        plane->pairs[h] |= (uint8_t) (1u << u);
        plane->slot[h][u] = (uint8_t) (first_slot + n);
        inputs[n++] = (uint8_t) k;
      }
  }
  return n;
}

/* The rows of a group, cut down to its slots; returns how many weights. */
static size_t
gather_weights (const walloc_encoder * e, unsigned group,
    const uint8_t * inputs, unsigned slots, int32_t * weights)
{
  unsigned count = e->group_count[group], c, i, s;
  const int16_t *row;
  size_t n = 0;

  for (c = 0; c < count; c += WALLOC_STRIP_CHANNELS)
    for (s = 0; s < slots; s++)
      for (i = 0; i < WALLOC_STRIP_CHANNELS; i++, n++) {
        weights[n] = 0;
        if (c + i >= count)
          continue;
        row = e->model->analysis + (size_t) e->group_channels[group][c + i] *
            WALLOC_MODEL_INPUTS + inputs[s];
        memcpy (&weights[n], row, sizeof *weights);
      }
  return n;
}

size_t
walloc_encode_plan_weights (const walloc_encoder * e)
{
  /* every group rounded up to whole blocks of channels */
  return (e->model->info.channels + 3 * (WALLOC_STRIP_CHANNELS - 1)) *
      (size_t) (WALLOC_MODEL_INPUTS / 2);
}

void
walloc_encode_plan (walloc_encoder * e)
{
  uint8_t inputs[WALLOC_STRIP_SLOTS];
  unsigned group, i, first = 0, slots;
  size_t at = 0;

  e->planes = e->group_count[WALLOC_GROUP_CHROMA] +
      e->group_count[WALLOC_GROUP_DETAIL] > 0 ? 3 : 1;
  for (i = 0; i < 3; i++)
    init_plane (&e->plane[i], i, e->layout.pixel.sampling);
  for (group = 0; group < 3; group++) {
    slots = assign_slots (e, group, first, inputs);
    e->group[group].slots = slots;
    e->group[group].first_slot = first;
    e->group[group].channels = e->group_count[group];
    e->group[group].channel = e->group_channels[group];
    e->group[group].quantisers = e->quantiser;
    e->group[group].weights = e->weights + at;
    at += gather_weights (e, group, inputs, slots, e->weights + at);
    /* chroma and its detail are projected together */
    first = group == WALLOC_GROUP_LUMA ? 0 : first + slots;
  }
}
