/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Base class of elements that put out something else than they are given:
 * latents in, frames or tensors out. */
#ifndef __GST_COMPRESSED_FILTER_H__
#define __GST_COMPRESSED_FILTER_H__

#include "gstcompressedevents.h"
#include "gstcompressedopen.h"
#include "gstcompressedreader.h"

G_BEGIN_DECLS

#define GST_TYPE_COMPRESSED_FILTER (gst_compressed_filter_get_type ())
#define GST_COMPRESSED_FILTER(obj) (G_TYPE_CHECK_INSTANCE_CAST ((obj), \
    GST_TYPE_COMPRESSED_FILTER, GstCompressedFilter))
#define GST_COMPRESSED_FILTER_CLASS(klass) (G_TYPE_CHECK_CLASS_CAST ((klass), \
    GST_TYPE_COMPRESSED_FILTER, GstCompressedFilterClass))
#define GST_COMPRESSED_FILTER_GET_CLASS(obj) (G_TYPE_INSTANCE_GET_CLASS ((obj), \
    GST_TYPE_COMPRESSED_FILTER, GstCompressedFilterClass))

typedef struct _GstCompressedFilter GstCompressedFilter;
typedef struct _GstCompressedFilterClass GstCompressedFilterClass;

struct _GstCompressedFilter
{
  GstElement parent;

  GstPad *sinkpad;
  GstPad *srcpad;               /* NULL: the subclass has no template "src" that
                                 * is always there */

  /* properties, protected by the object lock */
  gchar *model_file;
  guint threads;

  /* of the stream */
  GstCompressedReader reader;
  GstCompressedEvents events;   /* of srcpad */
  GstCompressedNetwork *network;        /* see open_network () */
  gboolean discont;             /* a frame was left out */
};

/**
 * GstCompressedFilterClass:
 * @chain: takes a buffer of the sink pad
 * @event: (nullable): handles an event of the sink pad; by default events wait
 *   for the caps of srcpad, caps go to @set_caps, and the rest goes on
 * @set_caps: (nullable): what the sink pad is given, which never goes on: caps
 *   of srcpad are set with the first frame
 * @start: (nullable): READY to PAUSED, before the pads are active. %FALSE: an
 *   error was posted
 * @stop: (nullable): frees what a stream has; also after a start that failed
 */
struct _GstCompressedFilterClass
{
  GstElementClass parent_class;

  GstFlowReturn (*chain)        (GstCompressedFilter * self,
                                 GstBuffer * buffer);
  gboolean      (*event)        (GstCompressedFilter * self,
                                 GstEvent * event);
  gboolean      (*set_caps)     (GstCompressedFilter * self, GstCaps * caps);
  gboolean      (*start)        (GstCompressedFilter * self);
  void          (*stop)         (GstCompressedFilter * self);

  gpointer _gst_reserved[4];
};

GType     gst_compressed_filter_get_type        (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstCompressedFilter, gst_object_unref)

/* Numbers of the properties that subclasses install by the functions below;
 * their own begin behind. What set_property and get_property of a subclass do
 * not know goes to those of the parent class. */
enum
{
  GST_COMPRESSED_FILTER_PROP_MODEL_FILE = 1,
  GST_COMPRESSED_FILTER_PROP_THREADS,
  GST_COMPRESSED_FILTER_PROP_LAST
};

void      gst_compressed_filter_install_model_file (GObjectClass * object_class,
                                                 const gchar * blurb);

void      gst_compressed_filter_install_threads (GObjectClass * object_class);

/* To be freed. */
gchar *   gst_compressed_filter_dup_model_file  (GstCompressedFilter * self);

/* Whether there is a network, which is opened by model-file where there is
 * none. FALSE: an error was posted. */
gboolean  gst_compressed_filter_open_network    (GstCompressedFilter * self,
                                                 walloc_task_kind kind);

/* What @out has of @in, of which it was made, but for its bytes: flags tell of
 * frames that were left out, and of damage. */
void      gst_compressed_filter_describe        (GstCompressedFilter * self,
                                                 GstBuffer * in,
                                                 GstBuffer * out,
                                                 GstBufferCopyFlags what);

G_END_DECLS

#endif /* __GST_COMPRESSED_FILTER_H__ */
