/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Maps of skipped positions (docs/bitstream.md, section 3.7): adaptive binary
 * symbols at the front of layer 0 of a predicted slice. Internal. */
#ifndef WALLOC_ENTROPY_SKIP_H
#define WALLOC_ENTROPY_SKIP_H

#include "entropy/rans.h"
#include "entropy/slice.h"

#define WALLOC_SKIP_CONTEXTS 32

/* Frequency of "skipped" by context, and how many flags it has seen. */
typedef struct
{
  uint16_t freq[WALLOC_SKIP_CONTEXTS];
  uint8_t seen[WALLOC_SKIP_CONTEXTS];
} walloc_skip_state;

/* Whether every position is skipped. */
int walloc_skip_all (const walloc_slice * slice);

/* Writes the map backwards; freq is scratch for width * rows values. The
 * caller has made sure that 2 bytes per position are free. */
void walloc_skip_put (walloc_rans_writer * w, const walloc_slice * slice,
    uint16_t * freq);

void walloc_skip_get (walloc_rans_reader * r, walloc_slice * slice);

#endif
