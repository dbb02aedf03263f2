/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What decisions need, and the quick kind of them: each latent by its own
 * price, in the order of coding, as if others did not depend on it. */
#include "codec/rdo.h"

#include <string.h>

#include "bottleneck/quantiser.h"

/* Squared steps per bit, 1/256: 0.18, where validation pictures gained most
 * (a uniform quantiser at high rate has 2 ln 2 / 12 = 0.116). */
#define LAMBDA 46
/* Rounding that decisions start from, 1/256. */
#define ROUNDING 104
/* Latents looked at together for whether any is not zero. */
#define BLOCK 16

unsigned
walloc_rdo_rounding (unsigned speed, unsigned rounding)
{
  return speed < WALLOC_RDO_SPEEDS && rounding < ROUNDING ? ROUNDING : rounding;
}

/* Adds to use number n of plane p, which may be there already; their new
 * number. */
static uint32_t
add_use (walloc_rdo_set * s, unsigned p, uint32_t n, unsigned channel,
    const walloc_tap * tap, int mean)
{
  walloc_rdo_use *use;
  uint32_t k = n;

  while (k > s->first[p] && s->uses[k - 1].channel == channel) {
    use = &s->uses[--k];
    if (use->dy == -tap->dy && use->dx == -tap->dx)
      break;
    use = NULL;
  }
  if (k == n || s->uses[k].channel != channel || s->uses[k].dy != -tap->dy ||
      s->uses[k].dx != -tap->dx) {
    use = &s->uses[n++];
    memset (use, 0, sizeof *use);
    use->channel = (uint16_t) channel;
    use->dy = (int8_t) - tap->dy;
    use->dx = (int8_t) - tap->dx;
  } else {
    use = &s->uses[k];
  }
  if (mean)
    use->mean = (int16_t) (use->mean + tap->weight);
  else
    use->spread = (int16_t) (use->spread + tap->weight);
  return n;
}

static void
find_uses (walloc_rdo_set * s, const walloc_model * model, unsigned set)
{
  const walloc_tap_list *list;
  const walloc_tap *tap;
  unsigned p, c, i, mean, own;
  uint32_t n = 0;

  for (p = 0; p < model->info.channels; p++) {
    s->first[p] = n;
    for (c = p; c < model->info.channels; c++) {
      list = &model->set[set].taps[c];
      mean = list->count[WALLOC_TAP_MEAN];
      own = mean + list->count[WALLOC_TAP_SPREAD];
      for (i = 0, tap = list->tap; i < own; i++, tap++)
        if (tap->plane == p)
          n = add_use (s, p, n, c, tap, i < mean);
    }
  }
  s->first[p] = n;
}

static walloc_result
prepare_set (walloc_rdo_set * s, walloc_mem * mem, const walloc_model * model,
    unsigned set, walloc_error * error)
{
  size_t d = model->info.channels;
  int short_of = 0;

  s->cost = walloc_mem_take (mem, walloc_cost_rows (model), sizeof *s->cost,
      &short_of);
  s->uses = walloc_mem_take (mem, d * WALLOC_MODEL_TAPS, sizeof *s->uses,
      &short_of);
  s->first = walloc_mem_take (mem, d + 1, sizeof *s->first, &short_of);
  if (short_of) {
    walloc_mem_release (mem, &s->cost);
    walloc_mem_release (mem, &s->uses);
    walloc_mem_release (mem, &s->first);
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "the encoder at this speed needs more memory than the limit of %zu "
        "bytes; speed %d needs less", mem->a.limit, WALLOC_RDO_SPEEDS);
  }
  walloc_cost_init (s->cost, model, set);
  find_uses (s, model, set);
  return WALLOC_OK;
}

walloc_result
walloc_rdo_begin (walloc_rdo * rdo, walloc_mem * mem,
    const walloc_slice_coder * coder, unsigned step_index, unsigned speed,
    walloc_error * error)
{
  const walloc_model *model = coder->model;
  const walloc_model_set *set = &model->set[coder->set];
  walloc_rdo_set *s = &rdo->set[coder->set];
  walloc_rdo_channel *channel = rdo->channel;
  walloc_result result;
  unsigned c, i;
  float less;

  rdo->speed = speed;
  if (speed >= WALLOC_RDO_SPEEDS)
    return WALLOC_OK;
  if (s->cost == NULL) {
    result = prepare_set (s, mem, model, coder->set, error);
    if (result != WALLOC_OK)
      return result;
  }
  rdo->coder = coder;
  rdo->now = s;
  for (c = 0; c < coder->channels; c++, channel++) {
    channel->inverse = ((uint64_t) 1 << 60) / walloc_step_24 (step_index,
        set->weight[c]);
    channel->lambda = (int64_t) LAMBDA *4096 * 4096 / set->weight[c] /
        set->weight[c];
    for (i = 0; i < 3; i++) {
      less = set->recon[3 * c + i] * 256;
      channel->less[i] = (int32_t) (less + (less < 0 ? -0.5f : 0.5f));
    }
  }
  return WALLOC_OK;
}

void
walloc_rdo_release (walloc_rdo * rdo, walloc_mem * mem)
{
  unsigned i;

  for (i = 0; i < WALLOC_MODEL_MAX_SETS; i++) {
    walloc_mem_release (mem, &rdo->set[i].cost);
    walloc_mem_release (mem, &rdo->set[i].uses);
    walloc_mem_release (mem, &rdo->set[i].first);
  }
}

static int32_t
mean_of (const walloc_context * context, size_t offset)
{
  int32_t sum = 0;
  unsigned i;

  for (i = 0; i < context->n_mean; i++)
    sum += context->mean[i].at[offset] * context->mean[i].weight;
  return sum;
}

static int32_t
spread_of (const walloc_context * context, size_t offset)
{
  int32_t sum = context->bias;
  unsigned i;

  for (i = 0; i < context->n_spread; i++)
    sum += context->spread[i].at[offset] * context->spread[i].weight;
  return sum;
}

/* The latent q at offset, of magnitude 1 or more: what it becomes. Its
 * magnitude follows. */
static int
decide (const walloc_rdo * rdo, const walloc_context * context,
    unsigned c, size_t offset, int q, int16_t fine, uint8_t * magnitude)
{
  const walloc_rdo_channel *channel = &rdo->channel[c];
  const walloc_model *model = rdo->coder->model;
  const walloc_cost_row *rows = walloc_cost_of_channel (rdo->now->cost, model,
      c);
  int32_t wanted = walloc_rdo_wanted (channel, fine), m, s;
  int32_t value = walloc_rdo_value (channel, q);
  int less = q < 0 ? q + 1 : q - 1, left;
  int keys = model->set[rdo->coder->set].offset[c];
  int64_t worse = walloc_rdo_worse (wanted, value, walloc_rdo_value (channel,
          less));
  unsigned now, then;

  if (walloc_rdo_hopeless (channel, worse, q < 0 ? -q : q))
    return q;
  m = mean_of (context, offset);
  s = spread_of (context, offset);
  now = walloc_cost_latent (rows, model, keys, m, s, q);
  then = walloc_cost_latent (rows, model, keys, m, s, less);
  if (worse + channel->lambda * ((int64_t) then - now) >= 0)
    return q;
  left = less - walloc_cost_mean (m);
  left = left < 0 ? -left : left;
  *magnitude = (uint8_t) (left < context->cap ? left : context->cap);
  return less;
}

/* Decides on a row; whether anything changed. */
static int
decide_row (const walloc_rdo * rdo, const walloc_context * context,
    unsigned c, size_t offset, int16_t * row, const int16_t * fine,
    uint8_t * magnitude, unsigned width)
{
  unsigned x, i;
  uint16_t any;
  int q, changed = 0;

  for (x = 0; x < width; x++) {
    if (x % BLOCK == 0 && x + BLOCK <= width) {
      any = 0;
      for (i = 0; i < BLOCK; i++)
        any |= (uint16_t) row[x + i];
      if (!any) {
        x += BLOCK - 1;
        continue;
      }
    }
    if (row[x] == 0)
      continue;
    q = decide (rdo, context, c, offset + x, row[x], fine[x], &magnitude[x]);
    changed |= q != row[x];
    row[x] = (int16_t) q;
  }
  return changed;
}

static void
each_alone (const walloc_rdo * rdo, walloc_slice * slice, const int16_t * fine)
{
  const walloc_slice_coder *coder = rdo->coder;
  walloc_slice_areas areas;
  walloc_context context;
  unsigned c, y, again;
  size_t offset, at;
  int16_t *row;
  uint8_t *to;

  memcpy (slice->live, coder->present, coder->channels);
  walloc_slice_begin (coder, slice, 0, coder->channels, 1, &areas);
  for (c = 0; c < coder->channels; c++) {
    if (!coder->present[c])
      continue;
    walloc_context_prepare (&context, coder->model, coder->set, c, slice->live,
        &areas.planes, 0);
    for (y = 0; y < slice->rows; y++) {
      offset = y * slice->stride;
      at = c * slice->plane_stride + offset;
      row = slice->planes + at;
      to = areas.magnitudes + at;
      /* magnitudes as they are, and once more when latents have changed */
      for (again = 0; again < 2; again++) {
        walloc_context_mean (&context, offset, slice->width, areas.mean);
        walloc_context_residuals (&context, row, slice->width, areas.mean,
            areas.number, areas.context, to);
        walloc_slice_end_row (slice, to);
        if (again || !decide_row (rdo, &context, c, offset, row, fine + at, to,
                slice->width))
          break;
      }
    }
  }
}

void
walloc_rdo_slice (const walloc_rdo * rdo, walloc_slice * slice,
    const int16_t * fine, void *memory)
{
  if (rdo->speed <= WALLOC_RDO_WHOLE)
    walloc_rdo_whole (rdo, slice, fine, memory);
  else
    each_alone (rdo, slice, fine);
}
