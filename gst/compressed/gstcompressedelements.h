/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The features that the plugin registers. */
#ifndef __GST_COMPRESSED_ELEMENTS_H__
#define __GST_COMPRESSED_ELEMENTS_H__

#include <gst/gst.h>

G_BEGIN_DECLS

GST_ELEMENT_REGISTER_DECLARE (compressedclassify);
GST_ELEMENT_REGISTER_DECLARE (compressedcolorize);
GST_ELEMENT_REGISTER_DECLARE (compressedoverlay);
GST_ELEMENT_REGISTER_DECLARE (compressedread);
GST_ELEMENT_REGISTER_DECLARE (compressedsegment);
GST_ELEMENT_REGISTER_DECLARE (compressedseparate);
GST_ELEMENT_REGISTER_DECLARE (walloclatents);
GST_ELEMENT_REGISTER_DECLARE (walloclatentsenc);

G_END_DECLS

#endif /* __GST_COMPRESSED_ELEMENTS_H__ */
