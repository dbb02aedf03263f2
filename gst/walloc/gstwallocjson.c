/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <math.h>
#include <stdlib.h>

#include "gstwallocjson.h"

static json_t *json_of (const GValue * value);

static gboolean
add_field (GQuark field, const GValue * value, gpointer data)
{
  json_t *item = json_of (value);

  if (item)
    json_object_set_new (data, g_quark_to_string (field), item);
  return TRUE;
}

static json_t *
json_of_double (gdouble value)
{
  return isfinite (value) ? json_real (value) : json_null ();
}

static json_t *
json_of_list (const GValue * value)
{
  gboolean array = GST_VALUE_HOLDS_ARRAY (value);
  guint i, n = array ? gst_value_array_get_size (value) :
      gst_value_list_get_size (value);
  json_t *a = json_array ();

  for (i = 0; i < n; i++)
    json_array_append_new (a, json_of (array ? gst_value_array_get_value (value,
                i) : gst_value_list_get_value (value, i)));
  return a;
}

static json_t *
json_of (const GValue * value)
{
  if (G_VALUE_HOLDS_STRING (value))
    return json_string (g_value_get_string (value));
  if (G_VALUE_HOLDS_UINT64 (value)
      && g_value_get_uint64 (value) == GST_CLOCK_TIME_NONE)
    return json_null ();
  if (G_VALUE_HOLDS_UINT64 (value))
    return json_integer ((json_int_t) g_value_get_uint64 (value));
  if (G_VALUE_HOLDS_INT64 (value))
    return json_integer ((json_int_t) g_value_get_int64 (value));
  if (G_VALUE_HOLDS_UINT (value))
    return json_integer (g_value_get_uint (value));
  if (G_VALUE_HOLDS_INT (value))
    return json_integer (g_value_get_int (value));
  if (G_VALUE_HOLDS_BOOLEAN (value))
    return json_boolean (g_value_get_boolean (value));
  if (G_VALUE_HOLDS_DOUBLE (value))
    return json_of_double (g_value_get_double (value));
  if (G_VALUE_HOLDS_FLOAT (value))
    return json_of_double (g_value_get_float (value));
  if (GST_VALUE_HOLDS_STRUCTURE (value))
    return gst_walloc_json_from_structure (gst_value_get_structure (value));
  if (GST_VALUE_HOLDS_ARRAY (value) || GST_VALUE_HOLDS_LIST (value))
    return json_of_list (value);
  return NULL;
}

json_t *
gst_walloc_json_from_structure (const GstStructure * structure)
{
  json_t *o = json_object ();

  gst_structure_foreach (structure, add_field, o);
  return o;
}

gchar *
gst_walloc_json_to_text (const json_t * json)
{
  /* seven digits are what floats hold */
  gchar *text = json_dumps (json, JSON_COMPACT | JSON_ENCODE_ANY |
      JSON_REAL_PRECISION (8));
  gchar *line = g_strdup (text ? text : "{}");

  free (text);
  return line;
}

gchar *
gst_walloc_structure_to_json (const GstStructure * structure)
{
  json_t *o = json_object ();
  gchar *line;

  json_object_set_new (o, "type", json_string (gst_structure_get_name
          (structure)));
  gst_structure_foreach (structure, add_field, o);
  line = gst_walloc_json_to_text (o);
  json_decref (o);

  return line;
}
