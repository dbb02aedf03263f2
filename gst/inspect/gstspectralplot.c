/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Curves are densities: power of a ring over the part of the plane that it
 * covers, so that white noise is level. Both parts share the colours and the
 * unit, dB over one sample squared. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstspectralplot.h"

#ifdef HAVE_PANGOCAIRO

#include <math.h>
#include <string.h>

#include <cairo.h>

/* dB that the scale spans at most, and its least end */
#define SPAN 60.0
#define LEAST -40.0

typedef struct
{
  gdouble x, y, width, height;
} Box;

typedef struct
{
  cairo_t *cr;
  gdouble font;
  gdouble low, high;            /* dB */
} Plot;

/* Dashes tell curves apart as well as colours do. */
typedef struct
{
  gdouble r, g, b;
  guint dashes;
  gdouble dash[4];              /* in line widths */
} Style;

typedef struct
{
  const InspectPower *power;
  const Style *style;
} Curve;

static const Style streams[2] = {
  {.75, .75, .75}, {.35, .65, 1}
};

static const Style errors[GST_SPECTRAL_ERRORS] = {
  {1, .45, .35}, {.95, .75, .2, 2, {6, 2}}, {.5, .85, .4, 2, {2, 2}},
  {.8, .5, 1, 4, {6, 2, 1, 2}}
};

static gdouble
db (gdouble v)
{
  return v > 0 ? 10 * log10 (v) : -G_MAXDOUBLE;
}

/* Part of the plane of frequencies that a ring covers; the last one is what
 * is beyond the circle. Of sound, bands are equal. */
static gdouble
area (guint band, guint bands, gboolean line)
{
  gdouble quarter = G_PI / 4;

  if (line)
    return 1.0 / bands;

  if (band == bands)
    return 1 - quarter;
  return quarter * (2.0 * band + 1) / ((gdouble) bands * bands);
}

static gdouble
density (const InspectPower * p, guint band, const GstSpectralResult * r)
{
  return db (p->band[band] / r->measured / area (band, r->bands, r->sound));
}

/* Dark blue over green to yellow: lightness grows all the way. */
static void
colour (gdouble t, gdouble * r, gdouble * g, gdouble * b)
{
  static const gdouble stops[6][3] = {
    {.07, .04, .16}, {.23, .19, .49}, {.15, .42, .55}, {.15, .62, .51},
    {.55, .80, .28}, {.99, .92, .40}
  };
  guint i, k;
  gdouble part, out[3];

  t = CLAMP (t, 0, 1) * 5;
  i = MIN ((guint) t, 4);
  part = t - i;
  for (k = 0; k < 3; k++)
    out[k] = stops[i][k] + part * (stops[i + 1][k] - stops[i][k]);
  *r = out[0];
  *g = out[1];
  *b = out[2];
}

static void
write_text (Plot * p, gdouble x, gdouble y, gdouble anchor, const gchar * text)
{
  cairo_text_extents_t e;

  cairo_text_extents (p->cr, text, &e);
  cairo_move_to (p->cr, x - anchor * e.x_advance, y);
  cairo_show_text (p->cr, text);
}

static void
frame (Plot * p, const Box * box)
{
  cairo_set_source_rgb (p->cr, .6, .6, .6);
  cairo_set_line_width (p->cr, 1);
  cairo_rectangle (p->cr, floor (box->x) + .5, floor (box->y) + .5,
      floor (box->width), floor (box->height));
  cairo_stroke (p->cr);
}

static gdouble
height_of (const Plot * p, const Box * box, gdouble value)
{
  gdouble t = (value - p->low) / (p->high - p->low);

  return box->y + box->height * (1 - CLAMP (t, 0, 1));
}

static void
set_style (Plot * p, const Style * style)
{
  gdouble width = MAX (1.5, p->font / 8), dash[4];
  guint i;

  for (i = 0; i < style->dashes; i++)
    dash[i] = style->dash[i] * width;
  cairo_set_source_rgb (p->cr, style->r, style->g, style->b);
  cairo_set_line_width (p->cr, width);
  cairo_set_dash (p->cr, dash, (gint) style->dashes, 0);
}

/* A name behind a piece of its curve; returns where the next may begin. */
static gdouble
write_key (Plot * p, gdouble x, gdouble y, const Style * style,
    const gchar * text)
{
  cairo_text_extents_t e;

  set_style (p, style);
  cairo_move_to (p->cr, x, y - p->font * .35);
  cairo_rel_line_to (p->cr, p->font * 2.5, 0);
  cairo_stroke (p->cr);
  cairo_set_dash (p->cr, NULL, 0, 0);
  x += p->font * 3;
  cairo_text_extents (p->cr, text, &e);
  write_text (p, x, y, 0, text);
  return x + e.x_advance + p->font * 1.5;
}

static void
draw_levels (Plot * p, const Box * box, gboolean lines)
{
  gdouble step = p->high - p->low > 80 ? 20 : p->high - p->low > 40 ? 10 : 5;
  gdouble v;
  gchar text[32];

  for (v = ceil (p->low / step) * step; v <= p->high; v += step) {
    gdouble y = floor (height_of (p, box, v)) + .5;

    if (lines) {
      cairo_set_source_rgb (p->cr, .25, .25, .25);
      cairo_move_to (p->cr, box->x, y);
      cairo_line_to (p->cr, box->x + box->width, y);
      cairo_stroke (p->cr);
    }
    cairo_set_source_rgb (p->cr, .8, .8, .8);
    g_snprintf (text, sizeof (text), "%.0f", v);
    write_text (p, lines ? box->x - 4 : box->x + box->width + 4,
        y + p->font * .35, lines ? 1 : 0, text);
  }
}

static void
draw_curves (Plot * p, const Box * box, const GstSpectralResult * r,
    const Curve * curves, guint count)
{
  guint i, k;
  gchar text[64];

  cairo_set_line_width (p->cr, 1);
  draw_levels (p, box, TRUE);
  for (i = 0; i <= 4; i++) {
    gdouble x = floor (box->x + box->width * i / 4) + .5;

    cairo_set_source_rgb (p->cr, .25, .25, .25);
    cairo_move_to (p->cr, x, box->y);
    cairo_line_to (p->cr, x, box->y + box->height);
    cairo_stroke (p->cr);
    cairo_set_source_rgb (p->cr, .8, .8, .8);
    g_snprintf (text, sizeof (text), "%g", r->sound ? r->rate * i / 8000.0 :
        i / 4.0);
    write_text (p, x, box->y + box->height + p->font * 1.2, .5, text);
  }
  write_text (p, box->x + box->width / 2, box->y + box->height
      + p->font * 2.5, .5, r->sound ? "frequency, kHz" :
      "frequency (1: Nyquist's)");
  frame (p, box);
  cairo_save (p->cr);
  cairo_rectangle (p->cr, box->x, box->y, box->width, box->height);
  cairo_clip (p->cr);
  for (k = 0; k < count; k++) {
    set_style (p, curves[k].style);
    for (i = 0; i < r->bands; i++)
      cairo_line_to (p->cr, box->x + box->width * (i + .5) / r->bands,
          height_of (p, box, density (curves[k].power, i, r)));
    cairo_stroke (p->cr);
  }
  cairo_restore (p->cr);
}

static void
draw_map (Plot * p, const Box * box, const GstSpectralResult * r)
{
  const InspectPower *power = &r->error[GST_SPECTRAL_ERROR].power;
  guint map = r->map, x, y;
  gint stride = cairo_format_stride_for_width (CAIRO_FORMAT_RGB24, (gint) map);
  guint8 *data = g_malloc ((gsize) stride * map);
  cairo_surface_t *image = cairo_image_surface_create_for_data (data,
      CAIRO_FORMAT_RGB24, (gint) map, (gint) map, stride);
  cairo_pattern_t *pattern;

  for (y = 0; y < map; y++)
    for (x = 0; x < map; x++) {
      gdouble red, green, blue;
      /* frequencies grow upwards */
      gdouble v = db (power->map[(gsize) (map - 1 - y) * map + x]
          / r->measured * map * map);

      colour ((v - p->low) / (p->high - p->low), &red, &green, &blue);
      ((guint32 *) (data + (gsize) y * stride))[x] =
          (guint32) (red * 255 + .5) << 16 | (guint32) (green * 255 + .5) << 8
          | (guint32) (blue * 255 + .5);
    }
  cairo_surface_mark_dirty (image);
  pattern = cairo_pattern_create_for_surface (image);
  cairo_pattern_set_filter (pattern, CAIRO_FILTER_NEAREST);
  cairo_save (p->cr);
  cairo_translate (p->cr, box->x, box->y);
  cairo_scale (p->cr, box->width / map, box->height / map);
  cairo_set_source (p->cr, pattern);
  cairo_paint (p->cr);
  cairo_restore (p->cr);
  cairo_pattern_destroy (pattern);
  cairo_surface_destroy (image);
  g_free (data);
  frame (p, box);
}

static void
draw_scale (Plot * p, const Box * box)
{
  cairo_pattern_t *pattern = cairo_pattern_create_linear (0,
      box->y + box->height, 0, box->y);
  gdouble r, g, b;
  guint i;

  for (i = 0; i <= 20; i++) {
    colour (i / 20.0, &r, &g, &b);
    cairo_pattern_add_color_stop_rgb (pattern, i / 20.0, r, g, b);
  }
  cairo_rectangle (p->cr, box->x, box->y, box->width, box->height);
  cairo_set_source (p->cr, pattern);
  cairo_fill (p->cr);
  cairo_pattern_destroy (pattern);
  frame (p, box);
  draw_levels (p, box, FALSE);
}

static void
find_scale (Plot * p, const GstSpectralResult * r, const Curve * curves,
    guint count)
{
  /* full scale of sound is 1, and silence far below */
  gdouble least = r->sound ? 4 * LEAST : LEAST;
  gdouble low = G_MAXDOUBLE, high = -G_MAXDOUBLE;
  guint i, k;

  for (k = 0; k < count; k++)
    for (i = 1; i < r->bands; i++) {
      gdouble v = density (curves[k].power, i, r);

      high = MAX (high, v);
      if (v > least)
        low = MIN (low, v);
    }
  high = MAX (ceil (high / 5) * 5, least + 10);
  low = MIN (floor (low / 5) * 5, high - 10);
  p->high = high;
  p->low = MAX (low, MAX (high - (r->sound ? 2 : 1) * SPAN, least));
}

/* What each error is the difference of, for those who do not know the letters
 * by heart. */
static void
describe (const GstSpectralResult * r, GstSpectralError error, gchar * text,
    gsize size)
{
  static const gchar *const names[GST_SPECTRAL_STREAMS] = {
    "reference", "result", "corrupted", "coded"
  };
  const GstSpectralDifference *d = &r->error[error];
  gint n = g_snprintf (text, size, "%s = %s - %s   ",
      gst_spectral_error_name (r, error), names[gst_spectral_pairs[error].of],
      names[gst_spectral_pairs[error].from]);

  if (r->sound) {
    g_snprintf (text + n, size - n, "SNR %.2f dB   SI-SDR %.2f dB",
        gst_spectral_result_snr (r, error), gst_spectral_result_si_sdr (r,
            error));
    return;
  }
  n += g_snprintf (text + n, size - n, "PSNR %.2f dB",
      gst_spectral_result_psnr (r, error));
  if (d->n_ssim)
    n += g_snprintf (text + n, size - n, "   SSIM %.4f", d->ssim / d->n_ssim);
  if (d->n_ms_ssim)
    g_snprintf (text + n, size - n, "   MS-SSIM %.4f",
        d->ms_ssim / d->n_ms_ssim);
}

/* Names and numbers, each with a piece of its curve, and what is missing;
 * returns where the plots may begin. */
static gdouble
write_header (Plot * p, const GstSpectralResult * r, const gchar * title)
{
  gdouble y = p->font * 1.6, x;
  gchar text[160];
  gint n = 0;
  guint i;

  cairo_set_source_rgb (p->cr, 1, 1, 1);
  write_text (p, p->font, y, 0, title);
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (r->unmatched[i])
      n += g_snprintf (text + n, sizeof (text) - n, "%s %s %" G_GUINT64_FORMAT,
          n ? "," : r->sound ? "samples without partner:" :
          "frames without partner:", gst_spectral_stream_name (i),
          r->unmatched[i]);
  if (n) {
    cairo_set_source_rgb (p->cr, 1, .8, .4);
    write_text (p, p->font, y += p->font * 1.3, 0, text);
  }
  if (r->measured) {
    x = write_key (p, p->font, y += p->font * 1.3, &streams[0], "reference");
    write_key (p, x, y, &streams[1], "result");
  }
  for (i = 0; i < GST_SPECTRAL_ERRORS; i++)
    if (r->have[i]) {
      describe (r, i, text, sizeof (text));
      write_key (p, p->font, y += p->font * 1.3, &errors[i], text);
    }
  return y + p->font * 2.5;
}

/* Curves, and where there is room for it the map with its scale. */
static void
draw_plots (Plot * p, gdouble top, gdouble width, gdouble height,
    const GstSpectralResult * r, const Curve * curve, guint count)
{
  Box curves = { p->font * 4, top, 0, height - top - p->font * 4 }, map, scale;
  gdouble side = MIN (curves.height, width * .42);
  gboolean with_map = r->map && !r->sound;
  gchar title[32];

  curves.width = width - curves.x - p->font * 9.5 - side;
  if (!with_map || curves.width < p->font * 20) {
    with_map = FALSE;
    curves.width = width - curves.x - p->font * 2;
  }
  if (curves.width < p->font * 8 || curves.height < p->font * 4)
    return;
  cairo_set_source_rgb (p->cr, .8, .8, .8);
  write_text (p, curves.x, top - p->font * .6, 0, r->sound ?
      "density, dB (0: noise at full scale)" :
      "density, dB (0: noise of 1 of 255 levels)");
  draw_curves (p, &curves, r, curve, count);
  if (!with_map)
    return;
  map = (Box) {
  width - side - p->font * 5.5, top, side, side};
  scale = (Box) {
  width - p->font * 4.5, top, p->font, side};
  cairo_set_source_rgb (p->cr, .8, .8, .8);
  g_snprintf (title, sizeof (title), "density of %s, dB",
      r->have[GST_SPECTRAL_G] ? "R" : "the error");
  write_text (p, map.x, top - p->font * .6, 0, title);
  draw_map (p, &map, r);
  draw_scale (p, &scale);
  cairo_set_source_rgb (p->cr, .8, .8, .8);
  write_text (p, map.x, map.y + side + p->font * 1.2, 0, "-1");
  write_text (p, map.x + side / 2, map.y + side + p->font * 1.2, .5, "0");
  write_text (p, map.x + side, map.y + side + p->font * 1.2, 1, "1");
  write_text (p, map.x - p->font * .4, map.y + p->font * .8, 1, "1");
  write_text (p, map.x - p->font * .4, map.y + side / 2 + p->font * .35, 1,
      "0");
  write_text (p, map.x - p->font * .4, map.y + side, 1, "-1");
  write_text (p, map.x + side / 2, map.y + side + p->font * 2.5, .5,
      "frequency across, and upwards");
}

gboolean
gst_spectral_plot_draw (guint8 * data, gint stride, gint width, gint height,
    const GstSpectralResult * r, const gchar * title)
{
  cairo_surface_t *surface = cairo_image_surface_create_for_data (data,
      CAIRO_FORMAT_RGB24, width, height, stride);
  Plot p = { cairo_create (surface), MAX (MIN (height / 36.0, width / 56.0),
        8), 0, 10
  };
  Curve curve[2 + GST_SPECTRAL_ERRORS];
  guint count = 0, i;
  gdouble top;

  cairo_set_source_rgb (p.cr, .06, .06, .08);
  cairo_paint (p.cr);
  cairo_select_font_face (p.cr, "Sans", CAIRO_FONT_SLANT_NORMAL,
      CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size (p.cr, p.font);
  top = write_header (&p, r, title);

  if (r->measured) {
    curve[count++] = (Curve) {
    &r->ref, &streams[0]};
    curve[count++] = (Curve) {
    &r->dist, &streams[1]};
    for (i = 0; i < GST_SPECTRAL_ERRORS; i++)
      if (r->have[i])
        curve[count++] = (Curve) {
        &r->error[i].power, &errors[i]};
    find_scale (&p, r, curve, count);
    draw_plots (&p, top, width, height, r, curve, count);
  }
  cairo_destroy (p.cr);
  cairo_surface_finish (surface);
  cairo_surface_destroy (surface);
  return TRUE;
}

#else /* HAVE_PANGOCAIRO */

#include <string.h>

gboolean
gst_spectral_plot_draw (guint8 * data, gint stride, gint width, gint height,
    const GstSpectralResult * result, const gchar * title)
{
  memset (data, 0, (gsize) stride * height);
  return FALSE;
}

#endif /* HAVE_PANGOCAIRO */
