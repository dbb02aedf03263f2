/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a page network may put out, from which lines and text are made. Lines
 * must come in order with crops inside of the grid, text must be as long as
 * announced, and all memory must come back. */
#include "task/lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 64
#define MAX_SIDE 64

int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);

static void
require (int condition)
{
  if (!condition)
    abort ();
}

/* A byte as a number: quarters, and a few that are absurd. */
static float
number (uint8_t byte)
{
  static const float absurd[] = { 3e38f, -3e38f, 1e-38f, 65536.5f };

  return byte >= 252 ? absurd[byte - 252] : ((float) byte - 64) / 4;
}

static void
find (const float *map, unsigned width, unsigned height)
{
  task_line lines[ROOM];
  unsigned n = ROOM, i, first, last;
  walloc_mem mem;

  walloc_mem_init (&mem, NULL);
  require (walloc_task_find_lines (&mem, map, width, height, lines, &n, NULL)
      == WALLOC_OK && n <= ROOM && mem.used == 0);
  for (i = 0; i < n; i++) {
    int row = walloc_task_line_row (&lines[i], width - 1, 8);

    walloc_task_line_columns (&lines[i], width, &first, &last);
    require (first <= last && last < width);
    require (row >= -1000000 && row <= 1000000);
    require (lines[i].height > 0 && lines[i].right > lines[i].left);
    require (i == 0 || lines[i].column == lines[i - 1].column
        || lines[i].column == lines[i - 1].column + 1);
  }
}

static void
decode (const float *logits, unsigned symbols, unsigned steps)
{
  static const char *const labels[] = { "a", "bc", "\xc3\xa9", "" };
  char text[3 * MAX_SIDE * MAX_SIDE + 1];
  float confidence;
  size_t size = walloc_task_ctc_text (logits, symbols, steps, labels, NULL, 0,
      NULL);

  require (size < sizeof text);
  require (walloc_task_ctc_text (logits, symbols, steps, labels, text,
          size + 1, &confidence) == size);
  require (strlen (text) == size);
  require (confidence >= 0 && confidence <= 1 + 1e-6f);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  unsigned width, height, symbols, i;
  float *values;

  if (size < 3)
    return 0;
  width = 1 + data[0] % MAX_SIDE;
  height = 1 + data[1] % MAX_SIDE;
  symbols = 1 + data[2] % 4;
  data += 3;
  size -= 3;
  values = calloc ((size_t) 5 * width * height, sizeof *values);
  require (values != NULL);
  for (i = 0; i < 5 * width * height && i < size; i++)
    values[i] = number (data[i]);
  find (values, width, height);
  if (height > symbols)
    decode (values, symbols, width);
  free (values);
  return 0;
}
