/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstnatsresults.h"
#include "gstwallocjson.h"

static gboolean
add_result (GstBuffer * buffer, GstMeta ** meta, gpointer user_data)
{
  json_t *result;
  GstStructure *s;

  if (!gst_meta_info_is_custom ((*meta)->info))
    return TRUE;
  s = gst_custom_meta_get_structure ((GstCustomMeta *) * meta);
  if (!g_str_has_prefix (gst_structure_get_name (s), "GstCompressed"))
    return TRUE;
  result = gst_walloc_json_from_structure (s);
  json_object_set_new (result, "type",
      json_string (gst_structure_get_name (s)));
  json_array_append_new (user_data, result);

  return TRUE;
}

gchar *
gst_nats_results_from_buffer (GstBuffer * buffer)
{
  json_t *root = json_object (), *results = json_array ();
  gchar *text;

  gst_buffer_foreach_meta (buffer, add_result, results);
  json_object_set_new (root, "results", results);
  text = gst_walloc_json_to_text (root);
  json_decref (root);

  return text;
}
