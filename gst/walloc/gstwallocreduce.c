/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <walloc/decoder.h>

#include "gstwallocreduce.h"

GstCaps *
gst_walloc_reduce_offer (GstCaps * caps, guint width, guint height)
{
  GstCaps *result = gst_caps_new_empty (), *one;
  guint reduce;

  for (reduce = 0; reduce <= WALLOC_DECODE_MAX_REDUCE; reduce++) {
    one = gst_caps_copy (caps);
    gst_caps_set_simple (one,
        "width", G_TYPE_INT, walloc_decoder_reduced_size (width, reduce),
        "height", G_TYPE_INT, walloc_decoder_reduced_size (height, reduce),
        NULL);
    /* the sizes of small pictures may be the same */
    result = gst_caps_merge (result, one);
  }
  gst_caps_unref (caps);

  return result;
}

/* Replaces sizes [a, b] by those that become one of them. */
static void
enlarge_field (GstStructure * s, const gchar * name, guint reduce)
{
  const GValue *value = gst_structure_get_value (s, name);
  gint64 least, most;

  if (!value)
    return;
  if (G_VALUE_HOLDS_INT (value)) {
    least = most = g_value_get_int (value);
  } else if (GST_VALUE_HOLDS_INT_RANGE (value)) {
    least = gst_value_get_int_range_min (value);
    most = gst_value_get_int_range_max (value);
  } else {
    /* lists are rare; negotiation sorts out what does not fit */
    gst_structure_remove_field (s, name);
    return;
  }
  least = ((least - 1) << reduce) + 1;
  most = MIN (most << reduce, WALLOC_MAX_SIZE);
  if (least < most)
    gst_structure_set (s, name, GST_TYPE_INT_RANGE, (gint) CLAMP (least, 1,
            most - 1), (gint) most, NULL);
  else
    gst_structure_set (s, name, G_TYPE_INT, (gint) most, NULL);
}

GstCaps *
gst_walloc_reduce_invert (GstCaps * caps)
{
  GstCaps *result;
  guint reduce, i, n;

  if (gst_caps_is_any (caps) || gst_caps_is_empty (caps))
    return caps;
  result = gst_caps_copy (caps);
  n = gst_caps_get_size (caps);
  for (reduce = 1; reduce <= WALLOC_DECODE_MAX_REDUCE; reduce++) {
    GstCaps *one = gst_caps_copy (caps);

    for (i = 0; i < n; i++) {
      enlarge_field (gst_caps_get_structure (one, i), "width", reduce);
      enlarge_field (gst_caps_get_structure (one, i), "height", reduce);
    }
    result = gst_caps_merge (result, one);
  }
  gst_caps_unref (caps);

  return result;
}
