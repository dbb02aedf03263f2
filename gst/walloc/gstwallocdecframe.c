/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One frame in wallocdec: its model, its decoder, what is damaged or late. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwalloccommon.h"
#include "gstwallocdec.h"

GST_DEBUG_CATEGORY_EXTERN (wallocdec_debug);
#define GST_CAT_DEFAULT wallocdec_debug

/* between two pictures, of which the later may be filled from the earlier */
#define NEAR GST_SECOND

/* damage is told on the bus at most this often, lest a bad link floods it */
#define WARNING_INTERVAL G_USEC_PER_SEC

/* Gets the model that @info names, and a decoder for it. Posts an error. */
static gboolean
gst_walloc_dec_prepare (GstWallocDec * self, const walloc_frame_info * info)
{
  GstWallocModel *model;
  GError *error = NULL;
  walloc_error text = { "" };
  gchar *name;

  if (self->decoder && self->model->info.id == info->model_id)
    return TRUE;

  GST_OBJECT_LOCK (self);
  name = g_strdup (self->model_file);
  GST_OBJECT_UNLOCK (self);
  model = gst_walloc_model_open_by_id (info->model_id, name, &error);
  g_free (name);
  if (!model) {
    GST_WALLOC_POST_ERROR (self, error);
    g_clear_error (&error);
    return FALSE;
  }

  gst_walloc_dec_forget_model (self);
  if (walloc_decoder_new (model->model, NULL,
          gst_walloc_runner_get (self->runner), NULL, &self->decoder, &text)
      != WALLOC_OK) {
    self->decoder = NULL;
    GST_ELEMENT_ERROR (self, LIBRARY, INIT, (NULL),
        ("Cannot make a decoder for the model \"%s\": %s", model->path,
            text.text));
    gst_walloc_model_unref (model);
    return FALSE;
  }
  self->model = model;

  return TRUE;
}

static gboolean
gst_walloc_dec_is_live (GstWallocDec * self)
{
  GstQuery *query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (GST_VIDEO_DECODER_SINK_PAD (self), query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  gst_query_unref (query);

  return live;
}

/* How long @frame is shown: unknown for stills. */
static GstClockTime
gst_walloc_dec_get_duration (GstWallocDec * self, GstVideoCodecFrame * frame)
{
  const GstVideoInfo *info = &self->output_state->info;

  if (info->fps_n > 0 && info->fps_d > 0)
    return gst_util_uint64_scale (GST_SECOND, info->fps_d, info->fps_n);

  return frame->duration;
}

/* The decoder to use, or FALSE with an error posted. */
static gboolean
gst_walloc_dec_get_kind (GstWallocDec * self, GstVideoCodecFrame * frame,
    walloc_decoder_kind * kind)
{
  GST_OBJECT_LOCK (self);
  *kind = self->kind;
  GST_OBJECT_UNLOCK (self);

  if (*kind == WALLOC_DECODER_AUTO) {
    if (!self->live_known)
      self->choice.live = gst_walloc_dec_is_live (self);
    self->live_known = TRUE;
    gst_walloc_choice_set_stream (&self->choice, self->model->info.decoders,
        self->choice.live, gst_walloc_dec_get_duration (self, frame));
    *kind = gst_walloc_choice_get (&self->choice);
    return TRUE;
  }
  if (self->model->info.decoders & (1u << *kind))
    return TRUE;

  GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS, (NULL),
      ("The model \"%s\" has no decoder \"%s\". Use decoder=auto, which "
          "takes what there is.", self->model->path,
          *kind == WALLOC_DECODER_FAST ? "fast" : *kind ==
          WALLOC_DECODER_BEST ? "best" : "linear"));
  return FALSE;
}

/* What a network says that cannot be used: of such a build, or for pictures
 * of such a size. Frames may say so too. */
static gboolean
is_refusal (walloc_result result)
{
  return result == WALLOC_ERR_LIMIT || result == WALLOC_ERR_MEMORY
      || result == WALLOC_ERR_UNSUPPORTED;
}

/* Decodes into @image. A network that auto cannot use for pictures of this size
 * is not tried again, and the frame is decoded without. */
static walloc_result
gst_walloc_dec_run (GstWallocDec * self, const GstMapInfo * map,
    walloc_decoder_kind kind, const walloc_image * image, guint * damaged,
    walloc_error * text)
{
  walloc_decode_params params;
  walloc_decoder_stats stats;
  walloc_result result;
  gboolean automatic, hurried;
  gint64 start;

  walloc_decode_params_init (&params);
  params.reduce = self->reduce;
  GST_OBJECT_LOCK (self);
  automatic = self->kind == WALLOC_DECODER_AUTO;
  GST_OBJECT_UNLOCK (self);

  for (;;) {
    params.kind = kind;
    start = g_get_monotonic_time ();
    result = walloc_decoder_decode_with (self->decoder, map->data, map->size,
        &params, image, damaged, text);
    if (!automatic || kind <= WALLOC_DECODER_LINEAR || !is_refusal (result))
      break;
    GST_INFO_OBJECT (self, "decoder %d is not for pictures of %ux%u: %s", kind,
        image->width, image->height, text->text);
    gst_walloc_choice_refused (&self->choice, kind);
    kind = gst_walloc_choice_get (&self->choice);
  }
  hurried = automatic && kind < gst_walloc_choice_get_top (&self->choice);
  if (automatic)
    gst_walloc_choice_decoded (&self->choice, kind,
        (g_get_monotonic_time () - start) * GST_USECOND);

  walloc_decoder_get_stats (self->decoder, &stats);
  GST_OBJECT_LOCK (self);
  self->stats = stats;
  if (result == WALLOC_OK || result == WALLOC_ERR_TRUNCATED)
    self->decoded[kind]++;
  self->hurried += hurried;
  GST_OBJECT_UNLOCK (self);

  return result;
}

/* Posts an error if the decoder that was asked for refused a frame that the
 * linear one decodes: then the frame is sound, and so will be all others. */
static gboolean
gst_walloc_dec_is_refused (GstWallocDec * self, const GstMapInfo * map,
    walloc_decoder_kind kind, const walloc_image * image, walloc_result result,
    const walloc_error * text)
{
  walloc_decode_params params;
  guint damaged;

  if (!is_refusal (result) || kind <= WALLOC_DECODER_LINEAR)
    return FALSE;
  walloc_decode_params_init (&params);
  params.reduce = self->reduce;
  params.kind = WALLOC_DECODER_LINEAR;
  if (walloc_decoder_decode_with (self->decoder, map->data, map->size, &params,
          image, &damaged, NULL) != WALLOC_OK)
    return FALSE;
  GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS, (NULL),
      ("%s. Use decoder=auto, which takes what there is.", text->text));
  return TRUE;
}

/* Whether the application should be told of damage now; counts if not. */
static gboolean
gst_walloc_dec_may_warn (GstWallocDec * self)
{
  gint64 now = g_get_monotonic_time ();

  self->damaged_frames++;
  if (self->last_warning && now - self->last_warning < WARNING_INTERVAL)
    return FALSE;
  self->last_warning = now;
  return TRUE;
}

/* Marks @frame, whose damage was concealed. */
static void
gst_walloc_dec_handle_damage (GstWallocDec * self, GstVideoCodecFrame * frame,
    guint damaged, guint slices, gboolean truncated)
{
  GST_BUFFER_FLAG_SET (frame->output_buffer, GST_BUFFER_FLAG_CORRUPTED);
  if (!gst_walloc_dec_may_warn (self))
    return;

  GST_ELEMENT_WARNING (self, STREAM, DECODE, (NULL),
      ("Concealed %u damaged slices of %u in frame %u%s; %u damaged frames "
          "since the last message.", damaged, slices,
          frame->system_frame_number, truncated ? ", which is cut short" : "",
          self->damaged_frames));
  self->damaged_frames = 0;
}

/* Drops @frame, of which nothing can be shown. */
static GstFlowReturn
gst_walloc_dec_handle_unusable (GstWallocDec * self,
    GstVideoCodecFrame * frame, const gchar * text)
{
  GstVideoDecoder *decoder = GST_VIDEO_DECODER (self);
  GstFlowReturn ret = GST_FLOW_OK;

  self->unusable_frames++;
  GST_VIDEO_DECODER_ERROR (decoder, 1, STREAM, DECODE, (NULL),
      ("Frame %u cannot be decoded: %s", frame->system_frame_number, text),
      ret);
  /* by default the base class takes any number of errors without a word */
  if (ret == GST_FLOW_OK && gst_walloc_dec_may_warn (self)) {
    GST_ELEMENT_WARNING (self, STREAM, DECODE, (NULL),
        ("Frame %u cannot be decoded: %s; %u damaged frames since the last "
            "message.", frame->system_frame_number, text,
            self->damaged_frames));
    self->damaged_frames = 0;
  }
  gst_video_decoder_drop_frame (decoder, frame);

  return ret;
}

/* Drops @frame, which builds on one that was lost, and asks for a key frame. */
static GstFlowReturn
gst_walloc_dec_wait_for_key (GstWallocDec * self, GstVideoCodecFrame * frame,
    const gchar * text)
{
  GstVideoDecoder *decoder = GST_VIDEO_DECODER (self);

  GST_DEBUG_OBJECT (self, "leaving out frame %u: %s",
      frame->system_frame_number, text);
  /* the base class sees to it that there are not too many requests */
  gst_video_decoder_request_sync_point (decoder, frame, 0);
  /* for the end of a stream of which nothing could be shown */
  self->unusable_frames++;
  GST_OBJECT_LOCK (self);
  self->waiting++;
  GST_OBJECT_UNLOCK (self);
  if (gst_walloc_dec_may_warn (self)) {
    GST_ELEMENT_WARNING (self, STREAM, DECODE, (NULL),
        ("Frame %u cannot be decoded: %s; %u damaged frames since the last "
            "message.", frame->system_frame_number, text,
            self->damaged_frames));
    self->damaged_frames = 0;
  }
  return gst_video_decoder_drop_frame (decoder, frame);
}

/* Whether other frames may build on the one with the header @info. */
static gboolean
is_built_on (const walloc_frame_info * info)
{
  return info->type != WALLOC_FRAME_KEY || info->sequence != 0;
}

/* Whether memory may be made for the picture of @info. That of a size that
 * was decoded before is there; a new one, which a damaged or forged header may
 * claim to be huge, must come with some content. */
static walloc_result
gst_walloc_dec_check_size (GstWallocDec * self, const GstMapInfo * map,
    const walloc_frame_info * info, walloc_error * text)
{
  guint64 most;

  GST_OBJECT_LOCK (self);
  most = self->max_pixels;
  GST_OBJECT_UNLOCK (self);
  if ((guint64) info->width * info->height > most) {
    if (text)
      g_snprintf (text->text, sizeof (text->text), "its picture of %ux%u has "
          "more pixels than max-pixels=%" G_GUINT64_FORMAT " allows",
          info->width, info->height, most);
    return WALLOC_ERR_LIMIT;
  }
  if (self->output_state && self->header.width == info->width
      && self->header.height == info->height)
    return WALLOC_OK;
  return walloc_decoder_check (self->decoder, map->data, map->size, text);
}

static GstClockTime
gst_walloc_dec_get_pts (GstVideoCodecFrame * frame,
    const walloc_frame_info * info)
{
  if (!GST_CLOCK_TIME_IS_VALID (frame->pts) && info->pts != WALLOC_TIME_NONE)
    return info->pts;
  return frame->pts;
}

/* Headers may claim any time: no difference of two is an integer with a sign. */
static gboolean
is_near (GstClockTime a, GstClockTime b)
{
  return GST_CLOCK_TIME_IS_VALID (a) && GST_CLOCK_TIME_IS_VALID (b)
      && MAX (a, b) - MIN (a, b) <= NEAR;
}

/* What becomes of what is lost. The picture before serves only where it is
 * near: frames without time may be anything. */
static void
gst_walloc_dec_set_conceal (GstWallocDec * self, GstVideoCodecFrame * frame,
    const walloc_frame_info * info)
{
  GST_OBJECT_LOCK (self);
  walloc_decoder_set_conceal (self->decoder, self->conceal);
  GST_OBJECT_UNLOCK (self);
  walloc_decoder_set_recall (self->decoder, is_near (self->decoded_pts,
          gst_walloc_dec_get_pts (frame, info)));
}

/* Decodes the latents of a frame that is not shown, as the next builds on
 * them. What goes wrong shows at the next. */
static void
gst_walloc_dec_keep_up (GstWallocDec * self, GstVideoCodecFrame * frame,
    const GstMapInfo * map, const walloc_frame_info * info)
{
  walloc_latents latents;

  if (!self->decoder || self->model->info.id != info->model_id
      || gst_walloc_dec_check_size (self, map, info, NULL) != WALLOC_OK)
    return;
  gst_walloc_dec_set_conceal (self, frame, info);
  if (walloc_decoder_latents (self->decoder, map->data, map->size, &latents,
          NULL, NULL) == WALLOC_OK)
    self->decoded_pts = gst_walloc_dec_get_pts (frame, info);
}

static gboolean
gst_walloc_dec_is_late (GstWallocDec * self, GstVideoCodecFrame * frame)
{
  return gst_video_decoder_get_max_decode_time (GST_VIDEO_DECODER (self),
      frame) < 0;
}

/* Decodes the mapped bytes into a new output buffer of @frame. */
static GstFlowReturn
gst_walloc_dec_decode (GstWallocDec * self, GstVideoCodecFrame * frame,
    const GstMapInfo * map, const walloc_frame_info * info,
    walloc_result * result, guint * damaged, walloc_error * text)
{
  GstVideoDecoder *decoder = GST_VIDEO_DECODER (self);
  walloc_decoder_kind kind;
  GstVideoFrame video;
  walloc_image image;
  GstFlowReturn ret;

  if (!gst_walloc_dec_update_output (self, info)) {
    if (GST_PAD_IS_FLUSHING (GST_VIDEO_DECODER_SRC_PAD (decoder)))
      return GST_FLOW_FLUSHING;
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (!gst_walloc_dec_get_kind (self, frame, &kind))
    return GST_FLOW_ERROR;

  ret = gst_video_decoder_allocate_output_frame (decoder, frame);
  if (ret != GST_FLOW_OK)
    return ret;

  if (!gst_video_frame_map (&video, &self->output_state->info,
          frame->output_buffer, GST_MAP_WRITE)) {
    GST_ELEMENT_ERROR (self, RESOURCE, WRITE, (NULL),
        ("Cannot map an output buffer."));
    return GST_FLOW_ERROR;
  }
  gst_walloc_image_from_frame (&image, self->format, &video);
  *result = gst_walloc_dec_run (self, map, kind, &image, damaged, text);
  if (gst_walloc_dec_is_refused (self, map, kind, &image, *result, text))
    ret = GST_FLOW_ERROR;
  gst_video_frame_unmap (&video);

  return ret;
}

/* A byte stream has no time stamps but those in the headers. */
static void
gst_walloc_dec_stamp (GstVideoCodecFrame * frame,
    const walloc_frame_info * info)
{
  frame->pts = gst_walloc_dec_get_pts (frame, info);
  if (!GST_CLOCK_TIME_IS_VALID (frame->duration)
      && info->duration != WALLOC_TIME_NONE)
    frame->duration = info->duration;
}

GstFlowReturn
gst_walloc_dec_handle_frame (GstVideoDecoder * decoder,
    GstVideoCodecFrame * frame)
{
  GstWallocDec *self = GST_WALLOC_DEC (decoder);
  GstFlowReturn ret = GST_FLOW_OK;
  GstMapInfo map;
  walloc_frame_info info;
  walloc_error text = { "" };
  walloc_result result;
  guint damaged = 0;

  if (!gst_buffer_map (frame->input_buffer, &map, GST_MAP_READ))
    goto map_failed;

  walloc_frame_info_init (&info);
  result = walloc_frame_parse (map.data, map.size, &info, &text);
  if (result == WALLOC_OK && info.media != WALLOC_MEDIA_VIDEO) {
    g_strlcpy (text.text, "it holds sound, not a picture", sizeof (text.text));
    result = WALLOC_ERR_UNSUPPORTED;
  }
  if (result != WALLOC_OK)
    goto unusable;

  if (gst_walloc_dec_is_late (self, frame)) {
    GST_DEBUG_OBJECT (self, "too late, dropping frame %u undecoded",
        frame->system_frame_number);
    if (is_built_on (&info))
      gst_walloc_dec_keep_up (self, frame, &map, &info);
    gst_buffer_unmap (frame->input_buffer, &map);
    self->has_output = TRUE;
    gst_walloc_choice_late (&self->choice);
    GST_OBJECT_LOCK (self);
    self->dropped++;
    GST_OBJECT_UNLOCK (self);
    return gst_video_decoder_drop_frame (decoder, frame);
  }

  if (!gst_walloc_dec_prepare (self, &info)) {
    ret = GST_FLOW_ERROR;
    goto drop;
  }
  gst_walloc_dec_set_conceal (self, frame, &info);
  result = gst_walloc_dec_check_size (self, &map, &info, &text);
  if (result == WALLOC_ERR_NEEDS_KEY)
    goto needs_key;
  if (result != WALLOC_OK)
    goto unusable;
  gst_walloc_dec_stamp (frame, &info);

  ret = gst_walloc_dec_decode (self, frame, &map, &info, &result, &damaged,
      &text);
  if (ret != GST_FLOW_OK)
    goto drop;
  if (result == WALLOC_ERR_MEMORY)
    goto no_memory;
  if (result == WALLOC_ERR_NEEDS_KEY)
    goto needs_key;
  /* of a truncated frame the slices that are whole were decoded */
  if (result != WALLOC_OK && result != WALLOC_ERR_TRUNCATED)
    goto unusable;

  self->decoded_pts = frame->pts;
  gst_buffer_unmap (frame->input_buffer, &map);
  if (damaged || result == WALLOC_ERR_TRUNCATED)
    gst_walloc_dec_handle_damage (self, frame, damaged, info.slices,
        result == WALLOC_ERR_TRUNCATED);
  /* until then, what builds on the damage shows it as well */
  if (damaged && is_built_on (&info))
    gst_video_decoder_request_sync_point (decoder, frame, 0);
  if (info.type == WALLOC_FRAME_KEY)
    GST_VIDEO_CODEC_FRAME_SET_SYNC_POINT (frame);

  self->has_output = TRUE;

  return gst_video_decoder_finish_frame (decoder, frame);

  /* ERRORS */
map_failed:
  {
    GST_ELEMENT_ERROR (self, RESOURCE, READ, (NULL),
        ("Cannot map an input buffer."));
    gst_video_decoder_release_frame (decoder, frame);
    return GST_FLOW_ERROR;
  }
no_memory:
  {
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT, (NULL),
        ("Out of memory while decoding: %s", text.text));
    ret = GST_FLOW_ERROR;
    goto drop;
  }
needs_key:
  {
    gst_buffer_unmap (frame->input_buffer, &map);
    return gst_walloc_dec_wait_for_key (self, frame, text.text);
  }
unusable:
  {
    gst_buffer_unmap (frame->input_buffer, &map);
    return gst_walloc_dec_handle_unusable (self, frame,
        *text.text ? text.text : walloc_strerror (result));
  }
drop:
  {
    gst_buffer_unmap (frame->input_buffer, &map);
    gst_video_decoder_release_frame (decoder, frame);
    return ret;
  }
}
