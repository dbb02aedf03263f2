/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <math.h>

#include "gstspectralresult.h"
#include "quality.h"

/* Samples of pictures are bytes. */
#define FULL 255.0

const GstSpectralPair gst_spectral_pairs[GST_SPECTRAL_ERRORS] = {
  {GST_SPECTRAL_DIST, GST_SPECTRAL_REF},
  {GST_SPECTRAL_DIST, GST_SPECTRAL_CORRUPT},
  {GST_SPECTRAL_CODED, GST_SPECTRAL_REF},
  {GST_SPECTRAL_CORRUPT, GST_SPECTRAL_REF},
};

static const gchar *const streams[GST_SPECTRAL_STREAMS] = {
  "ref", "dist", "corrupt", "coded"
};

GstSpectralResult *
gst_spectral_result_new (guint bands, guint map)
{
  GstSpectralResult *r = g_new0 (GstSpectralResult, 1);
  guint i;

  r->bands = bands;
  r->map = map;
  inspect_power_init (&r->ref, bands, 0);
  inspect_power_init (&r->dist, bands, 0);
  for (i = 0; i < GST_SPECTRAL_ERRORS; i++)
    inspect_power_init (&r->error[i].power, bands, map);
  return r;
}

void
gst_spectral_result_free (GstSpectralResult * r)
{
  guint i;

  if (!r)
    return;
  inspect_power_clear (&r->ref);
  inspect_power_clear (&r->dist);
  for (i = 0; i < GST_SPECTRAL_ERRORS; i++)
    inspect_power_clear (&r->error[i].power);
  g_free (r);
}

void
gst_spectral_result_reset (GstSpectralResult * r)
{
  InspectPower ref = r->ref, dist = r->dist, error[GST_SPECTRAL_ERRORS];
  GstSpectralResult fresh = { 0 };
  guint i;

  for (i = 0; i < GST_SPECTRAL_ERRORS; i++)
    error[i] = r->error[i].power;
  /* most frames have no spectra, and nothing to clear */
  if (r->measured) {
    inspect_power_zero (&ref, r->bands, 0);
    inspect_power_zero (&dist, r->bands, 0);
    for (i = 0; i < GST_SPECTRAL_ERRORS; i++)
      inspect_power_zero (&error[i], r->bands, r->map);
  }
  fresh.sound = r->sound;
  fresh.rate = r->rate;
  fresh.bands = r->bands;
  fresh.map = r->map;
  fresh.ref = ref;
  fresh.dist = dist;
  for (i = 0; i < GST_SPECTRAL_ERRORS; i++)
    fresh.error[i].power = error[i];
  *r = fresh;
}

void
gst_spectral_result_add (GstSpectralResult * to, const GstSpectralResult * from)
{
  guint i, p;

  to->planes = MAX (to->planes, from->planes);
  for (p = 0; p < from->planes; p++)
    to->plane_names[p] = from->plane_names[p];
  to->frames += from->frames;
  to->measured += from->measured;
  to->not_numbers += from->not_numbers;
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    to->unmatched[i] += from->unmatched[i];
  if (from->measured) {
    inspect_power_add (&to->ref, &from->ref, 1, to->bands, 0);
    inspect_power_add (&to->dist, &from->dist, 1, to->bands, 0);
  }
  for (i = 0; i < GST_SPECTRAL_ERRORS; i++) {
    GstSpectralDifference *a = &to->error[i];
    const GstSpectralDifference *b = &from->error[i];

    to->have[i] |= from->have[i];
    for (p = 0; p < from->planes; p++) {
      a->square[p] += b->square[p];
      a->samples[p] += b->samples[p];
    }
    a->db += b->db;
    a->from_power += b->from_power;
    a->of_power += b->of_power;
    a->dot += b->dot;
    a->ssim += b->ssim;
    a->ms_ssim += b->ms_ssim;
    a->n_ssim += b->n_ssim;
    a->n_ms_ssim += b->n_ms_ssim;
    if (from->measured && from->have[i])
      inspect_power_add (&a->power, &b->power, 1, to->bands, to->map);
  }
}

guint
gst_spectral_result_wanted (GstSpectralResult * r, const gfloat * const *plane,
    InspectWanted * wanted)
{
  guint n = 0, i;

  G_STATIC_ASSERT (GST_SPECTRAL_MAX_WANTED <= INSPECT_MAX_WANTED);
  wanted[n++] = (InspectWanted) {
  plane[GST_SPECTRAL_REF], NULL, &r->ref};
  wanted[n++] = (InspectWanted) {
  plane[GST_SPECTRAL_DIST], NULL, &r->dist};
  for (i = 0; i < GST_SPECTRAL_ERRORS; i++)
    if (r->have[i])
      wanted[n++] = (InspectWanted) {
      plane[gst_spectral_pairs[i].of], plane[gst_spectral_pairs[i].from],
          &r->error[i].power};
  return n;
}

void
gst_spectral_result_scale (GstSpectralResult * r, gdouble by)
{
  guint i;

  inspect_power_scale (&r->ref, by, r->bands, 0);
  inspect_power_scale (&r->dist, by, r->bands, 0);
  for (i = 0; i < GST_SPECTRAL_ERRORS; i++)
    if (r->have[i])
      inspect_power_scale (&r->error[i].power, by, r->bands, r->map);
}

const gchar *
gst_spectral_stream_name (GstSpectralStream stream)
{
  return streams[stream];
}

const gchar *
gst_spectral_error_name (const GstSpectralResult * r, GstSpectralError error)
{
  switch (error) {
    case GST_SPECTRAL_ERROR:
      return r->have[GST_SPECTRAL_G] ? "R" : "error";
    case GST_SPECTRAL_G:
      return "G";
    case GST_SPECTRAL_D:
      return "D";
    default:
      return "C";
  }
}

static gdouble
mean_square (const GstSpectralDifference * d, guint planes)
{
  gdouble square = 0.0, samples = 0.0;
  guint p;

  for (p = 0; p < planes; p++) {
    square += d->square[p];
    samples += d->samples[p];
  }
  return samples > 0 ? square / samples : 0.0;
}

gdouble
gst_spectral_result_psnr (const GstSpectralResult * r, GstSpectralError error)
{
  return inspect_psnr (mean_square (&r->error[error], r->planes), FULL);
}

/* Le Roux et al., "SDR - half-baked or well done?" (2019): the reference is
 * scaled to what comes closest. Bounded as PSNR is. */
gdouble
gst_spectral_result_si_sdr (const GstSpectralResult * r, GstSpectralError error)
{
  const GstSpectralDifference *d = &r->error[error];
  gdouble target, rest;

  if (d->from_power <= 0 || d->of_power <= 0)
    return -INSPECT_PSNR_SAME;
  target = d->dot * d->dot / d->from_power;
  rest = d->of_power - target;
  if (rest <= target * 1e-10)
    return INSPECT_PSNR_SAME;
  return MAX (10 * log10 (target / rest), -INSPECT_PSNR_SAME);
}

gdouble
gst_spectral_result_snr (const GstSpectralResult * r, GstSpectralError error)
{
  const GstSpectralDifference *d = &r->error[error];

  if (d->square[0] <= 0)
    return INSPECT_PSNR_SAME;
  return CLAMP (10 * log10 (d->from_power / d->square[0]), -INSPECT_PSNR_SAME,
      INSPECT_PSNR_SAME);
}

static void
set_bands (GstStructure * s, const gchar * name, const InspectPower * p,
    const GstSpectralResult * r)
{
  GValue array = G_VALUE_INIT, item = G_VALUE_INIT;
  guint i;

  g_value_init (&array, GST_TYPE_ARRAY);
  g_value_init (&item, G_TYPE_DOUBLE);
  for (i = 0; i <= r->bands; i++) {
    g_value_set_double (&item, r->measured ? p->band[i] / r->measured : 0.0);
    gst_value_array_append_value (&array, &item);
  }
  gst_structure_take_value (s, name, &array);
  g_value_unset (&item);
}

static GstStructure *
difference (const GstSpectralResult * r, GstSpectralError error)
{
  const GstSpectralDifference *d = &r->error[error];
  GstStructure *s = gst_structure_new_empty (gst_spectral_error_name (r,
          error));
  gdouble mse = mean_square (d, r->planes);
  guint p;

  gst_structure_set (s, "mse", G_TYPE_DOUBLE, mse, NULL);
  if (r->sound)
    gst_structure_set (s, "snr", G_TYPE_DOUBLE,
        gst_spectral_result_snr (r, error), "si-sdr", G_TYPE_DOUBLE,
        gst_spectral_result_si_sdr (r, error), NULL);
  else
    gst_structure_set (s, "psnr", G_TYPE_DOUBLE, inspect_psnr (mse, FULL),
        NULL);
  if (r->frames && !r->sound)
    gst_structure_set (s, "psnr-mean", G_TYPE_DOUBLE, d->db / r->frames, NULL);
  for (p = 0; r->planes > 1 && p < r->planes; p++) {
    gchar *name = g_strdup_printf ("psnr-%s", r->plane_names[p]);

    if (d->samples[p] > 0)
      gst_structure_set (s, name, G_TYPE_DOUBLE,
          inspect_psnr (d->square[p] / d->samples[p], FULL), NULL);
    g_free (name);
  }
  if (d->n_ssim)
    gst_structure_set (s, "ssim", G_TYPE_DOUBLE, d->ssim / d->n_ssim, NULL);
  if (d->n_ms_ssim)
    gst_structure_set (s, "ms-ssim", G_TYPE_DOUBLE,
        d->ms_ssim / d->n_ms_ssim, NULL);
  if (r->measured) {
    gst_structure_set (s, "power", G_TYPE_DOUBLE,
        d->power.power / r->measured, NULL);
    set_bands (s, "bands", &d->power, r);
  }
  return s;
}

GstStructure *
gst_spectral_result_to_structure (const GstSpectralResult * r,
    const gchar * name)
{
  GstStructure *s = gst_structure_new (name,
      "frames", G_TYPE_UINT64, r->frames,
      "measured", G_TYPE_UINT64, r->measured, NULL);
  guint i;

  for (i = 0; i < GST_SPECTRAL_STREAMS; i++) {
    gchar *field = g_strdup_printf ("unmatched-%s", streams[i]);

    if (i <= GST_SPECTRAL_DIST || r->unmatched[i])
      gst_structure_set (s, field, G_TYPE_UINT64, r->unmatched[i], NULL);
    g_free (field);
  }
  if (r->not_numbers)
    gst_structure_set (s, "not-numbers", G_TYPE_UINT64, r->not_numbers, NULL);
  for (i = 0; i < GST_SPECTRAL_ERRORS; i++)
    if (r->have[i]) {
      GstStructure *d = difference (r, i);

      gst_structure_set (s, gst_structure_get_name (d), GST_TYPE_STRUCTURE, d,
          NULL);
      gst_structure_free (d);
    }
  if (r->measured) {
    set_bands (s, "ref-bands", &r->ref, r);
    set_bands (s, "dist-bands", &r->dist, r);
  }
  return s;
}
