/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decoded planes to what a canvas takes. Internal. */
#ifndef WALLOC_WASM_COLOUR_H
#define WALLOC_WASM_COLOUR_H

#include <walloc/frame.h>

/* Elements of scratch for pictures of that width. */
size_t walloc_colour_scratch (unsigned width);

/* Writes RGBA, four bytes a pixel without gaps, alpha 255.
 *
 * image is GRAY8, I420, Y42B or Y444. colour NULL, and what it leaves
 * unspecified: as GStreamer has it, BT.601 up to 576 of full_height (of the
 * picture as it was encoded) and BT.709 above, limited range but for GRAY8.
 * Chroma is interpolated linearly from where its samples lie. */
void walloc_colour_rgba (const walloc_image * image,
    const walloc_colour * colour, unsigned full_height, int16_t * scratch,
    uint32_t * rgba);

#endif
