/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * plugin-inspect:
 *
 * What compression and corruption do to pictures and sound, as elements.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstinspectelements.h"

static gboolean
plugin_init (GstPlugin * plugin)
{
  gboolean ret = FALSE;

  ret |= GST_ELEMENT_REGISTER (audiocorrupt, plugin);
  ret |= GST_ELEMENT_REGISTER (corrupt, plugin);
  ret |= GST_ELEMENT_REGISTER (spectralinspect, plugin);

  return ret;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR,
    GST_VERSION_MINOR,
    inspect,
    "What compression and corruption do to pictures and sound",
    plugin_init, VERSION, GST_LICENSE, GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)
