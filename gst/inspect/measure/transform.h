/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fourier transforms of several lines at once, side by side in vectors. */
#ifndef __INSPECT_TRANSFORM_H__
#define __INSPECT_TRANSFORM_H__

#include <glib.h>

G_BEGIN_DECLS

/* Lines that are transformed at once. */
#define INSPECT_LANES 8

typedef struct _InspectTransform InspectTransform;

/* A length of @least or more that is transformed quickly: 1, or an even one.
 * @least: 1 to 2^24. */
guint              inspect_transform_length (guint least);

/* Complex transforms of @n, which is such a length. NULL: no memory. Not for
 * two threads at once. */
InspectTransform * inspect_transform_new    (guint n);
void               inspect_transform_free   (InspectTransform * t);

/* X[k] = sum of x[j] exp (-2 pi i j k / n), of each lane, in place: @data holds
 * real parts [n][INSPECT_LANES] and after them imaginary parts
 * [n][INSPECT_LANES]. */
void               inspect_transform_run    (InspectTransform * t,
                                             gfloat * data);

/* The same of a single line of @n real samples, @n above 1: the half spectrum,
 * [n / 2 + 1] pairs of real and imaginary part, until the next call. */
const gfloat *     inspect_transform_real   (InspectTransform * t,
                                             const gfloat * line);

G_END_DECLS

#endif /* __INSPECT_TRANSFORM_H__ */
