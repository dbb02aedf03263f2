/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Measures of a picture beside its reference. */
#ifndef __INSPECT_QUALITY_H__
#define __INSPECT_QUALITY_H__

#include <glib.h>

G_BEGIN_DECLS

/* What PSNR says where nothing differs, dB. */
#define INSPECT_PSNR_SAME 99.0
/* Shorter sides that SSIM and MS-SSIM need. */
#define INSPECT_SSIM_SIDE 11
#define INSPECT_MS_SSIM_SIDE 176

/* dB of a mean square error against full scale; error: >= 0. */
gdouble inspect_psnr (gdouble error, gdouble full);

typedef struct _InspectSsim InspectSsim;

/* SSIM (Wang, Bovik, Sheikh, Simoncelli 2004) and MS-SSIM (Wang, Simoncelli,
 * Bovik 2003) of planes of one size, samples 0 to 255: windows of 11x11,
 * Gaussian of sigma 1.5, only where they fit; five scales, halved by means of
 * 2x2. NULL: no memory. */
InspectSsim *inspect_ssim_new (guint width, guint height);
void inspect_ssim_free (InspectSsim * s);

/* Both measures at once; NAN where the planes are too small. [height][width],
 * rows without gaps. */
void inspect_ssim_compare (InspectSsim * s, const gfloat * a,
    const gfloat * b, gdouble * ssim, gdouble * ms_ssim);

G_END_DECLS

#endif /* __INSPECT_QUALITY_H__ */
