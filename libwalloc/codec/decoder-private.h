/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The decoder's state. First all slices are decoded into the latents of the
 * whole picture, then bands of grid rows are turned into coefficients (matrix
 * or network) and from there into samples. Internal. */
#ifndef WALLOC_CODEC_DECODER_PRIVATE_H
#define WALLOC_CODEC_DECODER_PRIVATE_H

#include <walloc/decoder.h>
#include <walloc/net.h>

#include "bottleneck/companding.h"
#include "codec/layout.h"
#include "codec/workers.h"
#include "common/parallel.h"
#include "entropy/slice.h"

/* Coefficients: 64 of luma, then Cb and Cr, each 16 at half size and 48 of
 * detail; or 64 of red, green and blue. */
#define WALLOC_COEF_PLANES 192

/* What one piece of work needs. */
typedef struct
{
  int16_t *latents;             /* buffer of a slice's planes */
  void *entropy;
  float *values;                /* a row of all channels, dequantised */
  float *strip[3];              /* samples around 0 */
  float *half;                  /* 4:2:2: low and high rows, and merged ones */
  float *full[3], *line;        /* scale > 0: samples of the whole size */
  float *transform;
  uint64_t ns_entropy, ns_network, ns_synthesis;
} walloc_decode_worker;

/* A network decoder, prepared for one size. */
typedef struct
{
  walloc_net *net;
  unsigned width, height;       /* 0: not prepared */
  unsigned planes[2];           /* of its outputs; 0: there is no second */
} walloc_decode_net;

struct walloc_decoder
{
  walloc_model *model;
  walloc_mem mem;
  walloc_allocator allocator;
  walloc_runner runner;
  walloc_workers workers;
  walloc_decoder_limits limits;
  walloc_decoder_stats stats;
  walloc_companding companding;
  walloc_decode_worker worker[WALLOC_MAX_WORKERS];

  /* latents: memory for what layout and capacity say */
  walloc_layout layout;         /* width 0: none */
  unsigned capacity;            /* channels there is memory for */
  unsigned channels;            /* of the frame at hand */
  int16_t *latents;             /* [channels][grid height][grid width] */
  uint8_t *live;                /* [slices][channels] */
  uint8_t *intact;              /* [slices]: layers, from 0 on, that are */

  /* picture: memory for samples of what these say */
  unsigned out_width, out_height, out_scale;    /* width 0: none */
  walloc_sampling out_sampling;
  float *coef;                  /* [planes][band rows][coef_stride] */
  size_t coef_stride, coef_plane;
  unsigned band_rows, strip_rows, halo;
  size_t strip_stride, half_rows, transform_floats;
  float *small[2][3];           /* scale > 0: from the coded size on */
  size_t small_stride[2], full_stride;

  /* networks, by walloc_decoder_kind */
  walloc_decode_net net[WALLOC_DECODER_BEST + 1];
  walloc_net_precision precision;
  float *net_in, *net_out;
  size_t net_in_size, net_out_size;

  /* the frame at hand */
  const uint8_t *data;
  size_t size;
  walloc_frame_info info;
  walloc_slice_coder coder;
  uint8_t present[WALLOC_MODEL_MAX_CHANNELS];
  float step[WALLOC_MODEL_MAX_CHANNELS];
  const walloc_image *image;
  const float *net_result;      /* NULL: matrix only */
  unsigned net_planes;
  unsigned band_first, band_end;        /* grid rows of samples */
  unsigned coef_first, coef_end;        /* grid rows in coef */
  unsigned enlarging;           /* halvings left to be undone */
  atomic_int failed;
};

/* Fills slices of which no layer is intact: the channels that carry the mean of luma and chroma
 * go linearly from the last row of the intact slice above to the first row of
 * the one below, all others stay zero. */
void walloc_decoder_conceal (walloc_decoder * decoder);

/* Memory for samples; then samples from latents into decoder->image. */
walloc_result walloc_decoder_prepare_picture (walloc_decoder * decoder,
    walloc_error * error);
void walloc_decoder_unprepare_picture (walloc_decoder * decoder);
walloc_result walloc_decoder_reconstruct (walloc_decoder * decoder,
    walloc_error * error);

/* Rows [top, bottom) of the picture from strips of samples around 0, which
 * begin there; top is even. */
walloc_result walloc_decoder_put (const walloc_decoder * decoder,
    float *const strip[3], size_t stride, unsigned top, unsigned bottom);

/* Pictures that were coded at a smaller size: memory; then from small[0] to
 * the image (what goes wrong is in decoder->failed). */
void walloc_decoder_enlarge_prepare (walloc_decoder * decoder,
    int *short_of);
void walloc_decoder_enlarge_release (walloc_decoder * decoder);
void walloc_decoder_enlarge (walloc_decoder * decoder);

/* Coefficients of one grid row y into the band's memory. */
void walloc_decoder_coefficients (walloc_decoder * decoder,
    walloc_decode_worker * worker, unsigned y);

/* Values (dequantised or decompanded) of channel c, row y. */
void walloc_decoder_values (const walloc_decoder * decoder, unsigned c,
    unsigned y, float *out);
/* Whether row y of channel c may be other than zero. */
int walloc_decoder_row_live (const walloc_decoder * decoder, unsigned c,
    unsigned y);

/* Runs a network on the latents; net_result and net_planes are set. */
walloc_result walloc_decoder_run_net (walloc_decoder * decoder,
    walloc_decoder_kind kind, walloc_error * error);
void walloc_decoder_free_nets (walloc_decoder * decoder);

#endif
