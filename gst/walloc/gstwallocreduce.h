/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_WALLOC_REDUCE_H__
#define __GST_WALLOC_REDUCE_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* Caps for the sizes that pictures can be decoded in: their own and 1/2, 1/4
 * and 1/8 of it, rounded up, in this order. */

/* What can come out of a picture of @width x @height; @caps has the rest of the
 * fields. Takes @caps. */
GstCaps *gst_walloc_reduce_offer (GstCaps * caps, guint width, guint height);

/* What can go in for pictures of the sizes in @caps to come out: their width
 * and height are replaced. Takes @caps. */
GstCaps *gst_walloc_reduce_invert (GstCaps * caps);

G_END_DECLS

#endif /* __GST_WALLOC_REDUCE_H__ */
