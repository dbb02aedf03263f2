/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder's state. A picture is worked on slice by slice, each from
 * samples to bytes in one go, so that memory depends on its width only (kind
 * ordered) and results do not depend on threads. Internal. */
#ifndef WALLOC_CODEC_ENCODER_PRIVATE_H
#define WALLOC_CODEC_ENCODER_PRIVATE_H

#include <walloc/encoder.h>

#include "bottleneck/companding.h"
#include "bottleneck/quantiser.h"
#include "codec/layout.h"
#include "codec/predict.h"
#include "codec/rdo.h"
#include "codec/workers.h"
#include "common/parallel.h"
#include "entropy/slice.h"
#include "transform/strip.h"

/* Rows of luma that are looked at together to choose a scale. */
#define WALLOC_LOOK_ROWS 64

/* One component at half the size of what it is made from. */
typedef struct
{
  walloc_strip_schedule schedule;
  unsigned frame;               /* which frame it belongs to */
  int16_t *state;
} walloc_shrinker;

/* What one piece of work needs. */
typedef struct
{
  /* kind ordered; transform/strip.h */
  int16_t *samples[3];          /* rows before they are taken apart, of a
                                 * smaller picture several */
  int16_t *phases;              /* three rows taken apart */
  int16_t *bands[3];            /* a strip's rows after the width */
  int16_t *state[3];            /* of what is made along the height */
  int16_t *coef;                /* of one block of columns */
  walloc_strip_schedule schedule[2];    /* luma, chroma */
  unsigned strip_frame;         /* which frame they belong to */
  /* pictures that are coded at a smaller size: at half and at a quarter of
   * the size; rows of RGB as they are, at half, at a quarter; one level's
   * bands along the height, and of one row along the width */
  walloc_shrinker shrinker[2][3];
  int16_t *large[3], *half[3], *quarter, *split, *line;
  /* kind reference */
  float *coef_f, *latent_f, *transform_f;
  /* both */
  int16_t *latents;             /* buffer of the slice's planes */
  unsigned clean;               /* of so many planes margins are zero */
  void *entropy;
  uint8_t *out;                 /* an encoded slice, any worst case */
  /* predicted frames: values of the source that the projection is to keep
   * (NULL: none), what is there for them, and for the decision */
  int16_t *fine, *fine_planes;
  /* slow speeds: the same values, and what decisions keep */
  int16_t *rdo_fine;
  void *rdo;
  uint64_t ns_transform, ns_project, ns_entropy;
} walloc_encode_worker;

typedef struct
{
  size_t offset, size;          /* in the staging buffer */
} walloc_encoded_slice;

/* The most that any scale of the picture needs. */
typedef struct
{
  size_t elements, positions;   /* latents of a slice, with margins; cells */
  size_t all_elements, all_positions;   /* of all slices */
  size_t rdo;                   /* bytes */
  unsigned slices;
} walloc_encoder_most;

struct walloc_encoder
{
  walloc_model *model;
  walloc_mem mem;
  walloc_runner runner;
  unsigned workers;             /* pieces that are worked on at once */
  walloc_encoder_stats stats;
  walloc_encoder_stats stats_before;    /* the last frame */
  const walloc_strip_kernels *strip;    /* a test may choose others */
  walloc_companding companding;

  /* of the memory as it is */
  int prepared, laid_out;
  int any_scale;                /* it is enough for all of them */
  unsigned width, height;       /* pixels of the picture */
  unsigned scale;               /* halvings in front of the layout's size */
  unsigned slice_rows;          /* as asked for; 0: automatic */
  int rdo_fine, rdo_whole;      /* there is memory for slow speeds */
  walloc_encoder_most most;
  walloc_layout layout;
  walloc_encode_worker worker[WALLOC_MAX_WORKERS];
  size_t transform_floats, out_size, coef_stride;
  size_t band_stride, sample_stride;    /* kind ordered: of rows of bands, and
                                         * of samples */
  int32_t *weights;
  size_t large_stride, half_stride;
  walloc_encoded_slice *slices;
  uint32_t *slice_sizes;
  float *planes_f;              /* kind reference: red, green, blue */
  uint8_t *staging, *frame;
  size_t staging_size, frame_size;

  /* of the frame at hand */
  const walloc_image *image;
  const walloc_latent_planes *given;    /* in place of image, or NULL */
  unsigned given_step;          /* step index for them */
  void *look;                   /* while detail is measured */
  walloc_slice_coder coder;
  unsigned set, channels;
  uint8_t present[WALLOC_MODEL_MAX_CHANNELS];
  walloc_quantiser quantiser[WALLOC_MODEL_MAX_CHANNELS];
  uint16_t group_channels[3][WALLOC_MODEL_MAX_CHANNELS];
  unsigned group_count[3];
  /* kind ordered: which part of the packet tree is made */
  unsigned planes, strip_frame;
  walloc_strip_plane plane[3];
  walloc_strip_group group[3];
  walloc_predict predict;
  walloc_rdo rdo;
  unsigned speed;               /* of the frame at hand, WALLOC_RDO_SPEEDS:
                                 * the quantiser decides alone */
  atomic_size_t staged;         /* bytes; may exceed staging_size */
  atomic_int failed;            /* first walloc_result of the work */
};

/* Does work for every index below count, by all workers. What must not be
 * done by two at once is in the worker. */
typedef void walloc_encode_piece (walloc_encoder * encoder,
    walloc_encode_worker * worker, unsigned index);
void walloc_encoder_each (walloc_encoder * encoder, walloc_encode_piece * work,
    unsigned count);

/* Step index and the channels that go with it, as params say. */
walloc_result walloc_encoder_choose_step (walloc_encoder * encoder,
    const walloc_encode_params * params, unsigned *step_index,
    walloc_error * error);
/* Everything behind that, from encoder->image or encoder->given; there is
 * memory. */
walloc_result walloc_encoder_make_frame (walloc_encoder * encoder,
    const walloc_encode_params * params, unsigned scale, unsigned step_index,
    const uint8_t ** data, size_t *size, walloc_frame_info * info,
    walloc_error * error);

/* Grid rows [first, end) of encoder->given, quantised, into slice->planes. */
void walloc_encode_given (walloc_encoder * encoder,
    walloc_encode_worker * worker, unsigned first, unsigned end,
    walloc_slice * slice);

/* A slice of the layout; planes is row 0, column 0 of its first plane. */
walloc_slice walloc_encoder_slice (const walloc_encoder * encoder,
    unsigned index, int16_t * planes);
/* Samples to latents of a slice, into slice->planes. */
walloc_result walloc_encoder_transform (walloc_encoder * encoder,
    walloc_encode_worker * worker, unsigned index, walloc_slice * slice);
/* Latents of a slice to bytes; or none, as everything is skipped. */
void walloc_encoder_code (walloc_encoder * encoder,
    walloc_encode_worker * worker, unsigned index, walloc_slice * slice);
void walloc_encoder_leave_slice (walloc_encoder * encoder, unsigned index);

/* Frames of a stream with predicted ones (encode_predicted.c). begin: once
 * step, channels and present are known; predict: from samples to latents of
 * all slices and the frame's type; code_predicted: one slice, for
 * walloc_encoder_each(); end: the frame is made. */
walloc_result walloc_encoder_predict_begin (walloc_encoder * encoder,
    const walloc_encode_params * params, unsigned step_index,
    walloc_error * error);
walloc_result walloc_encoder_predict (walloc_encoder * encoder);
void walloc_encoder_code_predicted (walloc_encoder * encoder,
    walloc_encode_worker * worker, unsigned index);
void walloc_encoder_predict_end (walloc_encoder * encoder);
void walloc_encoder_unprepare_predict (walloc_encoder * encoder);

/* Kind ordered: samples to latents of grid rows [first, end), into
 * planes + c * plane_stride + y * stride. */
walloc_result walloc_encode_ordered (walloc_encoder * encoder,
    walloc_encode_worker * worker, unsigned first, unsigned end,
    int16_t * planes, size_t stride, size_t plane_stride);

/* Elements of a worker's buffers; 0 where none is needed. */
typedef struct
{
  size_t samples, phases, bands[3], state[3], coef;
} walloc_encode_ordered_memory;

void walloc_encode_ordered_sizes (walloc_encoder * encoder,
    walloc_encode_ordered_memory * memory);

/* Kind ordered: fills plane and group from the channels of every group.
 * Weights have that many elements. */
void walloc_encode_plan (walloc_encoder * encoder);
size_t walloc_encode_plan_weights (const walloc_encoder * encoder);

/* Red, green and blue to Y, Cb and Cr: for mix_rgb() of transform/strip.h. */
void walloc_encode_rgb_coefs (const walloc_pixel * pixel, int16_t coefs[3][4]);

/* Memory for pictures like this one: the same as before, as a rule. Then the
 * layout of a scale in it; which takes none. */
walloc_result walloc_encoder_prepare (walloc_encoder * encoder,
    const walloc_image * image, unsigned scale, unsigned slice_rows,
    walloc_error * error);
walloc_result walloc_encoder_prepare_rdo (walloc_encoder * encoder,
    walloc_error * error);
void walloc_encoder_unprepare (walloc_encoder * encoder);
void walloc_encoder_lay_out (walloc_encoder * encoder, unsigned scale);
/* Makes *buffer at least size bytes, with a quarter to spare. */
walloc_result walloc_encoder_grow (walloc_encoder * encoder,
    uint8_t ** buffer, size_t * have, size_t size, walloc_error * error);
/* Zeroes planes [from, to) of a buffer of a slice, with what is around them. */
void walloc_encoder_clean (const walloc_encoder * encoder, int16_t * buffer,
    unsigned from, unsigned to);

/* Scale of a picture at a step index, which becomes that of the smaller
 * picture. With stay, that of the frame before is kept as long as it may do.
 * There is memory for the picture. */
void walloc_encoder_choose_scale (walloc_encoder * encoder,
    const walloc_image * image, int stay, unsigned *scale,
    unsigned *step_index);

/* Coding at a smaller size: memory; samples of a component after so many
 * halvings; rows [first, end), at most WALLOC_STRIP_HALVE_ROWS, of count
 * components of encoder->image at encoder->scale, one component of RGB after
 * the other. Row y of component index + i goes to out[i] + (y - first) *
 * stride. Where first is the end of the call before, rows go on from there.
 */
void walloc_encode_shrink_prepare (walloc_encoder * encoder, int *short_of);
void walloc_encode_shrink_release (walloc_encoder * encoder);
void walloc_encode_component_size (const walloc_encoder * encoder,
    unsigned index, unsigned halvings, unsigned *width, unsigned *height);
void walloc_encode_shrunk_rows (walloc_encoder * encoder,
    walloc_encode_worker * worker, unsigned index, unsigned count,
    unsigned first, unsigned end, int16_t * const out[3], size_t stride);
/* Rows from first on of a component (of all three in RGB), for halve_rows()
 * of transform/strip.h; those from end on are row end - 1. */
walloc_strip_source walloc_encode_source_rows (const walloc_encoder * encoder,
    walloc_encode_worker * worker, const walloc_image * image, unsigned index,
    unsigned first, unsigned rows, unsigned end,
    const uint8_t * out[3][WALLOC_STRIP_HALVE_INPUT]);

/* Kind reference: the whole picture to float planes, by strips; then like
 * walloc_encode_ordered(). */
void walloc_encode_reference_planes (walloc_encoder * encoder);
walloc_result walloc_encode_reference (walloc_encoder * encoder,
    walloc_encode_worker * worker, unsigned first, unsigned end,
    int16_t * planes, size_t stride, size_t plane_stride);
void walloc_encode_reference_sizes (walloc_encoder * encoder,
    size_t * planes, size_t * coef, size_t * latents);

#endif
