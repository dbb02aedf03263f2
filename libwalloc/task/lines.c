/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Positions that lie on a line of text are joined from left to right. */
#include "task/lines.h"

#include <math.h>
#include <stdlib.h>

/* a line may skip that many columns less one, and tall ones more: gaps between
 * words are wider there */
#define REACH 2
#define REACH_HEIGHT 6          /* a column for so many pixels of height */
#define REACH_MOST 16
/* of the smaller height: how far centres of one line may be apart */
#define APART 0.4
/* columns from which on a line may be other than level */
#define LONG 8
/* comparisons of a cell with a line, for every position of the grid: pages need
 * few, and it is less than the network did there to say what a cell is */
#define COMPARISONS 512
/* columns of features around a line that are read too */
#define NEAR 1

/* A line that is being found. */
typedef struct
{
  unsigned columns;             /* that have cells */
  unsigned newest;              /* the last of them */
  double centre, height;        /* of the first cell there */
  double left, right;           /* of the box, from the ends */
  double n, x, y, xx, xy, h;    /* sums over cells */
  double x0, y0;                /* they are relative to */
} chain;

/* A cell: a position that says it is on a line. */
typedef struct
{
  unsigned column;
  double centre, height, left, right;
} cell;

static void
add (chain * c, const cell * p)
{
  const double x = TASK_CELL * (p->column + 0.5);
  double dx, dy;

  if (c->columns == 0) {
    c->x0 = x;
    c->y0 = p->centre;
    c->left = x - p->left;
  }
  if (c->columns == 0 || c->newest != p->column) {
    c->columns++;
    c->newest = p->column;
    c->centre = p->centre;
    c->height = p->height;
  }
  c->right = x + p->right;
  dx = x - c->x0;
  dy = p->centre - c->y0;
  c->n++;
  c->x += dx;
  c->y += dy;
  c->xx += dx * dx;
  c->xy += dx * dy;
  c->h += p->height;
}

/* Whether a cell in column @x may still join. */
static int
in_reach (const chain * c, unsigned x)
{
  double reach = fmin (c->height / REACH_HEIGHT, REACH_MOST);

  return x - c->newest <= fmax (reach, REACH);
}

/* The nearest of the lines at hand that the cell may join, or NULL. */
static chain *
nearest (chain * chains, const unsigned *live, unsigned n, const cell * p)
{
  chain *best = NULL;
  double near = INFINITY, d;
  unsigned i;

  for (i = 0; i < n; i++) {
    chain *c = &chains[live[i]];

    d = fabs (p->centre - c->centre);
    if (d < near && d < APART * fmin (p->height, c->height)) {
      best = c;
      near = d;
    }
  }
  return best;
}

/* False: too few cells, or they make no box. */
static int
finish (const chain * c, task_line * line)
{
  double spread;

  if (c->columns < 2)
    return 0;
  line->left = c->left;
  line->right = c->right;
  line->height = c->h / c->n;
  line->slope = 0;
  spread = c->xx - c->x * c->x / c->n;
  if (c->columns >= LONG && spread > 0)
    line->slope = (c->xy - c->x * c->y / c->n) / spread;
  line->middle = c->y0 + c->y / c->n - line->slope * (c->x0 + c->x / c->n);
  return line->height > 0 && line->right > line->left;
}

static int
by_left (const void *a, const void *b)
{
  const task_line *p = a, *q = b;

  if (p->left != q->left)
    return p->left < q->left ? -1 : 1;
  if (p->middle != q->middle)
    return p->middle < q->middle ? -1 : 1;
  return 0;
}

static double
begin (const task_line * line)
{
  return line->middle + line->slope * line->left;
}

static int
by_reading (const void *a, const void *b)
{
  const task_line *p = a, *q = b;

  if (p->column != q->column)
    return p->column < q->column ? -1 : 1;
  if (begin (p) != begin (q))
    return begin (p) < begin (q) ? -1 : 1;
  return by_left (a, b);
}

/* Lines that overlap horizontally, also by way of others, are one column. */
static void
put_in_order (task_line * lines, unsigned n)
{
  unsigned i, column = 0;
  double right = 0;

  qsort (lines, n, sizeof *lines, by_left);
  for (i = 0; i < n; i++) {
    if (i > 0 && lines[i].left >= right)
      column++;
    right = i > 0 && lines[i].left < right ? fmax (right, lines[i].right) :
        lines[i].right;
    lines[i].column = column;
  }
  qsort (lines, n, sizeof *lines, by_reading);
}

/* What the network says of a position; false: nothing of use. What has no
 * height joins nothing, and nothing joins it. */
static int
read_cell (const float *lines, unsigned width, unsigned height, unsigned x,
    unsigned y, cell * p)
{
  const size_t plane = (size_t) width * height;
  const float *at = lines + (size_t) y * width + x;

  if (!(at[0] > 0))
    return 0;
  p->column = x;
  p->centre = TASK_CELL * (y + 0.5) + ((double) at[2 * plane] - at[plane]) / 2;
  p->height = (double) at[plane] + at[2 * plane];
  p->left = at[3 * plane];
  p->right = at[4 * plane];
  return p->height > 0;
}

/* All cells, to at most most chains; returns how many. A page of which every
 * position begins a line would take the square of its height for every column:
 * false in *fine, then. */
static unsigned
join (const float *lines, unsigned width, unsigned height, chain * chains,
    unsigned *live, unsigned most, int *fine)
{
  uint64_t left = (uint64_t) COMPARISONS * width * height;
  unsigned n = 0, n_live = 0, i, kept, x, y;
  cell p;
  chain *c;

  for (x = 0; x < width; x++) {
    for (i = kept = 0; i < n_live; i++)
      if (in_reach (&chains[live[i]], x))
        live[kept++] = live[i];
    n_live = kept;
    for (y = 0; y < height; y++) {
      if (!read_cell (lines, width, height, x, y, &p))
        continue;
      *fine = left >= n_live;
      if (!*fine)
        return n;
      left -= n_live;
      c = nearest (chains, live, n_live, &p);
      if (c == NULL) {
        if (n == most)
          continue;
        live[n_live++] = n;
        c = &chains[n++];
      }
      add (c, &p);
    }
  }
  return n;
}

walloc_result
walloc_task_find_lines (walloc_mem * mem, const float *lines, unsigned width,
    unsigned height, task_line * found, unsigned *count, walloc_error * error)
{
  const unsigned most = *count;
  unsigned n, i;
  int fine = 1;
  int short_of = 0;
  chain *chains = walloc_mem_take (mem, most, sizeof *chains, &short_of);
  unsigned *live = walloc_mem_take (mem, most, sizeof *live, &short_of);

  *count = 0;
  if (short_of) {
    walloc_mem_free (mem, chains);
    walloc_mem_free (mem, live);
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "no memory to find up to %u lines", most);
  }
  n = join (lines, width, height, chains, live, most, &fine);
  for (i = 0; i < n; i++)
    if (finish (&chains[i], &found[*count]))
      ++ * count;
  put_in_order (found, *count);
  walloc_mem_free (mem, chains);
  walloc_mem_free (mem, live);
  if (fine)
    return WALLOC_OK;
  *count = 0;
  return walloc_fail (error, WALLOC_ERR_LIMIT, "lines nearly everywhere on a "
      "page of %ux%u positions: more than %d comparisons for each, so this is "
      "no page, or no network that reads", width, height, COMPARISONS);
}

/* floor (at / TASK_CELL) + more, within 0 to most. */
static unsigned
column_of (double at, int more, unsigned most)
{
  double column = floor (at / TASK_CELL) + more;

  return column > most ? most : column > 0 ? (unsigned) column : 0;
}

void
walloc_task_line_columns (const task_line * line, unsigned width,
    unsigned *first, unsigned *last)
{
  *first = column_of (line->left, -NEAR, width - 1);
  *last = column_of (line->right, NEAR, width - 1);
}

int
walloc_task_line_row (const task_line * line, unsigned x, unsigned rows)
{
  double centre = line->middle + line->slope * (TASK_CELL * (x + 0.5));
  double row = floor (centre / TASK_CELL - rows / 2.0 + 0.5);

  /* far outside is as good as outside */
  return row > 1e6 ? 1000000 : row > -1e6 ? (int) row : -1000000;
}
