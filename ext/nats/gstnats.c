/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * plugin-nats:
 *
 * Any stream over NATS, a messaging system of servers in clusters: directly,
 * or stored and acknowledged by JetStream.
 *
 * Since: 0.3
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/gst.h>
#include <gst/video/video.h>

#include "gstnatscommon.h"
#include "gstnatselements.h"

static gboolean
plugin_init (GstPlugin * plugin)
{
  gboolean ok = FALSE;

  gst_nats_meta_register ();
  /* caps of encoded pictures name this type, and a process that does nothing
   * with pictures could not read them */
  g_type_ensure (GST_TYPE_VIDEO_MULTIVIEW_FLAGSET);
  ok |= GST_ELEMENT_REGISTER (natssink, plugin);
  ok |= GST_ELEMENT_REGISTER (natssrc, plugin);

  return ok;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, nats,
    "Streams over NATS and JetStream", plugin_init, VERSION, GST_LICENSE,
    GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN);
