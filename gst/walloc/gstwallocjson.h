/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Structures of messages and metas as JSON. */
#ifndef __GST_WALLOC_JSON_H__
#define __GST_WALLOC_JSON_H__

#include <gst/gst.h>
#include <jansson.h>

G_BEGIN_DECLS

/* An object with the fields of @structure in their order. Numbers, strings,
 * booleans, structures, lists and arrays of these are there; fields of other
 * types (samples, buffers) are left out. Unknown times and what is no finite
 * number become null. */
json_t *  gst_walloc_json_from_structure  (const GstStructure * structure);

/* The same with the name as field "type" at the front, as one line of text
 * without a newline. */
gchar *   gst_walloc_structure_to_json    (const GstStructure * structure);

/* One line, as short as possible; @json is borrowed. */
gchar *   gst_walloc_json_to_text         (const json_t * json);

G_END_DECLS

#endif /* __GST_WALLOC_JSON_H__ */
