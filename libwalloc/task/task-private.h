/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the task layer share. Internal. */
#ifndef WALLOC_TASK_PRIVATE_H
#define WALLOC_TASK_PRIVATE_H

#include <walloc/task.h>

#include "codec/workers.h"
#include "common/mem.h"

#define TASK_MAX_INPUTS 3
#define TASK_MAX_OUTPUTS 8
/* room for a quoted string of a file in an error text */
#define TASK_QUOTE 48

typedef enum
{
  TASK_IN_LATENTS = 0,
  TASK_IN_STEP = 1,
  TASK_IN_SCALE = 2
} task_input;

/* Where the values of a run come from; latents or planes. */
typedef struct
{
  const walloc_latents *latents;
  const float *const *planes;
  unsigned channels;            /* that there are, at most K */
  unsigned width, height;
  size_t stride;
} task_source;

/* The second graph of a reader. */
typedef struct
{
  walloc_net *net;
  unsigned columns, features;   /* prepared for; 0: not */
  unsigned steps;
  float *in, *out;
} task_recogniser;

/* A picture, and how much smaller it was coded. */
typedef struct
{
  unsigned width, height;       /* pixels; 0: not known */
  unsigned scale;
} task_picture;

/* From the grid of a frame to the one that the network sees. */
typedef struct
{
  unsigned width, height;       /* of the frame; 0: nothing is prepared */
  unsigned enlarge, reduce;     /* how often; one of both is 0 */
  unsigned seen_width, seen_height;
} task_plan;

/* A graph that resamples, made ready for one size. */
typedef struct
{
  walloc_net *net;
  unsigned width, height;       /* of what it puts out, as it is used */
  float *out;                   /* [K][height][width] */
} task_stage;

#define TASK_MAX_ENLARGE 2
#define TASK_MAX_REDUCE 3

typedef struct
{
  int off;
  task_picture picture;         /* that was told of last */
  task_stage enlarge[TASK_MAX_ENLARGE], reduce[TASK_MAX_REDUCE];
} task_resample;

struct walloc_task
{
  walloc_mem mem;
  walloc_allocator allocator;
  walloc_net_limits limits;
  walloc_net *net;
  walloc_task_info info;

  /* ports: which input of the net is what, and the outputs by their number */
  unsigned n_inputs, n_outputs;
  task_input input[TASK_MAX_INPUTS];
  unsigned latents;             /* number of that input */

  /* as prepared */
  task_plan plan;
  int by_rows;                  /* the first graph takes the frame's so */
  int ran;
  walloc_net_shape shape[TASK_MAX_OUTPUTS];
  float *out[TASK_MAX_OUTPUTS];
  float *in;                    /* the frame's [K][height][width]; by rows:
                                 * none */
  float *rows;                  /* [workers][K][width] */
  unsigned row_slots;
  float step, scale;            /* of the frame */

  /* during a run */
  task_source source;
  walloc_workers workers;

  task_recogniser recogniser;
  task_resample resample;

  /* what was read last */
  struct
  {
    walloc_task_line *lines;
    unsigned count;             /* that have their text */
  } page;
};

/* metadata.c: all keys into info. */
walloc_result walloc_task_read_metadata (walloc_task * t,
    walloc_error * error);

/* A string of a file as error texts may hold it: printable ASCII, cut short. */
const char *walloc_task_quote (char out[TASK_QUOTE], const char *text);

/* ports.c: inputs and outputs as the file declares them, and outputs as they
 * are once prepared. */
walloc_result walloc_task_check_ports (walloc_task * t, walloc_error * error);
walloc_result walloc_task_check_outputs (walloc_task * t,
    walloc_error * error);

/* Number of the output of that name, -1: none. */
int walloc_task_find_output (const walloc_task * t, const char *name);

/* Elements of a shape, 0 when there are more than limit. */
size_t walloc_task_elements (const walloc_net_shape * shape, size_t limit);

/* base64.c: the graph that the metadata property key holds. */
walloc_result walloc_task_load_graph (walloc_task * t, const char *key,
    walloc_net ** net, walloc_error * error);

/* resample.c. Positions along an axis of size pixels that is coded at
 * 1/2^scale of it. */
unsigned walloc_task_positions (unsigned size, unsigned scale);
walloc_result walloc_task_load_resample (walloc_task * t,
    walloc_error * error);
void walloc_task_plan_resample (const walloc_task * t, unsigned width,
    unsigned height, const task_picture * picture, task_plan * plan);
/* The graph that comes first after the frame's latents; NULL: the network. */
walloc_net *walloc_task_first_stage (const walloc_task * t,
    const task_plan * plan);
walloc_result walloc_task_prepare_resample (walloc_task * t,
    const task_plan * plan, walloc_error * error);
/* From *values of the frame (NULL: by rows) to *values of what is seen. */
walloc_result walloc_task_run_resample (walloc_task * t, const float **values,
    const walloc_runner * runner, walloc_error * error);
void walloc_task_unprepare_resample (walloc_task * t);
walloc_result walloc_task_set_resample_precision (walloc_task * t,
    walloc_net_precision precision, walloc_error * error);
uint64_t walloc_task_resample_total (const walloc_task * t,
    uint64_t (*of) (const walloc_net * net));
void walloc_task_free_resample (walloc_task * t);

/* recognise.c */
walloc_result walloc_task_load_recogniser (walloc_task * t,
    walloc_error * error);
void walloc_task_unprepare_recogniser (walloc_task * t);
void walloc_task_free_recogniser (walloc_task * t);

/* read.c */
void walloc_task_forget_page (walloc_task * t);

/* run.c */
void walloc_task_unprepare (walloc_task * t);

/* values.c, among the kernels: latents times steps; false: all are zero (and
 * nothing need be written). */
int walloc_values_step (const int16_t * data, unsigned n, float step,
    float *out);
/* the same with a step of its own per position: step[of[x] * pitch] */
int walloc_values_step_of (const int16_t * data, unsigned n,
    const float *step, const uint16_t * of, unsigned pitch, float *out);
/* False: one is not a finite number. */
int walloc_values_finite (const float *values, size_t n);

#endif
