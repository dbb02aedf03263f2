/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which frames were seen: duplicates and gaps, in bounded memory. */
#ifndef __GST_NATS_SEEN_H__
#define __GST_NATS_SEEN_H__

#include <glib.h>

#include "natsheader.h"

G_BEGIN_DECLS

typedef struct _GstNatsSeen GstNatsSeen;

GstNatsSeen *gst_nats_seen_new (void);
void gst_nats_seen_free (GstNatsSeen * self);

/* Notes the frame; TRUE when it is among the last few thousand of all sources.
 * @missing: how many numbers of its source lie between it and the highest so
 * far; 0 for the first of a source. */
gboolean gst_nats_seen_add (GstNatsSeen * self,
    const nats_identity * identity, guint64 * missing);

G_END_DECLS

#endif /* __GST_NATS_SEEN_H__ */
