/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Elastic transform: every pixel is taken from a little way off, by two smooth
 * random fields. hendrycks: also a random affine map first, and absolute
 * lengths; imagecorruptions: fields in proportion to the picture. */
#include "corruption-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A field smoother than this is drawn on a grid of quarters of its sigma, by
 * which its law changes by less than a per cent, and not its looks. */
#define COARSE_SIGMA 8.0

typedef struct
{
  unsigned columns, rows, cell; /* of the fields */
  corruption_gaussian *filter;
  float *field[2];              /* x, y; [rows][columns] */
  float amount;                 /* of a field's noise, pixels */
  float normal[4096];           /* for coarse fields */
  uint32_t *words;              /* [slots][columns] */
  size_t pitch;
  uint8_t *warped[3];           /* hendrycks: after the affine map */
  double affine[6];
  const uint8_t *from[3];
} elastic;

static const struct
{
  double alpha, sigma, jitter;
} absolute[5] = {
  {488, 170.8, 24.4}, {488, 19.52, 48.8}, {12.2, 2.44, 4.88},
  {17.08, 2.44, 4.88}, {29.28, 2.44, 4.88}
};

static int
prepare_elastic (corruption * c)
{
  static const double alpha[5] = { 12.5, 16.25, 21.25, 25, 30 };
  elastic *e = c->own = corruption_alloc (1, 1, sizeof (*e));
  double sigma_x = .01 * c->width, sigma_y = .01 * c->height, least, amount;
  unsigned i;

  if (e == NULL)
    return 0;
  amount = alpha[c->severity] * .005 * c->height;
  if (c->variant == CORRUPTION_HENDRYCKS) {
    sigma_x = sigma_y = absolute[c->severity].sigma;
    amount = absolute[c->severity].alpha;
    for (i = 0; i < c->planes; i++)
      if (!(e->warped[i] = corruption_alloc (c->width, c->height, 1)))
        return 0;
  }
  least = sigma_x < sigma_y ? sigma_x : sigma_y;
  e->cell = least >= COARSE_SIGMA ? (unsigned) (least / 4) : 1;
  e->columns = (c->width + e->cell - 1) / e->cell;
  e->rows = (c->height + e->cell - 1) / e->cell;
  /* the mean of a cell's numbers of [-1, 1] */
  e->amount = (float) (e->cell > 1 ? amount / sqrt (3) / e->cell : amount);
  corruption_normal_table (0, 1, e->normal, 4096);
  sigma_x /= e->cell;
  sigma_y /= e->cell;
  e->filter = corruption_gaussian_new (c, e->columns, e->rows, sigma_x,
      sigma_y, (unsigned) (3 * sigma_x + .5), (unsigned) (3 * sigma_y + .5), 1);
  e->field[0] = corruption_alloc (e->columns, e->rows, sizeof (float));
  e->field[1] = corruption_alloc (e->columns, e->rows, sizeof (float));
  e->pitch = (e->columns + 3) / 4 * 4;
  e->words = corruption_alloc (corruption_slots (c), e->pitch,
      sizeof (uint32_t));
  return e->filter && e->field[0] && e->field[1] && e->words;
}

static void
clear_elastic (corruption * c)
{
  elastic *e = c->own;
  unsigned i;

  corruption_gaussian_free (e->filter);
  free (e->field[0]);
  free (e->field[1]);
  free (e->words);
  for (i = 0; i < 3; i++)
    free (e->warped[i]);
}

static void
field_rows (corruption * c, void *data, unsigned y0, unsigned y1, unsigned slot)
{
  elastic *e = c->own;
  uint32_t *words = e->words + slot * e->pitch;
  unsigned f, x, y;

  for (f = 0; f < 2; f++)
    for (y = y0; y < y1; y++) {
      float *to = e->field[f] + (size_t) y * e->columns;

      corruption_random (c, 1 + f, (uint64_t) y * e->pitch, words, e->pitch);
      for (x = 0; x < e->columns; x++)
        to[x] = e->amount * (e->cell > 1 ? e->normal[words[x] >> 20] :
            (float) (int32_t) words[x] * (1.0f / 2147483648.0f));
    }
}

/* A field's value at a pixel: between the middles of cells. */
static inline float
field_at (const elastic * e, const float *field, unsigned x, unsigned y)
{
  float fx, fy, a, b;
  int x0, y0, x1, y1;

  if (e->cell == 1)
    return field[(size_t) y * e->columns + x];
  fx = (x + 0.5f) / e->cell - 0.5f;
  fy = (y + 0.5f) / e->cell - 0.5f;
  x0 = (int) floorf (fx);
  y0 = (int) floorf (fy);
  fx -= x0;
  fy -= y0;
  x1 = corruption_clamp (x0 + 1, (int) e->columns);
  y1 = corruption_clamp (y0 + 1, (int) e->rows);
  x0 = corruption_clamp (x0, (int) e->columns);
  y0 = corruption_clamp (y0, (int) e->rows);
  a = field[(size_t) y0 * e->columns + x0] * (1 - fx)
      + field[(size_t) y0 * e->columns + x1] * fx;
  b = field[(size_t) y1 * e->columns + x0] * (1 - fx)
      + field[(size_t) y1 * e->columns + x1] * fx;
  return a * (1 - fy) + b * fy;
}

static void
sample (const corruption * c, const uint8_t * const *from,
    uint8_t * const *out, size_t to, float x, float y, int twice)
{
  float right, down;
  int w = (int) c->width, h = (int) c->height, x0, y0, x1, y1;
  unsigned p;

  /* far beyond any picture: hostile sizes cannot overflow */
  x = x < -65536.0f ? -65536.0f : x > 65536.0f ? 65536.0f : x;
  y = y < -65536.0f ? -65536.0f : y > 65536.0f ? 65536.0f : y;
  x0 = (int) floorf (x);
  y0 = (int) floorf (y);
  right = x - x0;
  down = y - y0;
  x1 = twice ? corruption_mirror (x0 + 1, w) : corruption_reflect (x0 + 1, w);
  y1 = twice ? corruption_mirror (y0 + 1, h) : corruption_reflect (y0 + 1, h);
  x0 = twice ? corruption_mirror (x0, w) : corruption_reflect (x0, w);
  y0 = twice ? corruption_mirror (y0, h) : corruption_reflect (y0, h);
  for (p = 0; p < c->planes; p++) {
    const uint8_t *a = from[p] + (size_t) y0 * c->width;
    const uint8_t *b = from[p] + (size_t) y1 * c->width;
    float up = a[x0] + right * (a[x1] - a[x0]);
    float low = b[x0] + right * (b[x1] - b[x0]);

    out[p][to] = corruption_byte (up + down * (low - up) + 1e-3f);
  }
}

static void
affine_rows (corruption * c, void *data, unsigned y0, unsigned y1,
    unsigned slot)
{
  elastic *e = c->own;
  const double *m = e->affine;
  unsigned x, y;

  for (y = y0; y < y1; y++)
    for (x = 0; x < c->width; x++)
      sample (c, c->in, e->warped, (size_t) y * c->width + x,
          (float) (m[0] * x + m[1] * y + m[2]),
          (float) (m[3] * x + m[4] * y + m[5]), 0);
}

static void
displace_rows (corruption * c, void *data, unsigned y0, unsigned y1,
    unsigned slot)
{
  elastic *e = c->own;
  unsigned x, y;

  for (y = y0; y < y1; y++)
    for (x = 0; x < c->width; x++)
      sample (c, e->from, c->out, y * c->stride + x,
          x + field_at (e, e->field[0], x, y),
          y + field_at (e, e->field[1], x, y), 1);
}

/* Where a pixel of the result comes from, for three corners of a square around
 * the middle that each move by up to jitter: solved for the way back. */
static void
draw_affine (corruption * c, elastic * e)
{
  double jitter = absolute[c->severity].jitter;
  double side = (c->width < c->height ? c->width : c->height) / 3;
  double cx = c->width / 2, cy = c->height / 2;
  double from[3][2] = { {cx + side, cy + side}, {cx + side, cy - side},
  {cx - side, cy - side}
  };
  double to[3][2], det;
  unsigned i, k;

  for (i = 0; i < 3; i++)
    for (k = 0; k < 2; k++)
      to[i][k] = from[i][k] + (corruption_uniform (c, 0, 2 * i + k) * 2 - 1)
          * jitter;
  det = (to[1][0] - to[0][0]) * (to[2][1] - to[0][1])
      - (to[2][0] - to[0][0]) * (to[1][1] - to[0][1]);
  if (fabs (det) < 1.0) {
    /* a picture of a few pixels: the corners may fall on a line */
    static const double same[6] = { 1, 0, 0, 0, 1, 0 };

    memcpy (e->affine, same, sizeof (same));
    return;
  }
  for (k = 0; k < 2; k++) {
    double d1 = from[1][k] - from[0][k], d2 = from[2][k] - from[0][k];
    double *m = e->affine + 3 * k;

    m[0] = (d1 * (to[2][1] - to[0][1]) - d2 * (to[1][1] - to[0][1])) / det;
    m[1] = (d2 * (to[1][0] - to[0][0]) - d1 * (to[2][0] - to[0][0])) / det;
    m[2] = from[0][k] - m[0] * to[0][0] - m[1] * to[0][1];
  }
}

static int
apply_elastic (corruption * c, char *error)
{
  elastic *e = c->own;
  unsigned p;

  for (p = 0; p < c->planes; p++)
    e->from[p] = c->in[p];
  if (c->variant == CORRUPTION_HENDRYCKS) {
    draw_affine (c, e);
    corruption_rows (c, c->height, affine_rows, NULL);
    for (p = 0; p < c->planes; p++)
      e->from[p] = e->warped[p];
  }
  corruption_rows (c, e->rows, field_rows, NULL);
  corruption_gaussian_floats (c, e->filter, e->field[0]);
  corruption_gaussian_floats (c, e->filter, e->field[1]);
  corruption_rows (c, c->height, displace_rows, NULL);
  return 1;
}

const corruption_class corruption_elastic = {
  prepare_elastic, apply_elastic, clear_elastic
};
