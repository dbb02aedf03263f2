/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * plugin-wallocsoup:
 *
 * WaLLoC streams for browsers and other HTTP clients, by libsoup 3. A plugin of
 * its own: libsoup 2 and 3 cannot be loaded into one process.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/gst.h>

#include "gstwallocwebsink.h"

static gboolean
plugin_init (GstPlugin * plugin)
{
  return GST_ELEMENT_REGISTER (wallocwebsink, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR,
    GST_VERSION_MINOR,
    wallocsoup,
    "WaLLoC streams over HTTP and WebSocket",
    plugin_init, VERSION, GST_LICENSE, GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)
