/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plugin's elements. */
#ifndef __GST_INSPECT_ELEMENTS_H__
#define __GST_INSPECT_ELEMENTS_H__

#include <gst/gst.h>

G_BEGIN_DECLS

GST_ELEMENT_REGISTER_DECLARE (audiocorrupt);
GST_ELEMENT_REGISTER_DECLARE (corrupt);
GST_ELEMENT_REGISTER_DECLARE (spectralinspect);

G_END_DECLS

#endif /* __GST_INSPECT_ELEMENTS_H__ */
