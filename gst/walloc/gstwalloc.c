/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * plugin-walloc:
 *
 * Learned, machine-oriented codec for video and sound: wavelet packets, one small matrix,
 * entropy coded latents.
 *
 * Since: 0.1
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwallocelements.h"

static gboolean
plugin_init (GstPlugin * plugin)
{
  gboolean ret = FALSE;

  ret |= GST_ELEMENT_REGISTER (wallocaudiodec, plugin);
  ret |= GST_ELEMENT_REGISTER (wallocaudioenc, plugin);
  ret |= GST_ELEMENT_REGISTER (wallocenc, plugin);
  ret |= GST_ELEMENT_REGISTER (wallocdec, plugin);
  ret |= GST_ELEMENT_REGISTER (wallocparse, plugin);
  ret |= GST_ELEMENT_REGISTER (wallocthin, plugin);
  ret |= GST_TYPE_FIND_REGISTER (walloc, plugin);

  return ret;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR,
    GST_VERSION_MINOR,
    walloc,
    "Learned, machine-oriented codec (WaLLoC)",
    plugin_init, VERSION, GST_LICENSE, GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)
