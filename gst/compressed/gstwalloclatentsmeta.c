/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwalloccommon.h"
#include "gstwalloclatentsmeta.h"

void
gst_walloc_latents_meta_register (void)
{
  static const gchar *no_tags[] = { NULL };
  static gsize once;

  if (g_once_init_enter (&once)) {
    if (!gst_meta_get_info (GST_WALLOC_LATENTS_META))
      gst_meta_register_custom (GST_WALLOC_LATENTS_META, no_tags, NULL, NULL,
          NULL);
    g_once_init_leave (&once, 1);
  }
}

static void
set_steps (GstStructure * s, const gfloat * steps, guint channels)
{
  GValue array = G_VALUE_INIT, value = G_VALUE_INIT;
  guint i;

  g_value_init (&array, GST_TYPE_ARRAY);
  g_value_init (&value, G_TYPE_DOUBLE);
  for (i = 0; i < channels; i++) {
    g_value_set_double (&value, steps[i]);
    gst_value_array_append_value (&array, &value);
  }
  g_value_unset (&value);
  gst_structure_take_value (s, "steps", &array);
}

void
gst_walloc_latents_meta_add (GstBuffer * buffer,
    const walloc_frame_info * info, const guint8 * header,
    const gfloat * steps, guint channels)
{
  GstCustomMeta *meta;
  GstStructure *s;
  gchar id[GST_WALLOC_ID_SIZE];
  GBytes *bytes;

  gst_walloc_latents_meta_register ();
  meta = gst_buffer_add_custom_meta (buffer, GST_WALLOC_LATENTS_META);
  g_return_if_fail (meta != NULL);
  s = gst_custom_meta_get_structure (meta);
  gst_walloc_id_to_string (info->model_id, id);
  bytes = g_bytes_new (header, info->header_size);
  gst_structure_set (s, "model-id", G_TYPE_STRING, id,
      "channels", G_TYPE_UINT, info->channels,
      "key", G_TYPE_BOOLEAN, info->type == WALLOC_FRAME_KEY,
      "header", G_TYPE_BYTES, bytes, NULL);
  g_bytes_unref (bytes);
  if (info->media == WALLOC_MEDIA_AUDIO)
    gst_structure_set (s, "media", G_TYPE_STRING, "audio",
        "rate", G_TYPE_UINT, info->rate,
        "audio-channels", G_TYPE_UINT, info->audio_channels,
        "trim-start", G_TYPE_UINT, info->trim_start,
        "trim-end", G_TYPE_UINT, info->trim_end, NULL);
  else
    gst_structure_set (s, "media", G_TYPE_STRING, "video",
        "width", G_TYPE_UINT, info->width,
        "height", G_TYPE_UINT, info->height,
        "format", G_TYPE_STRING, walloc_format_name (info->format),
        "scale", G_TYPE_UINT, info->scale, NULL);
  set_steps (s, steps, channels);
}

gboolean
gst_walloc_latents_meta_get (GstBuffer * buffer, walloc_frame_info * info)
{
  GstCustomMeta *meta;
  const GValue *value;
  GBytes *bytes;
  gsize size;
  const guint8 *data;

  gst_walloc_latents_meta_register ();
  meta = gst_buffer_get_custom_meta (buffer, GST_WALLOC_LATENTS_META);
  if (!meta)
    return FALSE;
  value = gst_structure_get_value (gst_custom_meta_get_structure (meta),
      "header");
  if (!value || !G_VALUE_HOLDS (value, G_TYPE_BYTES))
    return FALSE;
  bytes = g_value_get_boxed (value);
  if (!bytes)
    return FALSE;
  /* anybody may have written it */
  data = g_bytes_get_data (bytes, &size);
  return data && walloc_frame_parse (data, size, info, NULL) == WALLOC_OK;
}

gfloat *
gst_walloc_latents_meta_steps (GstBuffer * buffer, guint channels)
{
  GstCustomMeta *meta;
  const GValue *array, *value;
  gfloat *steps;
  guint i;

  gst_walloc_latents_meta_register ();
  meta = gst_buffer_get_custom_meta (buffer, GST_WALLOC_LATENTS_META);
  if (!meta)
    return NULL;
  array = gst_structure_get_value (gst_custom_meta_get_structure (meta),
      "steps");
  if (!array || !GST_VALUE_HOLDS_ARRAY (array))
    return NULL;
  steps = g_new0 (gfloat, channels);
  for (i = 0; i < channels && i < gst_value_array_get_size (array); i++) {
    value = gst_value_array_get_value (array, i);
    if (G_VALUE_HOLDS_DOUBLE (value))
      steps[i] = g_value_get_double (value);
  }
  return steps;
}
