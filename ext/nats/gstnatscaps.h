/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The caps that messages name. */
#ifndef __GST_NATS_CAPS_H__
#define __GST_NATS_CAPS_H__

#include <gst/gst.h>

#include "natsheader.h"

G_BEGIN_DECLS

typedef struct _GstNatsCaps GstNatsCaps;

GstNatsCaps *gst_nats_caps_new (void);
void gst_nats_caps_free (GstNatsCaps * self);

/* The caps of a message that has a Gst-Caps-Id, as long as no other is looked
 * up; NULL when they are not known or not usable. Where a message has but the
 * short name, they are those that its source has sent under it. */
GstCaps *gst_nats_caps_find (GstNatsCaps * self, const nats_header * header);

G_END_DECLS

#endif /* __GST_NATS_CAPS_H__ */
