/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/audio_conceal.h"

#include <math.h>

#include "transform/sound.h"

/* Columns whose energy a lost block goes on with. */
#define RECENT 8

void
walloc_audio_remember (const float *coefs, size_t stride, unsigned columns,
    float *recent)
{
  const unsigned n = columns < RECENT ? columns : RECENT;
  const float *row;
  unsigned band, x;
  float sum;

  for (band = 0; band < WALLOC_SOUND_BANDS; band++) {
    row = coefs + band * stride + columns - n;
    for (x = 0, sum = 0; x < n; x++)
      sum += row[x] * row[x];
    recent[band] = sum / (float) n;
  }
}

void
walloc_audio_replace (float *coefs, size_t stride, unsigned columns,
    const float *recent, float scale, uint32_t * noise)
{
  unsigned band, x;
  float value;

  for (band = 0; band < WALLOC_SOUND_BANDS; band++) {
    value = sqrtf (recent[band]) * scale;
    for (x = 0; x < columns; x++) {
      /* the quality of these random numbers does not matter */
      *noise = *noise * 1664525u + 1013904223u;
      coefs[band * stride + x] = *noise >> 8 & 1 ? value : -value;
    }
  }
}
