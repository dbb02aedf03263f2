/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_NATS_ELEMENTS_H__
#define __GST_NATS_ELEMENTS_H__

#include <gst/gst.h>

G_BEGIN_DECLS

GST_ELEMENT_REGISTER_DECLARE (natssink);
GST_ELEMENT_REGISTER_DECLARE (natssrc);

G_END_DECLS

#endif /* __GST_NATS_ELEMENTS_H__ */
