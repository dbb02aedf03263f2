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

/* What one piece of work needs. */
typedef struct
{
  /* kind ordered; transform/strip.h */
  int16_t *samples[3];          /* rows before they are taken apart */
  int16_t *phases;              /* three rows taken apart */
  int16_t *bands[3];            /* a strip's rows after the width */
  int16_t *state[3];            /* of what is made along the height */
  int16_t *coef;                /* of one block of columns */
  walloc_strip_schedule schedule[2];    /* luma, chroma */
  unsigned strip_frame;         /* which frame they belong to */
  /* pictures that are coded at a smaller size */
  int16_t *large[3], *large_bands;
  void *large_transform;
  /* kind reference */
  float *coef_f, *latent_f, *transform_f;
  /* both */
  int16_t *latents;             /* buffer of the slice's planes */
  void *entropy;
  uint8_t *out;                 /* an encoded slice, any worst case */
  /* predicted frames: values of the source that the projection is to keep
   * (NULL: none), what is there for them, and for the decision */
  int16_t *fine, *fine_planes;
  int32_t *gain, *units;
  uint8_t *mark;
  /* slow speeds: the same values, and what decisions keep */
  int16_t *rdo_fine;
  void *rdo;
  uint64_t ns_transform, ns_project, ns_entropy;
} walloc_encode_worker;

typedef struct
{
  size_t offset, size;          /* in the staging buffer */
} walloc_encoded_slice;

struct walloc_encoder
{
  walloc_model *model;
  walloc_mem mem;
  walloc_runner runner;
  walloc_workers workers;
  walloc_encoder_stats stats;
  walloc_encoder_stats stats_before;    /* the last frame */
  const walloc_strip_kernels *strip;    /* a test may choose others */
  walloc_companding companding;

  /* of the memory as it is */
  int prepared;
  unsigned width, height;       /* pixels of the picture */
  unsigned scale;               /* halvings in front of the layout's size */
  int rdo_fine, rdo_whole;      /* there is memory for slow speeds */
  walloc_layout layout;
  walloc_encode_worker worker[WALLOC_MAX_WORKERS];
  size_t transform_floats, out_size, coef_stride;
  size_t band_stride;           /* kind ordered: of rows of bands */
  int32_t *weights;
  size_t large_stride, large_transform_bytes, small_stride[2];
  int16_t *small[2][3];         /* half-size and quarter-size components */
  walloc_encoded_slice *slices;
  uint32_t *slice_sizes;
  float *planes_f;              /* kind reference: red, green, blue */
  uint8_t *staging, *frame;
  size_t staging_size, frame_size;

  /* of the frame at hand */
  const walloc_image *image;
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
 * walloc_parallel(); end: the frame is made. */
walloc_result walloc_encoder_predict_begin (walloc_encoder * encoder,
    const walloc_encode_params * params, unsigned step_index,
    walloc_error * error);
walloc_result walloc_encoder_predict (walloc_encoder * encoder);
void walloc_encoder_code_predicted (void *encoder, unsigned index);
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

/* Scale of a picture at a step index, which becomes that of the smaller
 * picture. With stay, that of the frame before is kept as long as it may do. */
walloc_result walloc_encoder_choose_scale (walloc_encoder * encoder,
    const walloc_image * image, int stay, unsigned *scale,
    unsigned *step_index, walloc_error * error);

/* Coding at a smaller size, scale > 0: memory, then the smaller picture from
 * encoder->image, then a row of one component of it, extended to
 * padded_width; rows below its last one are that one. */
walloc_result walloc_encode_shrink_prepare (walloc_encoder * encoder,
    int *short_of, walloc_error * error);
void walloc_encode_shrink_release (walloc_encoder * encoder);
walloc_result walloc_encode_shrink (walloc_encoder * encoder,
    walloc_error * error);
void walloc_encode_shrunk_row (const walloc_encoder * encoder,
    unsigned index, unsigned row, unsigned padded_width, int16_t * out);

/* Kind reference: the whole picture to float planes, by strips; then like
 * walloc_encode_ordered(). */
void walloc_encode_reference_planes (walloc_encoder * encoder);
walloc_result walloc_encode_reference (walloc_encoder * encoder,
    walloc_encode_worker * worker, unsigned first, unsigned end,
    int16_t * planes, size_t stride, size_t plane_stride);
void walloc_encode_reference_sizes (walloc_encoder * encoder,
    size_t * planes, size_t * coef, size_t * latents);

#endif
