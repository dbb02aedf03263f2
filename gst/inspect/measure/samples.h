/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of bytes: squares of what differs, and samples as floats. */
#ifndef __INSPECT_SAMPLES_H__
#define __INSPECT_SAMPLES_H__

#include <glib.h>

G_BEGIN_DECLS

/* Bytes from a sample to the next of its component. */
#define INSPECT_MAX_STEP 4

/* Adds squares of differences of @n bytes, those of byte i to
 * @square[i % step]. @n: 1 to 2^20, @step: 1 to INSPECT_MAX_STEP. */
void inspect_samples_square (const guint8 * a, const guint8 * b, guint n,
                             guint step, guint64 * square);

/* @out[x] = @in[x * step]. */
void inspect_samples_fetch  (const guint8 * in, guint n, guint step,
                             gfloat * out);

/* Luma of BT.601. */
void inspect_samples_luma   (const gfloat * r, const gfloat * g,
                             const gfloat * b, gsize n, gfloat * out);

G_END_DECLS

#endif /* __INSPECT_SAMPLES_H__ */
