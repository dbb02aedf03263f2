/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of text: from the output "lines" of a page network to boxes, and from
 * a recogniser's logits to text. docs/design/latent-inference.md, "Reading
 * pages". Internal. */
#ifndef WALLOC_TASK_LINES_H
#define WALLOC_TASK_LINES_H

#include <walloc/task.h>

#include "common/mem.h"

/* pixels of a position of the grid */
#define TASK_CELL 8

/* A line as it was found; pixels of the coded size. Its centre at x is
 * middle + slope * x. */
typedef struct
{
  double left, right;
  double middle, slope, height;
  unsigned column;              /* of the page, from the left */
} task_line;

/* Lines in lines, [5][height][width] finite numbers, in reading order: at most
 * *count (in: room in found; out: how many there are). What is beyond that is
 * not found. Fails when there is no memory, and with LIMIT when finding them would
 * take far longer than any page needs. */
walloc_result walloc_task_find_lines (walloc_mem * mem, const float *lines,
    unsigned width, unsigned height, task_line * found, unsigned *count,
    walloc_error * error);

/* Columns of the crop of a line, inclusive, within a grid of width columns. */
void walloc_task_line_columns (const task_line * line, unsigned width,
    unsigned *first, unsigned *last);

/* First of rows rows of the crop in column x. */
int walloc_task_line_row (const task_line * line, unsigned x, unsigned rows);

/* Text of logits [symbols + 1][steps], blank first: the best symbol of every
 * step, repetitions dropped, then blanks. Returns its bytes without the NUL;
 * writes it, with NUL, when there is room for it all (text may be NULL).
 * confidence: mean probability of the symbols that are left, 0 without any;
 * may be NULL. */
size_t walloc_task_ctc_text (const float *logits, unsigned symbols,
    unsigned steps, const char *const *labels, char *text, size_t room,
    float *confidence);

/* Drops spaces at both ends of a text, in place; returns its new size. */
size_t walloc_task_trim (char *text);

#endif
