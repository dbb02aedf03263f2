/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Task networks for elements that put out other latents than came in. */
#ifndef __GST_COMPRESSED_OPEN_H__
#define __GST_COMPRESSED_OPEN_H__

#include "gstcompressednetwork.h"
#include "gstcompressedreader.h"

G_BEGIN_DECLS

/* The network of the property "model-file", which must be of @kind. NULL: an
 * error was posted. */
GstCompressedNetwork *
          gst_compressed_open_network     (GstElement * element,
                                           const gchar * name,
                                           walloc_task_kind kind);

/* Whether @network reads the stream of the frame that was read last; else an
 * error was posted. */
gboolean  gst_compressed_open_check       (GstCompressedNetwork * network,
                                           const GstCompressedReader * reader);

/* An instance for that grid; NULL: an error was posted. */
GstCompressedInstance *
          gst_compressed_open_take        (GstCompressedNetwork * network,
                                           GstElement * element, guint width,
                                           guint height);

G_END_DECLS

#endif /* __GST_COMPRESSED_OPEN_H__ */
