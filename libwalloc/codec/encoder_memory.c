/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder's memory. It is taken once for pictures of one size and format,
 * enough for every scale that may be chosen; a frame of another scale than
 * the one before only lays it out anew. */
#include "codec/encoder-private.h"

#include <walloc/wavelet.h>

#include <string.h>

/* First guess of a picture's bytes: 2 bits per pixel and some. */
#define FIRST_STAGING(pixels) ((pixels) / 4 + 4096)

/* Elements and bytes of a worker's buffers. */
typedef struct
{
  walloc_encode_ordered_memory ordered;
  size_t coef, latents_f, entropy, out;
} worker_memory;

static size_t
greater (size_t a, size_t b)
{
  return a > b ? a : b;
}

void
walloc_encoder_unprepare (walloc_encoder * e)
{
  walloc_encode_worker *w;
  unsigned i, k;

  for (i = 0; i < e->workers; i++) {
    w = &e->worker[i];
    for (k = 0; k < 3; k++) {
      walloc_mem_release (&e->mem, &w->samples[k]);
      walloc_mem_release (&e->mem, &w->bands[k]);
      walloc_mem_release (&e->mem, &w->state[k]);
    }
    walloc_mem_release (&e->mem, &w->phases);
    walloc_mem_release (&e->mem, &w->coef);
    walloc_mem_release (&e->mem, &w->coef_f);
    walloc_mem_release (&e->mem, &w->latent_f);
    walloc_mem_release (&e->mem, &w->transform_f);
    walloc_mem_release (&e->mem, &w->latents);
    walloc_mem_release (&e->mem, &w->entropy);
    walloc_mem_release (&e->mem, &w->out);
    walloc_mem_release (&e->mem, &w->rdo_fine);
    walloc_mem_release (&e->mem, &w->rdo);
  }
  walloc_encoder_unprepare_predict (e);
  walloc_encode_shrink_release (e);
  walloc_mem_release (&e->mem, &e->weights);
  walloc_mem_release (&e->mem, &e->slices);
  walloc_mem_release (&e->mem, &e->slice_sizes);
  walloc_mem_release (&e->mem, &e->planes_f);
  walloc_mem_release (&e->mem, &e->staging);
  walloc_mem_release (&e->mem, &e->frame);
  e->staging_size = e->frame_size = 0;
  e->prepared = e->laid_out = e->any_scale = 0;
  e->rdo_fine = e->rdo_whole = 0;
}

static void
set_layout (walloc_encoder * e, walloc_format format, unsigned scale)
{
  unsigned round = (1u << scale) - 1;

  e->scale = scale;
  walloc_layout_init (&e->layout, format, (e->width + round) >> scale,
      (e->height + round) >> scale, e->slice_rows);
}

void
walloc_encoder_lay_out (walloc_encoder * e, unsigned scale)
{
  walloc_encode_ordered_memory ordered;
  unsigned i;

  if (e->laid_out && e->scale == scale)
    return;
  set_layout (e, e->layout.format, scale);
  if (e->model->info.kind == WALLOC_MODEL_ORDERED)
    walloc_encode_ordered_sizes (e, &ordered);
  for (i = 0; i < e->workers; i++)
    e->worker[i].clean = 0;
  e->predict.laid_out = e->predict.have = e->predict.pending = 0;
  e->laid_out = 1;
}

void
walloc_encoder_clean (const walloc_encoder * e, int16_t * buffer,
    unsigned from, unsigned to)
{
  const walloc_layout *l = &e->layout;
  size_t first = from * walloc_slice_plane_stride (l->grid_width,
      l->buffer_rows);

  memset (buffer + first, 0, (walloc_slice_elements (l->grid_width,
              l->buffer_rows, to) - first) * sizeof *buffer);
}

/* Raises what is needed to what the layout at hand needs. */
static void
need (walloc_encoder * e, worker_memory * m)
{
  const walloc_layout *l = &e->layout;
  unsigned d = e->model->info.channels, i;
  size_t elements = walloc_slice_elements (l->grid_width, l->buffer_rows, d);
  size_t positions = (size_t) l->grid_width * l->buffer_rows, planes;
  walloc_encoder_most *most = &e->most;
  walloc_encode_ordered_memory o;

  if (e->model->info.kind == WALLOC_MODEL_ORDERED) {
    walloc_encode_ordered_sizes (e, &o);
    m->ordered.samples = greater (m->ordered.samples, o.samples);
    m->ordered.phases = greater (m->ordered.phases, o.phases);
    m->ordered.coef = greater (m->ordered.coef, o.coef);
    for (i = 0; i < 3; i++) {
      m->ordered.bands[i] = greater (m->ordered.bands[i], o.bands[i]);
      m->ordered.state[i] = greater (m->ordered.state[i], o.state[i]);
    }
  } else {
    walloc_encode_reference_sizes (e, &planes, &m->coef, &m->latents_f);
  }
  m->entropy = greater (m->entropy, walloc_slice_scratch (e->model,
          l->grid_width, l->buffer_rows, d, WALLOC_SLICE_ENCODE));
  m->out = greater (m->out, walloc_slice_worst (l->grid_width, l->buffer_rows,
          d));
  most->elements = greater (most->elements, elements);
  most->positions = greater (most->positions, positions);
  most->slices = (unsigned) greater (most->slices, l->slices);
  /* planes begin aligned */
  most->all_elements = greater (most->all_elements, l->slices *
      WALLOC_PREDICT_ALIGNED (elements));
  most->all_positions = greater (most->all_positions, l->slices * positions);
  most->rdo = greater (most->rdo, walloc_rdo_bytes (l->grid_width,
          l->buffer_rows, d));
}

static walloc_result
prepare_worker (walloc_encoder * e, walloc_encode_worker * w,
    const worker_memory * m, walloc_error * error)
{
  walloc_result result;
  int short_of = 0;
  unsigned i;

  for (i = 0; i < 3; i++) {
    w->samples[i] = walloc_mem_take (&e->mem, i == 0 || e->layout.pixel.rgb ?
        m->ordered.samples : 0, sizeof (int16_t), &short_of);
    w->bands[i] = walloc_mem_take (&e->mem, m->ordered.bands[i],
        sizeof (int16_t), &short_of);
    w->state[i] = walloc_mem_take (&e->mem, m->ordered.state[i],
        sizeof (int16_t), &short_of);
  }
  w->phases = walloc_mem_take (&e->mem, m->ordered.phases, sizeof *w->phases,
      &short_of);
  w->coef = walloc_mem_take (&e->mem, m->ordered.coef, sizeof *w->coef,
      &short_of);
  w->strip_frame = 0;
  if (e->model->info.kind == WALLOC_MODEL_REFERENCE) {
    result = walloc_packet_scratch_2d ((size_t) e->layout.grid_width *
        WALLOC_CELL, 3, &e->transform_floats, error);
    if (result != WALLOC_OK)
      return result;
    w->coef_f = walloc_mem_take (&e->mem, m->coef, sizeof *w->coef_f,
        &short_of);
    w->latent_f = walloc_mem_take (&e->mem, m->latents_f, sizeof *w->latent_f,
        &short_of);
    w->transform_f = walloc_mem_take (&e->mem, e->transform_floats,
        sizeof *w->transform_f, &short_of);
  }
  w->latents = walloc_mem_take (&e->mem, e->most.elements, sizeof *w->latents,
      &short_of);
  w->entropy = walloc_mem_take (&e->mem, 1, m->entropy, &short_of);
  w->out = walloc_mem_take (&e->mem, 1, m->out, &short_of);
  return short_of ? WALLOC_ERR_MEMORY : WALLOC_OK;
}

/* What all workers share. */
static walloc_result
prepare_frame (walloc_encoder * e, unsigned slices)
{
  size_t planes = 0, coef, latents;
  int short_of = 0;

  if (e->any_scale)
    walloc_encode_shrink_prepare (e, &short_of);
  if (e->model->info.kind == WALLOC_MODEL_REFERENCE) {
    walloc_encode_reference_sizes (e, &planes, &coef, &latents);
    e->planes_f =
        walloc_mem_take (&e->mem, planes, sizeof *e->planes_f, &short_of);
  } else {
    e->weights = walloc_mem_take (&e->mem, walloc_encode_plan_weights (e),
        sizeof *e->weights, &short_of);
  }
  e->slices = walloc_mem_take (&e->mem, slices, sizeof *e->slices, &short_of);
  e->slice_sizes = walloc_mem_take (&e->mem, slices, WALLOC_SLICE_LAYERS *
      sizeof *e->slice_sizes, &short_of);
  e->staging_size = FIRST_STAGING ((size_t) e->width * e->height);
  e->staging = walloc_mem_take (&e->mem, 1, e->staging_size, &short_of);
  return short_of ? WALLOC_ERR_MEMORY : WALLOC_OK;
}

walloc_result
walloc_encoder_prepare (walloc_encoder * e, const walloc_image * image,
    unsigned scale, unsigned slice_rows, walloc_error * error)
{
  int any = e->model->info.kind == WALLOC_MODEL_ORDERED && (scale > 0 ||
      e->model->scale != NULL);
  walloc_result result = WALLOC_OK;
  worker_memory m;
  unsigned i;

  if (slice_rows > WALLOC_MAX_SLICE_ROWS)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "slices have 1 to %d rows of latents, or 0 for automatic, not %u",
        WALLOC_MAX_SLICE_ROWS, slice_rows);
  if (e->prepared && e->width == image->width && e->height == image->height &&
      e->slice_rows == slice_rows && e->layout.format == image->format &&
      (e->any_scale || !any))
    return WALLOC_OK;
  walloc_encoder_unprepare (e);
  e->slice_rows = slice_rows;
  e->width = image->width;
  e->height = image->height;
  e->any_scale = any;
  memset (&m, 0, sizeof m);
  memset (&e->most, 0, sizeof e->most);
  /* the picture's own size last: it stays as the layout */
  for (i = any ? 3 : 1; i-- > 0;) {
    set_layout (e, image->format, i);
    need (e, &m);
  }
  e->out_size = m.out;
  for (i = 0; i < e->workers && result == WALLOC_OK; i++)
    if (i == 0 || i < e->most.slices)
      result = prepare_worker (e, &e->worker[i], &m, error);
  if (result == WALLOC_OK)
    result = prepare_frame (e, e->most.slices);
  if (result == WALLOC_OK) {
    e->prepared = 1;
    return WALLOC_OK;
  }
  walloc_encoder_unprepare (e);
  if (result == WALLOC_ERR_MEMORY)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "a picture of %ux%u needs more memory than the limit of %zu bytes",
        image->width, image->height, e->mem.a.limit);
  return result;
}

walloc_result
walloc_encoder_prepare_rdo (walloc_encoder * e, walloc_error * error)
{
  int whole = e->speed <= WALLOC_RDO_WHOLE, short_of = 0;
  walloc_encode_worker *w;
  unsigned i;

  if (e->speed >= WALLOC_RDO_SPEEDS || (e->rdo_fine && (e->rdo_whole ||
              !whole)))
    return WALLOC_OK;
  for (i = 0; i < e->workers && (i == 0 || i < e->most.slices); i++) {
    w = &e->worker[i];
    if (!e->rdo_fine)
      w->rdo_fine = walloc_mem_take (&e->mem, e->most.elements,
          sizeof *w->rdo_fine, &short_of);
    if (whole && !e->rdo_whole)
      w->rdo = walloc_mem_take (&e->mem, 1, e->most.rdo, &short_of);
  }
  e->rdo_fine = 1;
  e->rdo_whole |= whole;
  if (!short_of)
    return WALLOC_OK;
  walloc_encoder_unprepare (e);
  return walloc_fail (error, WALLOC_ERR_MEMORY,
      "speed %u needs more memory for a picture of %ux%u than the limit of "
      "%zu bytes; speed %d needs less", e->speed, e->width, e->height,
      e->mem.a.limit, WALLOC_RDO_SPEEDS);
}

walloc_result
walloc_encoder_grow (walloc_encoder * e, uint8_t ** buffer, size_t *have,
    size_t size, walloc_error * error)
{
  if (*have >= size)
    return WALLOC_OK;
  walloc_mem_release (&e->mem, buffer);
  *have = 0;
  *buffer = walloc_mem_alloc (&e->mem, 1, size + size / 4);
  if (*buffer == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "no memory for a frame of %zu bytes (limit %zu)", size, e->mem.a.limit);
  *have = size + size / 4;
  return WALLOC_OK;
}
