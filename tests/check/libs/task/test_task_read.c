/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of text: how positions are joined, boxes, order, CTC, and a page
 * through a whole network. */
#include "task/lines.h"

#include "task_util.h"

#define W 40
#define H 30

static float map[5 * H * W];

static void
clear (void)
{
  memset (map, 0, sizeof map);
}

static void
set (unsigned x, unsigned y, float top, float bottom, float left, float right)
{
  const float values[5] = { 1, top, bottom, left, right };
  unsigned k;

  for (k = 0; k < 5; k++)
    map[(k * H + y) * W + x] = values[k];
}

/* A line whose centre at x is c + slope * x, marked in the positions nearest
 * to it from column a to column b. */
static void
draw (unsigned a, unsigned b, double c, double slope, float height)
{
  unsigned x, y;

  for (x = a; x <= b; x++) {
    double centre = c + slope * (8 * x + 4);

    y = (unsigned) (centre / 8);
    set (x, y, (float) (8 * y + 4 - centre) + height / 2,
        (float) (centre - 8 * y - 4) + height / 2, x == a ? 2 : 32,
        x == b ? 3 : 32);
  }
}

static unsigned
find (task_line * lines, unsigned room)
{
  unsigned n = room;
  walloc_mem mem;

  walloc_mem_init (&mem, NULL);
  if (walloc_task_find_lines (&mem, map, W, H, lines, &n, NULL) != WALLOC_OK)
    return 9999;
  return mem.used == 0 ? n : 9998;
}

static int
near (double a, double b)
{
  return fabs (a - b) < 1e-3;
}

static void
test_boxes (void)
{
  task_line lines[8];
  unsigned n, first, last;

  clear ();
  draw (3, 20, 100, 0, 12);
  n = find (lines, 8);
  TAP_OK (n == 1 && near (lines[0].left, 8 * 3 + 4 - 2)
      && near (lines[0].right, 8 * 20 + 4 + 3) && near (lines[0].height, 12)
      && near (lines[0].middle, 100) && near (lines[0].slope, 0),
      "a level line");
  walloc_task_line_columns (&lines[0], W, &first, &last);
  /* centre 100, row 12.5; 8 rows begin at 8.5, which is rounded up */
  TAP_OK (first == 2 && last == 21
      && walloc_task_line_row (&lines[0], 5, 8) == 9
      && walloc_task_line_row (&lines[0], 5, 4) == 11, "its crop");

  clear ();
  draw (2, 30, 40, 0.25, 10);
  n = find (lines, 8);
  TAP_OK (n == 1 && near (lines[0].slope, 0.25) && near (lines[0].middle, 40)
      && near (lines[0].height, 10), "a line that falls");
  TAP_OK (walloc_task_line_row (&lines[0], 2, 2) == 5
      && walloc_task_line_row (&lines[0], 30, 2) == 12, "its crop falls too");

  clear ();
  draw (5, 11, 40, 0.25, 10);
  n = find (lines, 8);
  TAP_OK (n == 1 && near (lines[0].slope, 0)
      && near (lines[0].middle, 40 + 0.25 * (8 * 8 + 4)),
      "7 columns are taken as level");
  clear ();
  draw (0, W - 1, 4, 0, 8);
  n = find (lines, 8);
  walloc_task_line_columns (&lines[0], W, &first, &last);
  TAP_OK (n == 1 && first == 0 && last == W - 1, "a crop ends with the grid");
}

static void
test_joins (void)
{
  task_line lines[8];
  unsigned n, x;

  clear ();
  draw (3, 9, 100, 0, 12);
  draw (11, 16, 100, 0, 12);
  n = find (lines, 8);
  TAP_OK (n == 1, "one column may miss: %u line", n);
  clear ();
  draw (3, 9, 100, 0, 12);
  draw (12, 16, 100, 0, 12);
  n = find (lines, 8);
  TAP_OK (n == 2, "two may not: %u lines", n);

  clear ();
  draw (3, 9, 100, 0, 30);
  draw (14, 20, 100, 0, 30);
  n = find (lines, 8);
  TAP_OK (n == 1, "a line of 30 pixels may miss 4 columns: %u line", n);
  clear ();
  draw (3, 9, 100, 0, 30);
  draw (15, 20, 100, 0, 30);
  n = find (lines, 8);
  TAP_OK (n == 2, "but not 5: %u lines", n);
  clear ();
  draw (3, 9, 100, 0, 1e30f);
  draw (27, 30, 100, 0, 1e30f);
  n = find (lines, 8);
  TAP_OK (n == 2, "nothing joins over 17 columns: %u lines", n);

  /* 0.4 of the smaller height: 4.8 */
  clear ();
  draw (3, 9, 100, 0, 12);
  draw (10, 16, 104, 0, 16);
  n = find (lines, 8);
  TAP_OK (n == 1, "centres 4 pixels apart are one line");
  clear ();
  draw (3, 9, 100, 0, 12);
  draw (10, 16, 105, 0, 16);
  n = find (lines, 8);
  TAP_OK (n == 2, "5 pixels are too many for a height of 12");

  /* two rows of cells that say the same line: one line, columns counted once */
  clear ();
  for (x = 4; x < 14; x++) {
    set (x, 10, 4, 12, 3, 3);   /* centre 84 + 4 */
    set (x, 11, 12, 4, 3, 3);   /* centre 92 - 4 */
  }
  n = find (lines, 8);
  TAP_OK (n == 1 && near (lines[0].middle, 88) && near (lines[0].height, 16),
      "two cells of a column on one line");

  clear ();
  set (7, 7, 5, 5, 3, 3);
  set (20, 3, 5, 5, 3, 3);
  set (20, 4, 13, -3, 3, 3);
  TAP_OK (find (lines, 8) == 0, "one column is no line");
  clear ();
  for (x = 3; x < 9; x++)
    set (x, 5, -6, -6, 3, 3);
  TAP_OK (find (lines, 8) == 0, "nor are lines of less than no height");
  clear ();
  set (3, 5, 6, 6, -100, 3);
  set (4, 5, 6, 6, 3, 3);
  TAP_OK (find (lines, 8) == 0, "nor those that end before they begin");
  clear ();
  TAP_OK (find (lines, 8) == 0, "an empty page has no lines");
}

/* Two columns of text, drawn in no order, and a line that overlaps one. */
static void
test_order (void)
{
  static const double want[][2] = { {40, 0}, {80, 0}, {120, 0}, {40, 1},
  {100, 1}
  };
  task_line lines[8];
  unsigned n, i, good = 0;

  clear ();
  draw (22, 38, 100, 0, 12);
  draw (2, 16, 120, 0, 12);
  draw (22, 30, 40, 0, 12);
  draw (1, 10, 40, 0, 12);
  draw (5, 20, 80, 0, 12);
  n = find (lines, 8);
  for (i = 0; i < n && i < 5; i++)
    good += near (lines[i].middle, want[i][0])
        && lines[i].column == (unsigned) want[i][1];
  TAP_OK (n == 5 && good == 5, "reading order: %u of %u lines", good, n);
  n = find (lines, 3);
  TAP_OK (n == 3, "no more than there is room for");
}

/* Values that a network may put out and that make no sense. */
static void
test_absurd (void)
{
  task_line lines[64];
  unsigned seed = 3, i, k, n, first, last, bad = 0;

  for (k = 0; k < 200; k++) {
    for (i = 0; i < 5 * H * W; i++) {
      map[i] = (float) ((int) (tap_random (&seed) % 2001) - 1000);
      if (tap_random (&seed) % 16 == 0)
        map[i] *= 1e35f;
    }
    n = find (lines, 64);
    bad += n > 64;
    for (i = 0; i < n && n <= 64; i++) {
      int row = walloc_task_line_row (&lines[i], W - 1, 8);

      walloc_task_line_columns (&lines[i], W, &first, &last);
      bad += first >= W || last >= W || first > last || row > 1000000
          || row < -1000000;
    }
  }
  TAP_OK (bad == 0, "absurd values: %u crops outside of the grid", bad);
}

/* Lines in every position: many of them are found, but not at any price; what
 * has no height is none, however much of it there is. */
static void
test_everywhere (void)
{
  const unsigned heights[] = { 400, 1200, 1200 };
  unsigned i, n;
  size_t k, plane;
  float *all;
  walloc_error error = { "" };
  walloc_result result;
  walloc_mem mem;
  task_line *lines = malloc (4096 * sizeof *lines);

  for (i = 0; i < 3; i++) {
    plane = (size_t) 64 *heights[i];
    all = malloc (5 * plane * sizeof *all);
    for (k = 0; k < 5 * plane; k++)
      all[k] = k / plane == 1 && i == 2 ? -1 : 1;
    n = 4096;
    walloc_mem_init (&mem, NULL);
    result = walloc_task_find_lines (&mem, all, 64, heights[i], lines, &n,
        &error);
    TAP_OK (result == (i == 1 ? WALLOC_ERR_LIMIT : WALLOC_OK)
        && n == (i == 0 ? 400 : 0) && mem.used == 0,
        "%u rows of lines: %u, %s", heights[i], n,
        result == WALLOC_OK ? "fine" : error.text);
    free (all);
  }
  free (lines);
}

static void
test_ctc (void)
{
  static const char *const labels[] = { "a", "b", "\xc3\xa9" };
  /* blank a a blank a b b e' blank */
  static const unsigned path[] = { 0, 1, 1, 0, 1, 2, 2, 3, 0 };
  float logits[4 * 9], confidence = -1;
  char text[16];
  size_t size;
  unsigned i;

  memset (logits, 0, sizeof logits);
  for (i = 0; i < 9; i++)
    logits[path[i] * 9 + i] = i == 4 ? 2 : 50;
  size = walloc_task_ctc_text (logits, 3, 9, labels, text, sizeof text,
      &confidence);
  /* three of probability 1, one of e^2 / (e^2 + 3) */
  TAP_OK (size == 5 && strcmp (text, "aab\xc3\xa9") == 0
      && fabs (confidence - (3 + exp (2) / (exp (2) + 3)) / 4) < 1e-5,
      "greedy CTC: \"%s\" %g", text, confidence);
  size = walloc_task_ctc_text (logits, 3, 9, labels, text, 5, NULL);
  TAP_OK (size == 5, "its size when there is no room for the NUL");
  for (i = 0; i < 36; i++)
    logits[i] = i < 9;
  size = walloc_task_ctc_text (logits, 3, 9, labels, text, sizeof text,
      &confidence);
  TAP_OK (size == 0 && text[0] == '\0' && confidence == 0, "all blank");
  TAP_OK (walloc_task_ctc_text (logits, 3, 0, labels, text, 16, &confidence)
      == 0 && confidence == 0, "no steps");
}

static void
test_trim (void)
{
  char a[] = "  a b ", b[] = "   ", c[] = "", d[] = "\xc3\xa9";

  TAP_OK (walloc_task_trim (a) == 3 && strcmp (a, "a b") == 0
      && walloc_task_trim (b) == 0 && b[0] == '\0'
      && walloc_task_trim (c) == 0 && walloc_task_trim (d) == 2
      && strcmp (d, "\xc3\xa9") == 0, "spaces at the ends of a line go");
}

/* read.onnx makes lines of channel 0 (times 1 to 5) and features of which the
 * second symbol wins wherever it is positive. */
static void
test_page (void)
{
  walloc_task *task = task_open (TASK_FILE ("read"));
  walloc_task *other = task_open (TASK_FILE ("classify"));
  const walloc_task_line *lines;
  walloc_error error = { "" };
  const float *planes[1];
  float page[16 * 20];
  unsigned count = 7, x;

  memset (page, 0, sizeof page);
  TAP_OK (walloc_task_read (task, 160, 128, &lines, &count, NULL, &error) ==
      WALLOC_ERR_ARGUMENT && lines == NULL && count == 0
      && strstr (error.text, "nothing was run"), "before a run: %s",
      error.text);
  for (x = 4; x <= 12; x++)
    page[5 * 20 + x] = 2;
  planes[0] = page;
  walloc_task_run_planes (task, planes, 1, 20, 16, 20, 1, 0, NULL, NULL);
  TAP_OK (walloc_task_read (task, 160, 128, &lines, &count, NULL, &error) ==
      WALLOC_OK && count == 1, "a page of one line: %s", error.text);
  /* top 4, bottom 6, left 8, right 10: centre 44 + 1 */
  TAP_OK (count == 1 && near (lines[0].left, 36 - 8)
      && near (lines[0].right, 100 + 10) && near (lines[0].top, 45 - 5)
      && near (lines[0].bottom, 45 + 5) && lines[0].column == 0, "its box");
  TAP_OK (count == 1 && strcmp (lines[0].text, "b") == 0
      && lines[0].confidence > 0.5, "its text: \"%s\", %g", lines[0].text,
      lines[0].confidence);

  TAP_OK (walloc_task_set_precision (task, WALLOC_NET_F32, NULL) == WALLOC_OK
      && walloc_task_run_planes (task, planes, 1, 20, 16, 20, 1, 0, NULL,
          NULL) == WALLOC_OK && walloc_task_read (task, 160, 128, &lines,
          &count, NULL, &error) == WALLOC_OK && count == 1
      && strcmp (lines[0].text, "b") == 0, "in another precision: %s",
      error.text);

  walloc_task_run_planes (task, planes, 1, 20, 16, 20, 1, 1, NULL, NULL);
  TAP_OK (walloc_task_read (task, 200, 90, &lines, &count, NULL, &error) ==
      WALLOC_OK && count == 1 && near (lines[0].left, 56)
      && near (lines[0].right, 200) && near (lines[0].top, 80)
      && near (lines[0].bottom, 90),
      "of a picture coded at half its size, and within it");

  page[5 * 20 + 4] = -1;
  memset (page + 5 * 20, 0, 20 * sizeof *page);
  walloc_task_run_planes (task, planes, 1, 20, 16, 20, 1, 0, NULL, NULL);
  TAP_OK (walloc_task_read (task, 160, 128, &lines, &count, NULL, &error) ==
      WALLOC_OK && count == 0, "an empty page");
  TAP_OK (walloc_task_read (other, 160, 128, &lines, &count, NULL, &error) ==
      WALLOC_ERR_ARGUMENT && strstr (error.text, "reads text"),
      "a classifier does not read: %s", error.text);
  TAP_OK (walloc_task_read (NULL, 160, 128, &lines, &count, NULL, NULL) ==
      WALLOC_ERR_ARGUMENT
      && walloc_task_read (task, 160, 128, NULL, &count, NULL, NULL) ==
      WALLOC_ERR_ARGUMENT, "nor do no network and no place");
  walloc_task_free (task);
  walloc_task_free (other);
}

/* A page of many lines must not take longer than a network may, line by line. */
static void
test_work (void)
{
  static uint8_t bytes[1 << 16];
  FILE *file = fopen (TASK_FILE ("read-slow"), "rb");
  size_t size = fread (bytes, 1, sizeof bytes, file);
  /* the page network has 31000, a line 30000 */
  const walloc_net_limits limits = { 0, 0, 100000, 0 };
  walloc_task *task = NULL;
  const walloc_task_line *lines;
  walloc_error error = { "" };
  const float *planes[1];
  float page[16 * 20];
  unsigned count, x, y;

  fclose (file);
  memset (page, 0, sizeof page);
  planes[0] = page;
  walloc_task_load (&task, bytes, size, NULL, &limits, &error);
  for (y = 2; y <= 14; y += 4) {
    for (x = 4; x <= 12; x++)
      page[y * 20 + x] = 2;
    walloc_task_run_planes (task, planes, 1, 20, 16, 20, 1, 0, NULL, NULL);
    if (walloc_task_read (task, 160, 128, &lines, &count, NULL, &error) !=
        WALLOC_OK)
      break;
  }
  TAP_OK (y == 14 && count == 0 && strstr (error.text, "100000") != NULL,
      "three lines are read, four are too much: %s", error.text);
  walloc_task_free (task);
}

static void
test_memory (void)
{
  const walloc_allocator small = { NULL, NULL, NULL, 1024 };
  walloc_error error = { "" };
  task_line lines[8];
  walloc_mem mem;
  unsigned n = 4096;

  walloc_mem_init (&mem, &small);
  TAP_OK (walloc_task_find_lines (&mem, map, W, H, lines, &n, &error) ==
      WALLOC_ERR_MEMORY && n == 0 && mem.used == 0, "no memory: %s",
      error.text);
}

int
main (void)
{
  test_boxes ();
  test_joins ();
  test_order ();
  test_absurd ();
  test_everywhere ();
  test_ctc ();
  test_trim ();
  test_page ();
  test_work ();
  test_memory ();
  return tap_done ();
}
