/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Power spectra of pictures and of what differs between two of them.
 *
 * Spectral inspection after Lieberman et al., "Neural Image Compression:
 * Generalization, Robustness, and Spectral Biases" (arXiv 2307.08657), but of
 * |F|^2 of differences that are not rounded, so that bands add up to the mean
 * square error (Parseval) and spectra agree with PSNR. */
#ifndef __INSPECT_SPECTRUM_H__
#define __INSPECT_SPECTRUM_H__

#include <glib.h>

G_BEGIN_DECLS

#define INSPECT_MAX_BANDS 1024
#define INSPECT_MAX_MAP 512

typedef enum
{
  INSPECT_WINDOW_NONE,          /* exact: bands add up to the mean square */
  INSPECT_WINDOW_HANN           /* no leakage from borders; about the same sum */
} InspectWindow;

/* Of one plane or the mean of several: power in units of a sample squared.
 * @band has bands + 1 values: rings of equal width from frequency 0 to
 * Nyquist's, and last the corners beyond it; their sum is the mean square.
 * @map, if any, has map x map values, power per position of a grid from
 * -Nyquist to Nyquist with frequency 0 at (map / 2, map / 2), same sum. */
typedef struct
{
  gdouble *band;
  gdouble *map;
  gdouble power;                /* mean square, from samples */
} InspectPower;

typedef struct _InspectSpectrum InspectSpectrum;

/* For planes of one size; height 1: sound, bands have equal width then. @map 0:
 * no map. NULL: no memory. */
InspectSpectrum *inspect_spectrum_new    (guint width, guint height,
                                          InspectWindow window, guint bands,
                                          guint map);
void             inspect_spectrum_free   (InspectSpectrum * s);

/* Something a spectrum is wanted of: @plane, or @plane - @minus where the
 * latter is given; [height][width] floats, rows without gaps. */
typedef struct
{
  const gfloat *plane, *minus;
  InspectPower *power;          /* it is added to this */
} InspectWanted;

#define INSPECT_MAX_WANTED 8

/* Adds up to INSPECT_MAX_WANTED spectra. Planes that are the same are the same
 * pointer. FALSE: no memory, and nothing was added. */
gboolean         inspect_spectrum_add    (InspectSpectrum * s,
                                          const InspectWanted * wanted,
                                          guint count);

/* Zeros of the sizes of @s; free with inspect_power_clear(). */
void             inspect_power_init      (InspectPower * p, guint bands,
                                          guint map);
void             inspect_power_clear     (InspectPower * p);
void             inspect_power_zero      (InspectPower * p, guint bands,
                                          guint map);
/* @to += @from, @by times. */
void             inspect_power_add       (InspectPower * to,
                                          const InspectPower * from,
                                          gdouble by, guint bands, guint map);
/* @p *= @by. */
void             inspect_power_scale     (InspectPower * p, gdouble by,
                                          guint bands, guint map);

G_END_DECLS

#endif /* __INSPECT_SPECTRUM_H__ */
