/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The features that the plugin registers. */
#ifndef __GST_WALLOC_ELEMENTS_H__
#define __GST_WALLOC_ELEMENTS_H__

#include <gst/gst.h>

G_BEGIN_DECLS

GST_ELEMENT_REGISTER_DECLARE (wallocaudiodec);
GST_ELEMENT_REGISTER_DECLARE (wallocaudioenc);
GST_ELEMENT_REGISTER_DECLARE (wallocenc);
GST_ELEMENT_REGISTER_DECLARE (wallocdec);
GST_ELEMENT_REGISTER_DECLARE (wallocparse);
GST_ELEMENT_REGISTER_DECLARE (wallocthin);
GST_TYPE_FIND_REGISTER_DECLARE (walloc);

G_END_DECLS

#endif /* __GST_WALLOC_ELEMENTS_H__ */
