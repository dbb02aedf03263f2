/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * plugin-compressed:
 *
 * Networks that work on what a WaLLoC stream holds, without samples.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcompressedelements.h"
#include "gstcompressedmeta.h"

static gboolean
plugin_init (GstPlugin * plugin)
{
  gboolean ret = FALSE;

  gst_compressed_meta_register ();

  ret |= GST_ELEMENT_REGISTER (compressedclassify, plugin);
  ret |= GST_ELEMENT_REGISTER (compressedcolorize, plugin);
  ret |= GST_ELEMENT_REGISTER (compressedoverlay, plugin);
  ret |= GST_ELEMENT_REGISTER (compressedread, plugin);
  ret |= GST_ELEMENT_REGISTER (compressedsegment, plugin);
  ret |= GST_ELEMENT_REGISTER (compressedseparate, plugin);
  ret |= GST_ELEMENT_REGISTER (walloclatents, plugin);
  ret |= GST_ELEMENT_REGISTER (walloclatentsenc, plugin);

  return ret;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR,
    GST_VERSION_MINOR,
    compressed,
    "Inference on latents of the learned codec WaLLoC",
    plugin_init, VERSION, GST_LICENSE, GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)
