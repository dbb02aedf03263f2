/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file walloc/task.h
 * @brief Task networks: labels, masks, latents or text from latents.
 *
 * A task network is an ONNX file whose metadata says what it is given and what
 * it puts out (docs/design/latent-inference.md). It reads what
 * walloc_decoder_latents() and walloc_audio_decoder_latents() give, so samples
 * are never made. Method: arXiv 1803.06131 (networks on compressed
 * representations), arXiv 2412.09405 section V.
 *
 * A walloc_task works for one thread at a time; callers that run several at
 * once load the file as often as they run it at once. Files are untrusted:
 * everything that they say is checked, and limits apply before memory is taken.
 */
#ifndef WALLOC_TASK_H
#define WALLOC_TASK_H

#include <walloc/decoder.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a file at most. */
#define WALLOC_TASK_MAX_FILE (1u << 28)
/** Channels that a network may read. */
#define WALLOC_TASK_MAX_CHANNELS 4096
/** Labels: of classes and stems, of a mask (the value 255 is left free), and
 * of what a recogniser reads. */
#define WALLOC_TASK_MAX_CLASSES 4096
#define WALLOC_TASK_MAX_SEGMENTS 255
#define WALLOC_TASK_MAX_STEMS 16
#define WALLOC_TASK_MAX_SYMBOLS 65535
/** Bytes of one label, without the NUL. */
#define WALLOC_TASK_MAX_LABEL 255
/** Columns of sound in a run (window, or context and the newest frame). */
#define WALLOC_TASK_MAX_COLUMNS 65536
/** Values of a window or a context, channels times columns. */
#define WALLOC_TASK_MAX_WINDOW (1u << 25)
/** Rows of features that a recogniser reads. */
#define WALLOC_TASK_MAX_ROWS 64
/** Lines of text that are found on a page. */
#define WALLOC_TASK_MAX_LINES 4096
/** Bytes of a graph within the file: a recogniser, or one that resamples. */
#define WALLOC_TASK_MAX_GRAPH (1u << 26)
/** Shorter side of the pictures that a network was made for, pixels. */
#define WALLOC_TASK_MAX_SIZE 16384

/** A loaded task network. */
typedef struct walloc_task walloc_task;

/** What it does: the values of the metadata key "walloc.task". */
typedef enum
{
  WALLOC_TASK_CLASSIFY = 0,
  WALLOC_TASK_SEGMENT = 1,
  WALLOC_TASK_COLORIZE = 2,
  WALLOC_TASK_SEPARATE = 3,
  WALLOC_TASK_READ = 4
} walloc_task_kind;

/** What the file says of itself; strings live as long as the task. */
typedef struct
{
  walloc_task_kind kind;
  walloc_media media;
  uint64_t model_id;            /**< of the codec model whose latents it reads */
  unsigned channels;            /**< K, 1 to #WALLOC_TASK_MAX_CHANNELS */
  const char *name;
  unsigned n_labels;
  const char *const *labels;    /**< UTF-8; classes, stems or symbols */
  const uint8_t (*palette)[3];  /**< red, green, blue of every class; NULL: none */
  unsigned rate;                /**< sound: Hz; else 0 */
  unsigned window, hop;         /**< classify of sound, columns; else 0 */
  unsigned context;             /**< separate, columns; else 0 */
  unsigned rows;                /**< read: of features per line; else 0 */
  unsigned width, height;       /**< the one size of the grid that it takes (of
                                     sound: columns and 0); 0: any */
  const char *licence, *card;   /**< NULL: not said */
  unsigned size;                /**< classify and segment of pictures: shorter
                                     side of those that it was made for, pixels;
                                     0: not said, nothing is resampled */
  int enlarges, reduces;        /**< there are graphs that resample latents to
                                     twice the size, to half of it */
} walloc_task_info;

/** English name of @kind as in metadata ("classify"); NULL when there is none. */
WALLOC_API const char *walloc_task_kind_name (walloc_task_kind kind);

/**
 * Load a task network of @size bytes, which are not needed afterwards.
 * @allocator (NULL: malloc) and @limits (NULL: 256 MiB of parameters, 1 GiB of
 * run-time tensors, 2^38 multiply-adds, 10000 operators) as for
 * walloc_net_load(). On failure *@task is NULL.
 *
 * Errors: MODEL (no ONNX file, damaged, or a metadata key, an input or an
 * output is missing or not as it should be: the text names it, what is there
 * and what is expected), UNSUPPORTED (an unknown operator, a later
 * "walloc.version", or a build without ONNX), LIMIT, MEMORY, ARGUMENT.
 */
WALLOC_API walloc_result walloc_task_load (walloc_task ** task,
    const void *bytes, size_t size, const walloc_allocator * allocator,
    const walloc_net_limits * limits, walloc_error * error);

/** As walloc_task_load() from the file @path. Errors also: NOT_FOUND, IO. */
WALLOC_API walloc_result walloc_task_load_file (walloc_task ** task,
    const char *path, const walloc_allocator * allocator,
    const walloc_net_limits * limits, walloc_error * error);

/** NULL is fine. */
WALLOC_API void walloc_task_free (walloc_task * task);

WALLOC_API void walloc_task_get_info (const walloc_task * task,
    walloc_task_info * info);

/** Value of any metadata property, NULL when absent; lives as long as @task. */
WALLOC_API const char *walloc_task_metadata (const walloc_task * task,
    const char *key);

/**
 * Tell whether the network reads the stream that @frame is of.
 * Errors: MODEL_MISMATCH (another kind of media, another codec model or, of
 * sound, another sample rate; the text has both values).
 */
WALLOC_API walloc_result walloc_task_check_stream (const walloc_task * task,
    const walloc_frame_info * frame, walloc_error * error);

/**
 * Choose in what convolutions compute; #WALLOC_NET_F32 after loading. What was
 * prepared is to be prepared again.
 */
WALLOC_API walloc_result walloc_task_set_precision (walloc_task * task,
    walloc_net_precision precision, walloc_error * error);

/**
 * Choose whether latents of pictures of another size than the network was made
 * for are resampled before it sees them (walloc_task_info: size, enlarges,
 * reduces). On after loading; of no effect on networks that bring no graphs for
 * it. From the next preparation or run on. Errors: ARGUMENT.
 *
 * With s the shorter side of the picture as it is coded: it is enlarged while
 * 2 s <= size * sqrt (2), at most as often as the encoder halved it, else
 * reduced while s >= size * sqrt (2), at most three times
 * (docs/design/latent-inference.md, "Size").
 */
WALLOC_API walloc_result walloc_task_set_resample (walloc_task * task,
    int resample, walloc_error * error);

/**
 * Make ready for a grid of @width by @height latents, of a picture of 8 times
 * that size; of sound: @width columns, @height ignored. Takes all memory of a run; nothing is done when it was
 * prepared for that already. The functions that run do it by themselves: this
 * one tells in advance whether it works.
 * Errors: ARGUMENT (a network of one size and another size), those of
 * walloc_net_prepare(), MODEL (outputs that do not fit).
 */
WALLOC_API walloc_result walloc_task_prepare (walloc_task * task,
    unsigned width, unsigned height, walloc_error * error);

/**
 * Make ready for latents of a picture of @width by @height pixels that is coded
 * at 1/2^@scale of that (0 to 2), as a frame's header says. What resampling
 * cuts off at the edges, and whether there is any, goes by the picture: a run on
 * a grid and scale of another one takes it for one of whole positions.
 * Errors: as walloc_task_prepare(); ARGUMENT also for a network of sound.
 */
WALLOC_API walloc_result walloc_task_prepare_picture (walloc_task * task,
    unsigned width, unsigned height, unsigned scale, walloc_error * error);

/**
 * The grid that the network sees, as prepared; all 0 before.
 * @param zoom how often the picture was enlarged, below 0: reduced; a position
 * covers 8 * 2^(scale - @zoom) pixels of the picture along each axis
 */
WALLOC_API void walloc_task_grid (const walloc_task * task, unsigned *width,
    unsigned *height, int *zoom);

/**
 * Run on the latents of a picture, which must stay valid during the call.
 * Channels that @latents lack are 0; those above K are not read.
 * @param scale of the frame's header, 0 to 2; a network that asks gets 0 where
 * the picture is reduced
 * @param runner may be NULL; the output does not depend on it
 * Errors: ARGUMENT (a network of sound), those of walloc_task_prepare(), MODEL
 * (an output that is not a finite number; damaged weights).
 */
WALLOC_API walloc_result walloc_task_run (walloc_task * task,
    const walloc_latents * latents, unsigned scale,
    const walloc_runner * runner, walloc_error * error);

/**
 * The same with values: planes [channels] of @height rows of @width floats
 * (sound: of @width columns, @height must be 1), each as walloc_latents
 * defines values (sound: in units of a 16-bit sample).
 * @param planes one pointer per channel; a NULL stands for zeros
 * @param channels how many pointers there are; missing ones are 0
 * @param stride floats from one row to the next, at least @width
 * @param step step of channel 0 in the same units, for networks that ask
 * Errors: as walloc_task_run().
 */
WALLOC_API walloc_result walloc_task_run_planes (walloc_task * task,
    const float *const *planes, unsigned channels, unsigned width,
    unsigned height, size_t stride, float step, unsigned scale,
    const walloc_runner * runner, walloc_error * error);

/**
 * What the last run put out as @name ("logits", "latents_out",
 * "lines", "features"): floats in the order of @shape, valid until the next call that
 * runs or prepares; NULL when there is no such output or nothing was run.
 */
WALLOC_API const float *walloc_task_output (const walloc_task * task,
    const char *name, walloc_net_shape * shape);

/** Multiply-adds of a run as prepared (with resampling, without recogniser);
 * 0 before. */
WALLOC_API uint64_t walloc_task_work (const walloc_task * task);

/** Bytes of run-time tensors as prepared (with resampling, without
 * recogniser); 0 before. */
WALLOC_API uint64_t walloc_task_activation_bytes (const walloc_task * task);

/** A class and how sure the network is. */
typedef struct
{
  unsigned class_id;
  float confidence;             /**< softmax of the logits, 0 to 1 */
} walloc_task_class;

/**
 * The most likely classes of the last run of a classifier, in order; equal ones
 * by number.
 * @param count in: room in @classes; out: how many were written
 * Errors: ARGUMENT (no classifier, nothing was run).
 */
WALLOC_API walloc_result walloc_task_classify (const walloc_task * task,
    walloc_task_class * classes, unsigned *count, walloc_error * error);

/** Size of the mask of the last run of a segmenter as its network gives it; 0
 * by 0 when there is none. */
WALLOC_API void walloc_task_mask_size (const walloc_task * task,
    unsigned *width, unsigned *height);

/**
 * The mask of the last run of a segmenter: for every element the class whose
 * logit, bilinearly interpolated between the network's positions, is the
 * greatest.
 * @param cell elements that one position of the frame's own grid covers in each
 * direction, whatever the network sees: 1 for a mask of that grid; 8 * 2^scale
 * for one of the picture; 0 for one of walloc_task_mask_size()
 * @param mask @height rows of @width class numbers, @stride bytes apart; at
 * most grid times @cell
 * @param shares out, may be NULL: share of every class in @mask, 0 to 1
 * Errors: ARGUMENT (no segmenter, nothing was run, a mask that is greater).
 */
WALLOC_API walloc_result walloc_task_mask (const walloc_task * task,
    unsigned cell, unsigned width, unsigned height, uint8_t * mask,
    size_t stride, float *shares, const walloc_runner * runner,
    walloc_error * error);

/**
 * Run the recogniser of a reader on a strip of the output "features" of the
 * last run: @columns columns from @x on (may be negative), and in column i the
 * network's rows from @y[i] on; positions beyond the features are 0. May be
 * called any number of times after a run; another number of columns than
 * before costs a preparation.
 * @param logits out: [n_labels + 1][@steps], blank first; valid until the next
 * call on @task
 * Errors: ARGUMENT (no reader, nothing was run, not 1 to 65536 columns), those
 * of walloc_net_prepare(), MODEL.
 */
WALLOC_API walloc_result walloc_task_recognise (walloc_task * task, int x,
    const int *y, unsigned columns, const float **logits, unsigned *steps,
    const walloc_runner * runner, walloc_error * error);

/** A line of text on a page. */
typedef struct
{
  float left, top, right, bottom;       /**< box around it, pixels of the
                                             picture, within it */
  float slope;                  /**< how much it falls per pixel to the right */
  unsigned column;              /**< of the page, 0 is the leftmost */
  float confidence;             /**< mean probability of its symbols, 0 to 1;
                                     0 where it has none */
  const char *text;             /**< UTF-8, may be empty */
} walloc_task_line;

/**
 * The lines of text of the last run of a reader, in reading order: columns from
 * left to right, lines in them from the top down. How they are found:
 * docs/design/latent-inference.md, "Reading pages". Text by greedy decoding of
 * CTC.
 * @param width, @param height of the picture, pixels
 * @param lines out: valid until the next call on @task
 * @param count out: at most #WALLOC_TASK_MAX_LINES
 * @param runner may be NULL; the output does not depend on it
 * Errors: ARGUMENT (no reader, nothing was run), LIMIT (lines nearly everywhere,
 * or so many that reading them is more work than a network may do), those of
 * walloc_task_recognise().
 */
WALLOC_API walloc_result walloc_task_read (walloc_task * task,
    unsigned width, unsigned height, const walloc_task_line ** lines,
    unsigned *count, const walloc_runner * runner, walloc_error * error);

#ifdef __cplusplus
}
#endif
#endif
