/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The decoder's state. First the slices that are needed are decoded into the
 * latents of the whole picture. Then tiles of grid positions go row by row
 * through matrix (or network's results), synthesis and conversion, each in
 * one worker's memory, which is small enough to stay in a cache. Internal. */
#ifndef WALLOC_CODEC_DECODER_PRIVATE_H
#define WALLOC_CODEC_DECODER_PRIVATE_H

#include <walloc/decoder.h>
#include <walloc/net.h>

#include "bottleneck/companding.h"
#include "bottleneck/sparse.h"
#include "codec/layout.h"
#include "codec/workers.h"
#include "common/parallel.h"
#include "entropy/slice.h"
#include "transform/synthesis.h"

/* Coefficients: 64 of luma, then Cb and Cr, each 16 at half size and 48 of
 * detail; or 64 of red, green and blue. */
#define WALLOC_COEF_PLANES 192

/* How the samples of one component (Y, Cb, Cr; or red, green, blue in kind
 * reference) come out of the coefficients. */
typedef struct
{
  unsigned plane, planes;       /* where they are in a row of coefficients */
  unsigned levels;              /* of synthesis; its samples are the base */
  unsigned low;                 /* of these, without high bands */
  int merge;                    /* 4:2:2: the first level is vertical only */
  int half_x, half_y;           /* the base is twice as wide, high */
  unsigned cell_x, cell_y;      /* samples of the base per latent */
  unsigned base_width, base_height;
} walloc_decode_component;

/* A rectangle of samples or grid positions: [x0, x1) x [y0, y1). */
typedef struct
{
  unsigned x0, y0, x1, y1;
} walloc_rect;

/* What is made of a frame, and how it is cut into tiles. */
typedef struct
{
  unsigned width, height;       /* of the frame; 0: no plan */
  unsigned scale;               /* at which it was coded */
  walloc_sampling sampling;     /* of the output; 4:4:4 in kind reference */
  int rgb;                      /* components go into the same bytes */
  unsigned reduce;              /* by so many levels; */
  unsigned inner;               /* so many of them fewer than were coded, */
  unsigned low;                 /* or so many more */
  unsigned cell;                /* pixels per grid position */
  walloc_rect region;           /* pixels of the reduced picture */
  walloc_rect grid;             /* positions that cover it */
  unsigned tile_columns, tile_rows, tiles_x, tiles_y;
  unsigned components, planes;  /* planes: coefficients of a position */
  walloc_decode_component component[3];
  size_t stride;                /* floats from plane to plane */
  size_t samples;               /* floats of a row of samples of a tile */
} walloc_decode_plan;

/* What one piece of work needs. */
typedef struct
{
  int16_t *latents;             /* buffers of slices' planes */
  int16_t *previous;            /* the same of the frame before; may be NULL */
  uint8_t *entropy;             /* as many scratches */
  float *coef;                  /* [planes][stride]: one row of a tile */
  uint8_t *live;                /* [planes]: which of them are not zero */
  float *values;                /* kind reference: of all channels */
  float *steps;                 /* of the positions of a row */
  void *synthesis[3];
  float *rows[3];               /* samples that wait for other components */
  float *taps[3];               /* rows that a further low-pass needs */
  uint64_t ns_entropy, ns_network, ns_synthesis;
} walloc_decode_worker;

/* What is kept from frame to frame, beside latents (decode_predicted.c). */
typedef struct
{
  int have;                     /* the next frame may build on it */
  unsigned width, height, scale, sequence;      /* of the frame decoded last */
  uint32_t mark;                /* its header's checksum */
  uint16_t *point;              /* [grid]: set * 256 + step index */
  uint16_t *row_point;          /* [grid height]: of all of the row, or ... */
#define WALLOC_MIXED_POINTS 0xffff
  uint8_t *skip, *skip_before;  /* [grid]: not coded in the last two frames */
  uint8_t *stale, *stale_before;        /* [grid]: maybe not what the encoder
                                         * has; now and before this frame */
  uint16_t *step_of;            /* [grid], see walloc_latents; NULL: not yet */
  float *steps;                 /* the same */
  size_t steps_size;            /* floats */
  /* of the frame at hand */
  int same;                     /* it was decoded already */
  int gap;                      /* frames before it are lost */
} walloc_decode_state;

/* What lost slices of key frames are filled with (conceal_before.c). */
#define WALLOC_EDGE_CHANNELS 12
typedef struct
{
  int wanted;                   /* the frame before may serve */
  int have;                     /* it does for the frame at hand: latents still
                                 * has it where nothing was decoded */
  unsigned channels;            /* that it had */
  /* of the frame before, the first and last row of each slice that was
   * decoded since; NULL where there is one slice */
  int16_t *edge;                /* [slices][2][WALLOC_EDGE_CHANNELS][width] */
  uint16_t *edge_point;         /* [slices][2][width] */
} walloc_decode_before;

/* A network decoder, prepared for one size. */
typedef struct
{
  walloc_net *net;
  unsigned width, height;       /* 0: not prepared */
  unsigned planes[2];           /* of its outputs; 0: there is no second */
  int by_rows;                  /* takes the latents row by row */
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
  unsigned channels;            /* that latents has: those of the frame at
                                 * hand, or more that it leaves as they are */
  int16_t *latents;             /* [channels][grid height][grid width] */
  walloc_activity *activity;    /* [grid height][capacity] */
  unsigned asked, most;         /* channels that are wanted, 0 for all: from
                                 * the next key frame on, and now */
  unsigned kept, layers;        /* of the frame at hand: channels that are
                                 * decoded, and layers that hold them */
  uint8_t *intact;              /* [slices]: layers, from 0 on, that are */
  uint8_t *wanted;              /* [slices] 0: not, 1: to be decoded */
#define WALLOC_SLICE_DONE 2
  /* [slices * layers + 1]: where segments begin in the payload */
  uint32_t *segments;
  uint16_t *queue;              /* [slices]: those to be decoded */
  unsigned queued;
  unsigned lanes;               /* of them are decoded at once by a worker; */
  unsigned room;                /* so many have buffers, ... */
  size_t elements, scratch;     /* of so many latents, bytes */

  walloc_decode_state state;
  int conceal;                  /* go on after lost frames */
  walloc_decode_before before;

  /* picture: memory of workers for what the plan says */
  walloc_decode_plan plan;
  walloc_weight *weights;       /* kind ordered: of channel 0, 1, ... */
  uint32_t *weights_first;      /* [D + 1] */
  int16_t net_plane[WALLOC_COEF_PLANES];        /* -1: not wanted */
  float plane_scale[WALLOC_COEF_PLANES];        /* times coefficients */

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
};

/* Memory for the latents of the frame at hand, and what goes with them. */
walloc_result walloc_decoder_prepare_latents (walloc_decoder * decoder,
    walloc_error * error);
void walloc_decoder_unprepare_latents (walloc_decoder * decoder);

/* Header to concealed latents of grid rows [first, end). *damaged gets the
 * number of slices there of which a layer or more are damaged. */
void walloc_decoder_decode_latents (walloc_decoder * decoder, unsigned first,
    unsigned end, unsigned *damaged);

/* The rectangle that params ask for, in pixels of the reduced picture. */
walloc_result walloc_decoder_find_region (const walloc_decoder * decoder,
    const walloc_decode_params * params, walloc_rect * region,
    walloc_error * error);
/* Whether that can be decoded into image. */
walloc_result walloc_decoder_check_request (const walloc_decoder * decoder,
    const walloc_decode_params * params, const walloc_rect * region,
    const walloc_image * image, walloc_error * error);

/* Fills slices of which no layer is intact: the channels that carry the mean
 * of luma and chroma go linearly from the last row of the intact slice above
 * to the first row of the one below, all others stay zero. With before.have,
 * from the frame before. */
void walloc_decoder_conceal (walloc_decoder * decoder);

/* Whether channel c of the frame at hand carries the mean of luma or chroma. */
int walloc_decoder_carries_mean (const walloc_decoder * decoder, unsigned c);

/* Whether the frame before may serve for the frame at hand: before.have. The
 * layout is still that of the former. */
void walloc_decoder_find_before (walloc_decoder * decoder);
/* Memory for edges, for the layout; without it, before.have is 0. */
void walloc_decoder_prepare_before (walloc_decoder * decoder);
void walloc_decoder_unprepare_before (walloc_decoder * decoder);
/* Slice index is about to replace that of the frame before: notes the edges of
 * that, and fills layers that are missing. */
void walloc_decoder_replace_slice (walloc_decoder * decoder, unsigned index,
    walloc_slice * slice);
/* Slices [first, end) are lost, and have the latents and points of the frame
 * before: makes them fit to the rows around. */
void walloc_decoder_fit_before (walloc_decoder * decoder, unsigned first,
    unsigned end);

/* Memory that goes with layout. */
void walloc_decoder_prepare_state (walloc_decoder * decoder, int *short_of);
void walloc_decoder_unprepare_state (walloc_decoder * decoder);

/* Whether the frame at hand can be decoded after the last one; NEEDS_KEY. */
walloc_result walloc_decoder_accept (walloc_decoder * decoder,
    const uint8_t * data, walloc_error * error);
/* Whether the next frame may build on the frame at hand, so that all of it
 * must be decoded. */
int walloc_decoder_keeps (const walloc_decoder * decoder);

/* Around the work on the slices. whole: all of them were decoded. */
void walloc_decoder_state_begin (walloc_decoder * decoder);
void walloc_decoder_state_end (walloc_decoder * decoder, int whole);

/* The frame at hand was decoded already: wants those slices of it that were
 * damaged then and may be whole now. 0: none. */
int walloc_decoder_state_repair (walloc_decoder * decoder);

/* Slice index of the latents into planes of a slice; what was decoded of a
 * predicted slice into the latents; notes that a slice of a key frame was
 * decoded. intact[] says how much is whole. */
void walloc_decoder_load_slice (const walloc_decoder * decoder,
    unsigned index, const walloc_slice * slice, int16_t * planes);
void walloc_decoder_store_slice (walloc_decoder * decoder, unsigned index,
    const walloc_slice * slice);
void walloc_decoder_key_slice (walloc_decoder * decoder, unsigned index);
int walloc_decoder_slice_stale (const walloc_decoder * decoder,
    unsigned index);

/* Step of channel c for a set and step index. */
float walloc_decoder_point_step (const walloc_decoder * decoder,
    unsigned point, unsigned c);
/* As walloc_sparse_values(), for latents with points of their own. */
void walloc_decoder_mixed_values (const walloc_decoder * decoder, unsigned c,
    const int16_t * q, const uint16_t * point, unsigned n, float *values);
/* 2^(i/16) and, unless NULL, i/64 of every position of row y. */
void walloc_decoder_row_steps (const walloc_decoder * decoder, unsigned y,
    float *steps, float *indices);
/* Step, steps and step_of of latents. */
walloc_result walloc_decoder_steps (walloc_decoder * decoder,
    walloc_latents * latents, walloc_error * error);

/* Rows of the grid that a plan needs, halo included (the whole height where
 * borders are periodic). */
void walloc_decoder_rows_needed (const walloc_decoder * decoder,
    unsigned *first, unsigned *end);

/* A plan for the frame at hand and decoder->image, with memory; then samples
 * from latents into decoder->image. region has been checked. */
walloc_result walloc_decoder_prepare_picture (walloc_decoder * decoder,
    unsigned reduce, const walloc_rect * region, walloc_error * error);
void walloc_decoder_unprepare_picture (walloc_decoder * decoder);
void walloc_decoder_reconstruct (walloc_decoder * decoder);

/* Tile number index of the grid, and the columns that its samples depend on:
 * those beyond the picture are on its other side. */
void walloc_decoder_tile (const walloc_decoder * decoder, unsigned index,
    walloc_rect * tile, ptrdiff_t * first, ptrdiff_t * end);

/* What goes from latents to coefficients under decoder->plan: weights, where
 * a network's outputs go. *short_of as walloc_mem_take(). */
void walloc_decoder_prepare_weights (walloc_decoder * decoder, int *short_of);

/* Coefficients of grid row y, columns first to end - 1, which may be beyond
 * the picture where borders are periodic, into worker->coef and live. */
void walloc_decoder_coefficients (walloc_decoder * decoder,
    walloc_decode_worker * worker, unsigned y, ptrdiff_t first,
    ptrdiff_t end);

/* One row of samples of a component into the image: the first is column x,
 * row y of the component of the reduced picture. Components that are not
 * written alone wait in worker->rows for the last one; slot is the number of
 * rows since the last row of coefficients. */
void walloc_decoder_put_row (walloc_decoder * decoder,
    walloc_decode_worker * worker, unsigned component, unsigned slot,
    unsigned x, unsigned y, const float *samples, unsigned n);

/* Rows that are kept for a low-pass of 9, and with one of sums. */
#define WALLOC_DECODE_TAP_ROWS 16
#define WALLOC_DECODE_TAPS (WALLOC_DECODE_TAP_ROWS + 1)

/* Finds the activity of channel c in rows [first, end). */
void walloc_decoder_look (walloc_decoder * decoder, unsigned c,
    unsigned first, unsigned end);

/* Decompanded values of channel c, row y of kind reference. */
void walloc_decoder_values (const walloc_decoder * decoder, unsigned c,
    unsigned y, float *out);
/* Dequantised values of channel c, row y of kind ordered over steps, which
 * are those of walloc_decoder_row_steps(). */
void walloc_decoder_over_step (const walloc_decoder * decoder, unsigned c,
    unsigned y, const float *steps, float *out);
/* Whether row y of channel c is other than zero. */
static inline int
walloc_decoder_row_live (const walloc_decoder * decoder, unsigned c,
    unsigned y)
{
  return decoder->activity[(size_t) y * decoder->capacity + c].peak != 0;
}

/* Runs a network on the latents; net_result and net_planes are set. */
walloc_result walloc_decoder_run_net (walloc_decoder * decoder,
    walloc_decoder_kind kind, walloc_error * error);
void walloc_decoder_free_nets (walloc_decoder * decoder);

#endif
