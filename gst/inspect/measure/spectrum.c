/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two-dimensional transforms of real planes by gstreamer-fft: rows to half
 * spectra, then columns, whose real and imaginary parts are real again.
 *
 * Planes are filled up with zeros to a length that the transform does quickly;
 * that adds no power, so sums stay what they are, and frequencies only lie
 * closer. */
#include "spectrum.h"

#include <math.h>
#include <string.h>

#include <gst/fft/gstfftf32.h>

/* Columns that are gathered at once, so that memory is read in lines. */
#define GATHER 16

typedef GstFFTF32Complex Complex;

struct _InspectSpectrum
{
  guint width, height;          /* of planes */
  guint nx, ny;                 /* of transforms */
  guint half;                   /* nx / 2 + 1 columns */
  guint bands, map;
  GstFFTF32 *fft_x, *fft_y;
  gfloat *window_x, *window_y;  /* NULL: none */
  Complex *plane;               /* [height][half] */
  gfloat *line;                 /* nx */
  gfloat *column;               /* [2][GATHER][ny] */
  Complex *result;              /* [2][ny / 2 + 1] */
  guint16 *band_of;             /* [half][ny] */
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
  guint x, y;

  for (x = 0; x < s->half; x++)
    for (y = 0; y < s->ny; y++) {
      gdouble fx = frequency (x, s->nx), fy = frequency (y, s->ny);
      gdouble r = 2 * sqrt (fx * fx + fy * fy);

      s->band_of[(gsize) x * s->ny + y] =
          (guint16) (r >= 1.0 ? s->bands : MIN (r * s->bands, s->bands - 1));
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

  g_return_val_if_fail (width > 0 && height > 0, NULL);
  g_return_val_if_fail (bands > 0 && bands <= INSPECT_MAX_BANDS, NULL);
  g_return_val_if_fail (map <= INSPECT_MAX_MAP, NULL);

  s = g_new0 (InspectSpectrum, 1);
  s->width = width;
  s->height = height;
  s->bands = bands;
  s->map = map;
  /* real transforms have even lengths */
  s->nx = (guint) gst_fft_next_fast_length ((gint) MAX (width, 2));
  /* a line has no second axis */
  s->ny = height == 1 ? 1 : (guint) gst_fft_next_fast_length ((gint) height);
  s->half = s->nx / 2 + 1;
  s->fft_x = gst_fft_f32_new ((gint) s->nx, FALSE);
  if (s->ny > 1)
    s->fft_y = gst_fft_f32_new ((gint) s->ny, FALSE);
  s->line = g_try_new0 (gfloat, s->nx);
  s->column = g_try_new (gfloat, (gsize) 2 * GATHER * s->ny);
  s->result = g_try_new (Complex, (gsize) 2 * (s->ny / 2 + 1));
  s->band_of = g_try_new (guint16, (gsize) s->half * s->ny);
  s->map_x = g_try_new0 (guint16, s->half);
  s->map_y = g_try_new0 (guint16, s->ny);
  s->plane = g_try_new (Complex, (gsize) s->half * s->height);
  if (!s->line || !s->column || !s->result || !s->band_of || !s->map_x
      || !s->map_y || !s->plane)
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
  if (s == NULL)
    return;
  g_clear_pointer (&s->fft_x, gst_fft_f32_free);
  g_clear_pointer (&s->fft_y, gst_fft_f32_free);
  g_free (s->window_x);
  g_free (s->window_y);
  g_free (s->plane);
  g_free (s->line);
  g_free (s->column);
  g_free (s->result);
  g_free (s->band_of);
  g_free (s->map_x);
  g_free (s->map_y);
  g_free (s);
}

guint
inspect_spectrum_bands (const InspectSpectrum * s)
{
  return s->bands;
}

/* Rows of a plane, or of the difference of two, to half spectra; returns the
 * mean square of what went in. */
static gdouble
transform_rows (InspectSpectrum * s, const gfloat * a, const gfloat * minus)
{
  gdouble power = 0.0;
  guint x, y;

  for (y = 0; y < s->height; y++) {
    const gfloat *in = a + (gsize) y * s->width;
    const gfloat *less = minus ? minus + (gsize) y * s->width : NULL;
    gdouble row = 0.0;

    for (x = 0; x < s->width; x++) {
      gfloat v = less ? in[x] - less[x] : in[x];

      if (s->window_x)
        v *= s->window_x[x] * s->window_y[y];
      row += (gdouble) v *v;
      s->line[x] = v;
    }
    power += row;
    memset (s->line + s->width, 0, (s->nx - s->width) * sizeof (gfloat));
    gst_fft_f32_fft (s->fft_x, s->line, s->plane + (gsize) y * s->half);
  }
  return power / ((gdouble) s->width * s->height);
}

/* Values k and n - k of the spectrum of complex values, from half spectra of
 * their real and imaginary parts. */
static inline void
whole (const Complex * re, const Complex * im, guint k, Complex * low,
    Complex * high)
{
  low->r = re[k].r - im[k].i;
  low->i = re[k].i + im[k].r;
  high->r = re[k].r + im[k].i;
  high->i = im[k].r - re[k].i;
}

static void
gather (InspectSpectrum * s, guint x0, guint count)
{
  guint x, y;

  for (y = 0; y < s->height; y++) {
    const Complex *in = s->plane + (gsize) y * s->half + x0;

    for (x = 0; x < count; x++) {
      s->column[(gsize) x * s->ny + y] = in[x].r;
      s->column[(gsize) (GATHER + x) * s->ny + y] = in[x].i;
    }
  }
  for (x = 0; x < count; x++) {
    memset (s->column + (gsize) x * s->ny + s->height, 0,
        (s->ny - s->height) * sizeof (gfloat));
    memset (s->column + (gsize) (GATHER + x) * s->ny + s->height, 0,
        (s->ny - s->height) * sizeof (gfloat));
  }
}

static inline void
count_power (InspectSpectrum * s, InspectPower * p, guint x, guint y,
    gdouble power)
{
  p->band[s->band_of[(gsize) x * s->ny + y]] += power;
  if (p->map) {
    guint my = s->map_y[y], mx = s->map_x[x];

    if (x > 0 && x < s->nx / 2) {
      /* the other half of the plane is its mirror image */
      p->map[(gsize) my * s->map + mx] += 0.5 * power;
      p->map[(gsize) ((s->map - my) % s->map) * s->map
          + (s->map - mx) % s->map] += 0.5 * power;
    } else {
      p->map[(gsize) my * s->map + mx] += power;
    }
  }
}

static void
transform_columns (InspectSpectrum * s, InspectPower * p)
{
  gdouble by = 1.0 / ((gdouble) s->width * s->height) / ((gdouble) s->nx
      * s->ny);
  guint x0, x, k, middle = s->ny / 2;
  Complex *re = s->result, *im = s->result + middle + 1, low, high;

  for (x0 = 0; x0 < s->half; x0 += GATHER) {
    guint count = MIN (GATHER, s->half - x0);

    gather (s, x0, count);
    for (x = 0; x < count; x++) {
      guint at = x0 + x;
      gdouble weight = at == 0 || at == s->nx / 2 ? by : 2 * by;

      gst_fft_f32_fft (s->fft_y, s->column + (gsize) x * s->ny, re);
      gst_fft_f32_fft (s->fft_y, s->column + (gsize) (GATHER + x) * s->ny, im);
      for (k = 0; k <= middle; k++) {
        whole (re, im, k, &low, &high);
        count_power (s, p, at, k, weight * ((gdouble) low.r * low.r
                + (gdouble) low.i * low.i));
        if (k > 0 && k < middle)
          count_power (s, p, at, s->ny - k, weight * ((gdouble) high.r
                  * high.r + (gdouble) high.i * high.i));
      }
    }
  }
}

static void
add_line (InspectSpectrum * s, InspectPower * p)
{
  gdouble by = 1.0 / ((gdouble) s->width * s->nx);
  guint x;

  for (x = 0; x < s->half; x++)
    count_power (s, p, x, 0, (x == 0 || x == s->nx / 2 ? by : 2 * by)
        * ((gdouble) s->plane[x].r * s->plane[x].r + (gdouble) s->plane[x].i
            * s->plane[x].i));
}

static void
add_one (InspectSpectrum * s, const gfloat * a, const gfloat * minus,
    InspectPower * p)
{
  p->power += transform_rows (s, a, minus);
  if (s->ny > 1)
    transform_columns (s, p);
  else
    add_line (s, p);
}

void
inspect_spectrum_pair (InspectSpectrum * s, const gfloat * a,
    const gfloat * b, InspectPower * of_a, InspectPower * of_b,
    InspectPower * of_error)
{
  if (of_a)
    add_one (s, a, NULL, of_a);
  if (of_b)
    add_one (s, b, NULL, of_b);
  if (of_error)
    add_one (s, b, a, of_error);
}

void
inspect_power_init (InspectPower * p, guint bands, guint map)
{
  p->band = g_new0 (gdouble, bands + 1);
  p->map = map ? g_new0 (gdouble, (gsize) map * map) : NULL;
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
