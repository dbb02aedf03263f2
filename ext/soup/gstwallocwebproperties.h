/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Properties of wallocwebsink: their names, defaults and values. */
#ifndef __GST_WALLOC_WEB_PROPERTIES_H__
#define __GST_WALLOC_WEB_PROPERTIES_H__

#include "gstwallocwebsink.h"

G_BEGIN_DECLS

#define GST_WALLOC_WEB_DEFAULT_ADDRESS "127.0.0.1"

void      gst_walloc_web_properties_install (GObjectClass * object_class);

/* Defaults. */
void      gst_walloc_web_properties_init    (GstWallocWebSink * self);

G_END_DECLS

#endif /* __GST_WALLOC_WEB_PROPERTIES_H__ */
