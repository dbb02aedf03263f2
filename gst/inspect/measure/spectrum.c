/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two-dimensional transforms of real planes: rows two by two, as real and
 * imaginary parts of one, then the half of the columns that is not a mirror
 * image.
 *
 * Planes are filled up with zeros to a length that the transform does quickly;
 * that adds no power, so sums stay what they are, and frequencies only lie
 * closer. What is wanted of several planes and their differences takes as many
 * transforms as there are planes; relations.c says of what. */
#include "spectrum.h"

#include <math.h>
#include <string.h>

#include "relations.h"
#include "transform.h"
#include "transform/clones.h"

#define LANES INSPECT_LANES
/* Where lanes of a row are not all in one band. */
#define MIXED G_MAXUINT16

struct _InspectSpectrum
{
  guint width, height;          /* of planes */
  guint nx, ny;                 /* of transforms */
  guint half;                   /* nx / 2 + 1 columns */
  guint blocks;                 /* of LANES columns */
  guint bands, map;
  InspectTransform *fft_x, *fft_y;
  gfloat *window_x, *window_y;  /* NULL: none */
  /* half spectra [blocks][2][ny][LANES], real and imaginary; made when they
   * are needed first */
  gfloat *half_spectrum[INSPECT_MAX_WANTED];
  gfloat *line;                 /* [nx], a row and zeros */
  gfloat *sum;                  /* [2][ny][LANES] */
  gfloat *weight;               /* [blocks][LANES]: how often a column counts */
  guint16 *band_of;             /* [blocks][ny][LANES] */
  guint16 *all_of;              /* [blocks][ny]: of all lanes, or MIXED */
  guint16 *map_x, *map_y;       /* of +kx, and of ky */
};

static gfloat *
make_window (guint n)
{
  gfloat *w = g_try_new (gfloat, n);
  gdouble square = 0.0;
  guint i;

  if (w == NULL)
    return NULL;
  for (i = 0; i < n; i++) {
    w[i] = (gfloat) (0.5 - 0.5 * cos (2 * G_PI * (i + 0.5) / n));
    square += w[i] * w[i];
  }
  /* noise keeps its power */
  for (i = 0; i < n; i++)
    w[i] *= (gfloat) sqrt (n / square);
  return w;
}

/* Cycles per sample of index k of n, -1/2 to 1/2. */
static gdouble
frequency (guint k, guint n)
{
  return (k <= n / 2 ? (gdouble) k : (gdouble) k - n) / n;
}

static guint16
place (gdouble f, guint map)
{
  gint i = (gint) floor (f * map + map / 2 + 0.5);

  /* Nyquist's is at either end */
  return (guint16) ((i % (gint) map + (gint) map) % (gint) map);
}

static void
make_tables (InspectSpectrum * s)
{
  gdouble by = 1.0 / ((gdouble) s->width * s->height) / ((gdouble) s->nx
      * s->ny);
  guint x, y, l;

  for (x = 0; x < s->blocks * LANES; x++)
    s->weight[x] = (gfloat) (x >= s->half ? 0 :
        x == 0 || x == s->nx / 2 ? by : 2 * by);
  for (x = 0; x < s->blocks; x++)
    for (y = 0; y < s->ny; y++) {
      guint16 *of = s->band_of + ((gsize) x * s->ny + y) * LANES;
      gdouble fy = frequency (y, s->ny);

      for (l = 0; l < LANES; l++) {
        gdouble fx = frequency (MIN (x * LANES + l, s->half - 1), s->nx);
        gdouble r = 2 * sqrt (fx * fx + fy * fy);

        of[l] = (guint16) (r >= 1.0 ? s->bands : MIN (r * s->bands,
                s->bands - 1));
      }
      /* they grow from lane to lane */
      s->all_of[(gsize) x * s->ny + y] = of[0] == of[LANES - 1] ? of[0] : MIXED;
    }
  if (!s->map)
    return;
  for (x = 0; x < s->half; x++)
    s->map_x[x] = place (frequency (x, s->nx), s->map);
  for (y = 0; y < s->ny; y++)
    s->map_y[y] = place (frequency (y, s->ny), s->map);
}

InspectSpectrum *
inspect_spectrum_new (guint width, guint height, InspectWindow window,
    guint bands, guint map)
{
  InspectSpectrum *s;
  gsize lanes;

  g_return_val_if_fail (width > 0 && height > 0, NULL);
  g_return_val_if_fail (bands > 0 && bands <= INSPECT_MAX_BANDS, NULL);
  g_return_val_if_fail (map <= INSPECT_MAX_MAP, NULL);

  s = g_new0 (InspectSpectrum, 1);
  s->width = width;
  s->height = height;
  s->bands = bands;
  s->map = map;
  s->nx = inspect_transform_length (MAX (width, 2));
  s->ny = inspect_transform_length (height);
  s->half = s->nx / 2 + 1;
  s->blocks = (s->half + LANES - 1) / LANES;
  lanes = (gsize) s->blocks * LANES;
  s->fft_x = inspect_transform_new (s->nx);
  s->fft_y = inspect_transform_new (s->ny);
  s->line = g_try_new0 (gfloat, s->nx);
  s->sum = g_try_new (gfloat, (gsize) 2 * s->ny * LANES);
  s->weight = g_try_new (gfloat, lanes);
  s->band_of = g_try_new (guint16, lanes * s->ny);
  s->all_of = g_try_new (guint16, (gsize) s->blocks * s->ny);
  s->map_x = g_try_new0 (guint16, lanes);
  s->map_y = g_try_new0 (guint16, s->ny);
  if (!s->fft_x || !s->fft_y || !s->line || !s->sum
      || !s->weight || !s->band_of || !s->all_of || !s->map_x || !s->map_y)
    goto no_memory;
  if (window == INSPECT_WINDOW_HANN) {
    s->window_x = make_window (width);
    s->window_y = make_window (height);
    if (!s->window_x || !s->window_y)
      goto no_memory;
  }
  make_tables (s);
  return s;

no_memory:
  inspect_spectrum_free (s);
  return NULL;
}

void
inspect_spectrum_free (InspectSpectrum * s)
{
  guint i;

  if (s == NULL)
    return;
  inspect_transform_free (s->fft_x);
  inspect_transform_free (s->fft_y);
  g_free (s->window_x);
  g_free (s->window_y);
  for (i = 0; i < INSPECT_MAX_WANTED; i++)
    g_free (s->half_spectrum[i]);
  g_free (s->line);
  g_free (s->sum);
  g_free (s->weight);
  g_free (s->band_of);
  g_free (s->all_of);
  g_free (s->map_x);
  g_free (s->map_y);
  g_free (s);
}

static gboolean
make_planes (InspectSpectrum * s, guint count)
{
  gsize size = (gsize) 2 * s->ny * LANES;
  guint i;

  for (i = 0; i < count; i++) {
    if (!s->half_spectrum[i])
      s->half_spectrum[i] = g_try_new0 (gfloat, s->blocks * size);
    if (!s->half_spectrum[i])
      return FALSE;
  }
  return TRUE;
}

/* A row of what is wanted. */
WALLOC_INLINE void
fetch_row (const InspectSpectrum * s, const InspectWanted * w, guint y,
    gfloat * out)
{
  const gfloat *in = w->plane + (gsize) y * s->width;
  const gfloat *less = w->minus ? w->minus + (gsize) y * s->width : NULL;
  guint x;

  if (less)
    for (x = 0; x < s->width; x++)
      out[x] = in[x] - less[x];
  else
    for (x = 0; x < s->width; x++)
      out[x] = in[x];
  if (s->window_x)
    for (x = 0; x < s->width; x++)
      out[x] *= s->window_x[x] * s->window_y[y];
}

/* Of what goes into the transform. */
WALLOC_CLONES static gdouble
mean_square (InspectSpectrum * s, const InspectWanted * w)
{
  gdouble sum[LANES] = { 0.0 }, all = 0.0;
  gfloat *row = s->line;
  guint x, y, l;

  for (y = 0; y < s->height; y++) {
    fetch_row (s, w, y, row);
    for (x = 0; x + LANES <= s->width; x += LANES)
      for (l = 0; l < LANES; l++)
        sum[l] += (gdouble) row[x + l] * row[x + l];
    for (; x < s->width; x++)
      all += (gdouble) row[x] * row[x];
  }
  for (l = 0; l < LANES; l++)
    all += sum[l];
  return all / ((gdouble) s->width * s->height);
}

/* The half spectrum of row y, to its place in half spectra. */
static void
store_row (const InspectSpectrum * s, const gfloat * half, guint y, gfloat * to)
{
  gsize plane = (gsize) s->ny * LANES;
  guint k;

  for (k = 0; k < s->half; k++) {
    gfloat *re = to + (gsize) (k / LANES) * 2 * plane + (gsize) y * LANES
        + k % LANES;

    re[0] = half[2 * k];
    re[plane] = half[2 * k + 1];
  }
}

/* What rows do not fill of the line is 0 from its beginning. */
WALLOC_CLONES static void
transform_rows (InspectSpectrum * s, const InspectWanted * w, gfloat * to)
{
  gsize plane = (gsize) s->ny * LANES;
  guint y, x;

  for (y = 0; y < s->height; y++) {
    fetch_row (s, w, y, s->line);
    store_row (s, inspect_transform_real (s->fft_x, s->line), y, to);
  }
  if (s->ny > s->height)
    for (x = 0; x < 2 * s->blocks; x++)
      memset (to + x * plane + (gsize) s->height * LANES, 0,
          (s->ny - s->height) * LANES * sizeof (gfloat));
}

/* Power of a sum of columns: [ny][LANES]. */
WALLOC_CLONES static const gfloat *
sum_power (InspectSpectrum * s, gfloat * const *column, const gint8 * factor,
    guint count, const gfloat * weight)
{
  gsize n = (gsize) s->ny * LANES, i;
  const gfloat *re = s->sum, *im = s->sum + n;
  gfloat *sum = s->sum;
  guint t, used = 0, last = 0, y, l;

  for (t = 0; t < count; t++)
    if (factor[t]) {
      used++;
      last = t;
    }
  if (used == 1) {
    re = column[last];
    im = column[last] + n;
  } else {
    memset (sum, 0, 2 * n * sizeof (gfloat));
    for (t = 0; t < count; t++) {
      const gfloat *c = column[t];
      gfloat f = factor[t];

      if (f != 0)
        for (i = 0; i < 2 * n; i++)
          sum[i] += f * c[i];
    }
  }
  for (y = 0; y < s->ny; y++, re += LANES, im += LANES, sum += LANES)
    for (l = 0; l < LANES; l++)
      sum[l] = weight[l] * (re[l] * re[l] + im[l] * im[l]);
  return s->sum;
}

/* Rows whose lanes are all in one band are added up as vectors. */
WALLOC_CLONES static void
add_bands (const InspectSpectrum * s, const gfloat * power, guint block,
    gdouble * band)
{
  const guint16 *of = s->band_of + (gsize) block * s->ny * LANES;
  const guint16 *all = s->all_of + (gsize) block * s->ny;
  gdouble sum[LANES] = { 0.0 };
  guint now = all[0], y, l;

  for (y = 0; y <= s->ny; y++, power += LANES, of += LANES) {
    if (y == s->ny || all[y] != now) {
      if (now != MIXED)
        for (l = 0; l < LANES; l++) {
          band[now] += sum[l];
          sum[l] = 0.0;
        }
      if (y == s->ny)
        break;
      now = all[y];
    }
    if (now != MIXED)
      for (l = 0; l < LANES; l++)
        sum[l] += power[l];
    else
      for (l = 0; l < LANES; l++)
        band[of[l]] += power[l];
  }
}

WALLOC_CLONES static void
add_map (const InspectSpectrum * s, const gfloat * power, guint block,
    gdouble * map)
{
  guint y, l, my, mx, n = s->map;
  gdouble sum[LANES] = { 0.0 };

  for (y = 0; y < s->ny; y++, power += LANES) {
    for (l = 0; l < LANES; l++)
      sum[l] += power[l];
    my = s->map_y[y];
    if (y + 1 < s->ny && s->map_y[y + 1] == my)
      continue;
    for (l = 0; l < LANES; l++) {
      guint x = block * LANES + l;

      mx = s->map_x[x];
      if (x > 0 && x < s->nx / 2) {
        /* the other half of the plane is its mirror image */
        map[(gsize) my * n + mx] += 0.5 * sum[l];
        map[(gsize) ((n - my) % n) * n + (n - mx) % n] += 0.5 * sum[l];
      } else if (x < s->half) {
        map[(gsize) my * n + mx] += sum[l];
      }
      sum[l] = 0.0;
    }
  }
}

gboolean
inspect_spectrum_add (InspectSpectrum * s, const InspectWanted * wanted,
    guint count)
{
  gdouble power[INSPECT_MAX_WANTED] = { 0.0 };
  gfloat *column[INSPECT_MAX_WANTED];
  InspectRelations r;
  guint i, t, block;

  g_return_val_if_fail (count <= INSPECT_MAX_WANTED, FALSE);

  for (i = 0; i < count; i++)
    power[i] = mean_square (s, &wanted[i]);
  inspect_relations_find (&r, wanted, power, count);
  if (!make_planes (s, r.transforms))
    return FALSE;
  for (i = 0; i < count; i++)
    wanted[i].power->power += power[i];
  for (t = 0; t < r.transforms; t++)
    transform_rows (s, &wanted[r.of[t]], s->half_spectrum[t]);
  for (block = 0; r.transforms && block < s->blocks; block++) {
    for (t = 0; t < r.transforms; t++) {
      column[t] = s->half_spectrum[t] + (gsize) block *2 * s->ny * LANES;
      inspect_transform_run (s->fft_y, column[t]);
    }
    for (i = 0; i < count; i++) {
      InspectPower *p = wanted[i].power;
      const gfloat *sum;

      if (power[i] <= 0)
        continue;
      sum = sum_power (s, column, r.factor[i], r.transforms,
          s->weight + block * LANES);
      add_bands (s, sum, block, p->band);
      if (p->map && s->map)
        add_map (s, sum, block, p->map);
    }
  }
  return TRUE;
}

void
inspect_power_init (InspectPower * p, guint bands, guint map)
{
  p->band = g_new0 (gdouble, bands + 1);
  p->map = map ? g_new0 (gdouble, (gsize) map * map) : NULL;
  p->power = 0.0;
}

void
inspect_power_zero (InspectPower * p, guint bands, guint map)
{
  memset (p->band, 0, (bands + 1) * sizeof (gdouble));
  if (p->map)
    memset (p->map, 0, (gsize) map * map * sizeof (gdouble));
  p->power = 0.0;
}

void
inspect_power_clear (InspectPower * p)
{
  g_clear_pointer (&p->band, g_free);
  g_clear_pointer (&p->map, g_free);
}

void
inspect_power_add (InspectPower * to, const InspectPower * from, gdouble by,
    guint bands, guint map)
{
  gsize i;

  for (i = 0; i <= bands; i++)
    to->band[i] += by * from->band[i];
  for (i = 0; to->map && from->map && i < (gsize) map * map; i++)
    to->map[i] += by * from->map[i];
  to->power += by * from->power;
}

void
inspect_power_scale (InspectPower * p, gdouble by, guint bands, guint map)
{
  gsize i;

  for (i = 0; i <= bands; i++)
    p->band[i] *= by;
  for (i = 0; p->map && i < (gsize) map * map; i++)
    p->map[i] *= by;
  p->power *= by;
}
