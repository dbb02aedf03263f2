/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding model files, and one copy of each in the process. */
#ifndef __GST_WALLOC_MODEL_H__
#define __GST_WALLOC_MODEL_H__

#include <gst/gst.h>
#include <walloc/model.h>

G_BEGIN_DECLS

/* what an encoder takes when no model-file is set */
#define GST_WALLOC_DEFAULT_MODEL "photo-1.wlm"
#define GST_WALLOC_DEFAULT_SOUND_MODEL "sound-1.wlm"

/* directories to search before the install directory, like PATH */
#define GST_WALLOC_MODEL_PATH "GST_WALLOC_MODEL_PATH"

/* A loaded model, shared by all elements that use the same file. */
typedef struct
{
  walloc_model *model;
  walloc_model_info info;
  gchar *path;                  /* as it was found */

  /*< private >*/
  guint refs;                   /* protected by the cache's lock */
  gint64 mtime, size;
} GstWallocModel;

GstWallocModel *  gst_walloc_model_open         (const gchar * name,
                                                 GError ** error);

GstWallocModel *  gst_walloc_model_open_by_id   (guint64 id,
                                                 const gchar * name,
                                                 GError ** error);

gchar *           gst_walloc_model_find         (const gchar * name,
                                                 const gchar * suffix,
                                                 const gchar * folder,
                                                 GError ** error);

GstWallocModel *  gst_walloc_model_ref          (GstWallocModel * model);

void              gst_walloc_model_unref        (GstWallocModel * model);

G_END_DECLS

#endif /* __GST_WALLOC_MODEL_H__ */
