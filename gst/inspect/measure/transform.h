/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fourier transforms of several lines at once, side by side in vectors. */
#ifndef __INSPECT_TRANSFORM_H__
#define __INSPECT_TRANSFORM_H__

#include <glib.h>

G_BEGIN_DECLS

/* Lines that are transformed at once. */
#define INSPECT_LANES 8

typedef struct _InspectTransform InspectTransform;

/* The next product of powers of 2, 3 and 5, @least or more; even where asked
 * for. @least: 1 to 2^24. */
guint              inspect_transform_length (guint least, gboolean even);

/* Complex transforms of @n, which is such a product. NULL: no memory. */
InspectTransform * inspect_transform_new    (guint n);
void               inspect_transform_free   (InspectTransform * t);

/* X[k] = sum of x[j] exp (-2 pi i j k / n), of each lane: @data holds real
 * parts [n][INSPECT_LANES] and after them imaginary parts [n][INSPECT_LANES];
 * @other is as large. Both are written; returns the one that holds X. */
gfloat *           inspect_transform_run    (const InspectTransform * t,
                                             gfloat * data, gfloat * other);

G_END_DECLS

#endif /* __INSPECT_TRANSFORM_H__ */
