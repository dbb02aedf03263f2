/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What natssink and natssrc share: properties of the connection, errors and
 * messages on the bus, the identity of frames. */
#ifndef __GST_NATS_COMMON_H__
#define __GST_NATS_COMMON_H__

#include <gst/gst.h>

#include "gstnatspublisher.h"
#include "gstnatsstream.h"
#include "natsheader.h"

G_BEGIN_DECLS

#define GST_NATS_DEFAULT_SUBJECT "walloc"

/* Name of a custom meta (gst_buffer_get_custom_meta()): which frame of which
 * source a buffer is, or was made of. Its structure has
 *   source (gchararray), epoch, sequence (guint64), repeat (guint): identity
 *   subject (gchararray), delivered (guint), stream-sequence (guint64)
 *   duplicate (gboolean), capture-time, receive-time (guint64, ns since 1970) */
#define GST_NATS_META "GstNatsMeta"

typedef enum
{
  GST_NATS_MODE_CORE,
  GST_NATS_MODE_JETSTREAM
} GstNatsMode;

#define GST_TYPE_NATS_MODE (gst_nats_mode_get_type ())
/* The type of *@place, made once. @values must live as long. */
GType gst_nats_register_enum (gsize * place, const gchar * name,
    const GEnumValue * values);

GType gst_nats_mode_get_type (void);
#define GST_TYPE_NATS_SLOW_POLICY (gst_nats_slow_policy_get_type ())
GType gst_nats_slow_policy_get_type (void);

/* Values of the properties that both elements have; under the object lock. */
typedef struct
{
  GstNatsSettings settings;
  gchar *subject, *stream;
  GstNatsMode mode;
  guint max_pending_messages;
  guint64 max_pending_bytes;
  GstNatsSlowPolicy slow_policy;
} GstNatsCommon;

/* Properties from PROP_0 + 1 on; those of elements begin here. */
#define GST_NATS_COMMON_PROPS 64

void gst_nats_common_init (GstNatsCommon * self);
void gst_nats_common_clear (GstNatsCommon * self);
void gst_nats_common_install (GObjectClass * klass,
    GstNatsSlowPolicy default_policy);

/* With the object lock held; FALSE when @id is another one's. */
gboolean gst_nats_common_set (GstNatsCommon * self, guint id,
    const GValue * value);
gboolean gst_nats_common_get (GstNatsCommon * self, guint id, GValue * value);

/* The error that ends an element's work: posted once, as others only say the
 * same. Whoever comes second waits until it is on the bus: a flow of ERROR before
 * that would let the base class post one without a cause first. */
typedef struct
{
  GRecMutex lock;
  gboolean posted;
} GstNatsFailure;

void gst_nats_failure_init (GstNatsFailure * self);
void gst_nats_failure_clear (GstNatsFailure * self);
void gst_nats_failure_reset (GstNatsFailure * self);

/* Posts @error, which says cause and cure, as an element error. */
void gst_nats_failure_post (GstNatsFailure * self, GstElement * element,
    const GError * error, gboolean writing);

/* Says on the bus what became of the connection: the element message
 * "nats-connection" with the string fields "status" (connected, lost,
 * reconnected) and "url", and warnings. TRUE when @error ends the work. */
gboolean gst_nats_report_event (GstElement * element, GstNatsEvent event,
    const GError * error, const gchar * url);

void gst_nats_meta_register (void);
void gst_nats_meta_add (GstBuffer * buffer, const nats_identity * identity,
    const gchar * subject, const nats_delivery * delivery, gboolean duplicate,
    guint64 capture_time, guint64 receive_time);

/* FALSE when @buffer has none. @delivered and @capture_time may be NULL. */
gboolean gst_nats_meta_get (GstBuffer * buffer, nats_identity * identity,
    guint * delivered, guint64 * capture_time);

G_END_DECLS

#endif /* __GST_NATS_COMMON_H__ */
