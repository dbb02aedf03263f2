/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwalloccommon.h"
#include "gstwallocwebstream.h"

/* frames since a key frame that a late client gets at once, at most */
#define MAX_FRAMES 1000
#define TICKS_PER_SECOND 4

void
gst_walloc_web_stream_init (GstWallocWebStream * self, gsize max_bytes)
{
  memset (self, 0, sizeof (*self));
  g_queue_init (&self->frames);
  self->max_bytes = max_bytes;
  self->pts = WALLOC_TIME_NONE;
}

static void
clear_frames (GstWallocWebStream * self)
{
  g_queue_clear_full (&self->frames,
      (GDestroyNotify) gst_walloc_web_frame_unref);
  self->bytes = 0;
}

void
gst_walloc_web_stream_clear (GstWallocWebStream * self)
{
  clear_frames (self);
  json_decref (self->config);
  self->config = NULL;
}

gboolean
gst_walloc_web_stream_uses (GstWallocWebStream * self, guint64 model)
{
  guint i;

  for (i = 0; i < self->n_models; i++) {
    if (self->models[i] == model)
      return TRUE;
  }
  return FALSE;
}

/* TRUE when it is new. */
static gboolean
add_model (GstWallocWebStream * self, guint64 model)
{
  gchar text[GST_WALLOC_ID_SIZE];

  if (gst_walloc_web_stream_uses (self, model))
    return FALSE;
  /* a server that runs for long: the oldest goes */
  if (self->n_models == GST_WALLOC_WEB_MAX_MODELS) {
    self->n_models--;
    memmove (self->models, self->models + 1,
        self->n_models * sizeof (*self->models));
    json_array_remove (json_object_get (self->config, "model-ids"), 0);
  }
  self->models[self->n_models++] = model;
  gst_walloc_id_to_string (model, text);
  json_array_append_new (json_object_get (self->config, "model-ids"),
      json_string (text));

  return TRUE;
}

/* TRUE when it was another value. */
static gboolean
set (json_t * object, const gchar * name, json_t * value)
{
  gboolean same = json_equal (json_object_get (object, name), value);

  json_object_set_new (object, name, value);
  return !same;
}

static gboolean
set_fraction (json_t * object, const gchar * name, guint64 n, guint64 d)
{
  return set (object, name, n > 0 && d > 0 ? json_real ((gdouble) n / d) :
      json_null ());
}

static void
set_media (GstWallocWebStream * self, const gchar * id)
{
  if (self->id == id)
    return;
  json_decref (self->config);
  self->config = json_pack ("{s:s, s:s, s:[]}", "id", id, "media", id,
      "model-ids");
  self->id = id;
  self->n_models = 0;
}

gboolean
gst_walloc_web_stream_caps (GstWallocWebStream * self, GstCaps * caps)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  gboolean audio = gst_structure_has_name (s, GST_WALLOC_AUDIO_MEDIA);
  const gchar *model = gst_structure_get_string (s, "model-id");
  json_t *before = json_deep_copy (self->config);
  gint value, n, d;
  gboolean changed;

  set_media (self, audio ? "audio" : "video");
  if (gst_structure_get_int (s, audio ? "rate" : "width", &value))
    set (self->config, audio ? "rate" : "width", json_integer (value));
  if (gst_structure_get_int (s, audio ? "channels" : "height", &value))
    set (self->config, audio ? "channels" : "height", json_integer (value));
  if (gst_structure_get_fraction (s, "framerate", &n, &d))
    set_fraction (self->config, "framerate", n, d);
  if (gst_structure_get_fraction (s, "pixel-aspect-ratio", &n, &d))
    set_fraction (self->config, "pixel-aspect-ratio", n, d);
  if (model)
    add_model (self, g_ascii_strtoull (model, NULL, 16));
  changed = !before || !json_equal (before, self->config);
  json_decref (before);

  return changed;
}

/* What the frame's header says that may differ from what is known. */
static gboolean
update (GstWallocWebStream * self, const walloc_frame_info * info)
{
  gboolean changed = FALSE;

  if (info->media == WALLOC_MEDIA_AUDIO) {
    changed |= set (self->config, "rate", json_integer (info->rate));
    changed |= set (self->config, "channels",
        json_integer (info->audio_channels));
  } else {
    changed |= set (self->config, "width", json_integer (info->width));
    changed |= set (self->config, "height", json_integer (info->height));
    if (info->fps_n > 0 && !json_object_get (self->config, "framerate"))
      changed |= set_fraction (self->config, "framerate", info->fps_n,
          info->fps_d);
  }
  changed |= add_model (self, info->model_id);

  return changed;
}

gboolean
gst_walloc_web_stream_frame (GstWallocWebStream * self,
    GstWallocWebFrame * frame, gint64 now)
{
  gboolean key = frame->info.type == WALLOC_FRAME_KEY, changed;

  set_media (self, frame->info.media == WALLOC_MEDIA_AUDIO ? "audio" : "video");
  changed = update (self, &frame->info);
  self->last_frame = now;
  self->utc = frame->utc;
  self->pts = frame->info.pts;
  self->ended = FALSE;
  self->sum += frame->size;

  if (key) {
    clear_frames (self);
    self->too_long = FALSE;
  }
  if (self->too_long || (!key && g_queue_is_empty (&self->frames)))
    return changed;
  if (!key && (self->bytes + frame->size > self->max_bytes
          || self->frames.length >= MAX_FRAMES)) {
    clear_frames (self);
    self->too_long = TRUE;
    return changed;
  }
  g_queue_push_tail (&self->frames, gst_walloc_web_frame_ref (frame));
  self->bytes += frame->size;

  return changed;
}

void
gst_walloc_web_stream_discont (GstWallocWebStream * self)
{
  clear_frames (self);
  self->too_long = FALSE;
}

void
gst_walloc_web_stream_tick (GstWallocWebStream * self)
{
  guint64 bytes = 0;
  guint i, n;

  self->window[self->ticks++ % G_N_ELEMENTS (self->window)] = self->sum;
  self->sum = 0;
  n = MIN (self->ticks, G_N_ELEMENTS (self->window));
  for (i = 0; i < n; i++)
    bytes += self->window[i];

  self->kbps = bytes * 8 * TICKS_PER_SECOND / n / 1000;
}
