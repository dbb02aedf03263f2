/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/decoder-private.h"

/* Rows [first, end) of one plane from the rows around them; those that do
 * not exist (below: row number height) are taken from the other side. */
static void
fill (int16_t * plane, unsigned width, unsigned height, unsigned first,
    unsigned end)
{
  const int16_t *above = first > 0 ? plane + (size_t) (first - 1) * width :
      NULL;
  const int16_t *below = end < height ? plane + (size_t) end * width : NULL;
  int n = (int) (end - first) + 1, k;
  unsigned x, y;

  if (above == NULL)
    above = below;
  if (below == NULL)
    below = above;
  if (above == NULL)
    return;
  for (y = first; y < end; y++) {
    k = (int) (y - first) + 1;
    for (x = 0; x < width; x++)
      plane[(size_t) y * width + x] =
          (int16_t) ((above[x] * (n - k) + below[x] * k) / n);
  }
}

/* Means: the first channel of luma, the first two of chroma (Cb and Cr). */
int
walloc_decoder_carries_mean (const walloc_decoder * d, unsigned channel)
{
  unsigned c, before = 0, group = d->model->group[channel];

  for (c = 0; c < channel; c++)
    before += d->model->group[c] == group;
  return d->present[channel] && ((group == WALLOC_GROUP_LUMA && before == 0) ||
      (group == WALLOC_GROUP_CHROMA && before < 2));
}

/* Lost slices [first, end), of which channels are zero. */
static void
interpolate (walloc_decoder * d, unsigned first, unsigned end)
{
  const walloc_layout *l = &d->layout;
  size_t grid = (size_t) l->grid_width * l->grid_height;
  unsigned c;

  for (c = 0; c < d->channels; c++) {
    if (!walloc_decoder_carries_mean (d, c))
      continue;
    fill (d->latents + c * grid, l->grid_width, l->grid_height,
        walloc_layout_row (l, first), walloc_layout_row (l, end));
    walloc_decoder_look (d, c, walloc_layout_row (l, first),
        walloc_layout_row (l, end));
  }
}

void
walloc_decoder_conceal (walloc_decoder * decoder)
{
  const walloc_layout *l = &decoder->layout;
  unsigned first, end;

  for (first = 0; first < l->slices; first = end) {
    end = first + 1;
    if (!decoder->wanted[first] || decoder->intact[first])
      continue;
    while (end < l->slices && decoder->wanted[end] && !decoder->intact[end])
      end++;
    if (decoder->before.have)
      walloc_decoder_fit_before (decoder, first, end);
    else
      interpolate (decoder, first, end);
  }
}
