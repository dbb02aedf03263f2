/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * plugin-wallocrtp:
 *
 * WaLLoC streams over RTP.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/audio/audio.h>
#include <gst/rtp/rtp.h>

#include "gstwallocrtpelements.h"

GstStructure *
gst_walloc_rtp_base_stats (gpointer parent_class, GObject * object)
{
  GObjectClass *klass = G_OBJECT_CLASS (parent_class);
  GParamSpec *pspec = g_object_class_find_property (klass, "stats");
  GValue value = G_VALUE_INIT;
  GstStructure *s;

  g_value_init (&value, GST_TYPE_STRUCTURE);
  klass->get_property (object, pspec->param_id, &value, pspec);
  s = g_value_dup_boxed (&value);
  g_value_unset (&value);
  return s;
}

static gboolean
copy_meta (GstBuffer * from, GstMeta ** meta, gpointer to)
{
  static const gchar *const kinds[] = { "video", "audio", NULL };
  const GstMetaInfo *info = (*meta)->info;
  const gchar *const *tags = gst_meta_api_type_get_tags (info->api);
  GstMetaTransformCopy copy = { FALSE, 0, -1 };

  /* of the first the base classes take care; the second is in the bytes */
  if (info->api == GST_RTP_SOURCE_META_API_TYPE
      || info->api == GST_AUDIO_CLIPPING_META_API_TYPE || !info->transform_func)
    return TRUE;
  for (; tags && *tags; tags++)
    if (!g_strv_contains (kinds, *tags))
      return TRUE;
  info->transform_func (to, *meta, from, _gst_meta_transform_copy, &copy);
  return TRUE;
}

void
gst_walloc_rtp_copy_metas (GstBuffer * from, GstBuffer * to)
{
  gst_buffer_foreach_meta (from, copy_meta, to);
}

static gboolean
plugin_init (GstPlugin * plugin)
{
  gboolean ret = FALSE;

  ret |= GST_ELEMENT_REGISTER (rtpwallocdepay, plugin);
  ret |= GST_ELEMENT_REGISTER (rtpwallocpay, plugin);
  ret |= GST_ELEMENT_REGISTER (wallocrtpsink, plugin);
  ret |= GST_ELEMENT_REGISTER (wallocrtpsrc, plugin);

  return ret;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR,
    GST_VERSION_MINOR,
    wallocrtp,
    "WaLLoC streams over RTP",
    plugin_init, VERSION, GST_LICENSE, GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)
