/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What spectralinspect found so far: sums over frames, and their report as a
 * structure (messages) and as a line of JSON. */
#ifndef __GST_SPECTRAL_RESULT_H__
#define __GST_SPECTRAL_RESULT_H__

#include <gst/gst.h>

#include "spectrum.h"

G_BEGIN_DECLS

/* Streams: clean picture x, what came out C(c(x)), and where they are given
 * the corrupted picture c(x), and the clean one coded C(x). */
typedef enum
{
  GST_SPECTRAL_REF,
  GST_SPECTRAL_DIST,
  GST_SPECTRAL_CORRUPT,
  GST_SPECTRAL_CODED,
  GST_SPECTRAL_STREAMS
} GstSpectralStream;

/* Differences: dist - ref (R, robustness, where there is a corrupted stream),
 * dist - corrupt (G, generalisation), coded - ref (D, distortion) and
 * corrupt - ref (C, what the corruption did). */
typedef enum
{
  GST_SPECTRAL_ERROR,
  GST_SPECTRAL_G,
  GST_SPECTRAL_D,
  GST_SPECTRAL_C,
  GST_SPECTRAL_ERRORS
} GstSpectralError;

/* What each of them is the difference of: of - from. */
typedef struct
{
  GstSpectralStream of, from;
} GstSpectralPair;

extern const GstSpectralPair gst_spectral_pairs[GST_SPECTRAL_ERRORS];

#define GST_SPECTRAL_MAX_PLANES 3

/* Sums of squared differences of one pair of streams. */
typedef struct
{
  gdouble square[GST_SPECTRAL_MAX_PLANES];
  gdouble samples[GST_SPECTRAL_MAX_PLANES];
  gdouble db;                   /* sum over frames of PSNR */
  gdouble from_power, of_power, dot;    /* sound: sums of squares, product */
  gdouble ssim, ms_ssim;
  guint64 n_ssim, n_ms_ssim;
  InspectPower power;           /* sum over measured frames */
} GstSpectralDifference;

typedef struct
{
  gboolean sound;               /* frames are blocks then, full scale is 1 */
  guint rate;                   /* of sound, Hz */
  guint bands, map, planes;
  const gchar *plane_names[GST_SPECTRAL_MAX_PLANES];
  gboolean have[GST_SPECTRAL_ERRORS];

  guint64 frames;               /* that had all their partners */
  guint64 measured;             /* of which there are spectra */
  guint64 unmatched[GST_SPECTRAL_STREAMS];      /* frames, or samples */
  guint64 not_numbers;          /* samples that were NaN or infinite */
  GstSpectralDifference error[GST_SPECTRAL_ERRORS];
  InspectPower ref, dist;
} GstSpectralResult;

GstSpectralResult * gst_spectral_result_new   (guint bands, guint map);
void                gst_spectral_result_free  (GstSpectralResult * r);
/* Back to nothing. */
void                gst_spectral_result_reset (GstSpectralResult * r);
/* @to += @from, which has the same bands and map. */
void                gst_spectral_result_add   (GstSpectralResult * to,
                                               const GstSpectralResult * from);

#define GST_SPECTRAL_MAX_WANTED (2 + GST_SPECTRAL_ERRORS)

/* What spectra are wanted of one plane of each stream: of the reference, of
 * what came out, and of all errors that @r has; returns how many. */
guint               gst_spectral_result_wanted
                                              (GstSpectralResult * r,
                                               const gfloat * const *plane,
                                               InspectWanted * wanted);
/* All spectra of @r times @by. */
void                gst_spectral_result_scale (GstSpectralResult * r,
                                               gdouble by);

const gchar *       gst_spectral_stream_name  (GstSpectralStream stream);
const gchar *       gst_spectral_error_name   (const GstSpectralResult * r,
                                               GstSpectralError error);

gdouble             gst_spectral_result_psnr  (const GstSpectralResult * r,
                                               GstSpectralError error);

/* Of sound, dB; 99 at most, -99 at least. */
gdouble             gst_spectral_result_snr   (const GstSpectralResult * r,
                                               GstSpectralError error);
gdouble             gst_spectral_result_si_sdr
                                              (const GstSpectralResult * r,
                                               GstSpectralError error);

/* Everything but time, for a message. */
GstStructure *      gst_spectral_result_to_structure
                                              (const GstSpectralResult * r,
                                               const gchar * name);

G_END_DECLS

#endif /* __GST_SPECTRAL_RESULT_H__ */
