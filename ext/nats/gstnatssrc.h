/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_NATS_SRC_H__
#define __GST_NATS_SRC_H__

#include <gst/base/gstpushsrc.h>

G_BEGIN_DECLS

#define GST_TYPE_NATS_SRC (gst_nats_src_get_type ())
G_DECLARE_FINAL_TYPE (GstNatsSrc, gst_nats_src, GST, NATS_SRC, GstPushSrc)

G_END_DECLS

#endif /* __GST_NATS_SRC_H__ */
