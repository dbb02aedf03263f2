/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-wallocenc
 * @title: wallocenc
 * @short_description: Learned video and picture encoder
 * @see_also: wallocdec, wallocparse
 *
 * Encodes raw video into WaLLoC frames: a wavelet packet transform, one
 * matrix and an entropy coder, in integers, so the same picture gives the
 * same bytes on every machine and with any number of threads.
 *
 * Every frame describes itself (size, format, colorimetry, frame rate, pixel
 * aspect ratio, time stamps, model), so the output may be written to a file,
 * a socket or a pipe as it is. Every frame is a key frame unless
 * #GstWallocEnc:key-int-max allows others: a predicted frame leaves what did
 * not change as it is in the frame before, so a static picture costs next to
 * nothing, and decoders must see every frame.
 *
 * The property #GstWallocEnc:quality sets a constant quality. With
 * #GstWallocEnc:bitrate the step is chosen per frame such that any two seconds
 * keep the rate.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=100 ! wallocenc quality=60 ! filesink location=test.wlc
 * ]| This line writes a test picture into a file that decodebin can play.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=1 ! wallocenc snapshot=true ! filesink location=still.wlc
 * ]| This line writes a still picture.
 * |[
 * gst-launch-1.0 videotestsrc is-live=true num-buffers=100 ! wallocenc bitrate=1000 ! wallocdec ! fakesink
 * ]| This line keeps a rate of 1000 kbit/s.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=300 ! wallocenc key-int-max=150 ! filesink location=test.wlc
 * ]| This line lets frames build on the one before.
 *
 * Since: 0.1
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include <gst/video/gstvideometa.h>

#include "gstwalloccommon.h"
#include "gstwallocelements.h"
#include "gstwallocenc.h"

GST_DEBUG_CATEGORY_STATIC (wallocenc_debug);
#define GST_CAT_DEFAULT wallocenc_debug

/* how far below quality 1 a rate may take the step before pictures are left
 * out instead */
#define LOW_MARGIN 24

/* a frame's duration when neither caps nor buffers tell it */
#define FALLBACK_DURATION (GST_SECOND / 30)

/* values of the properties at the time of one frame */
typedef struct
{
  guint quality, bitrate, channels, layers, slice_rows, speed;
  guint key_int_max;
  gboolean snapshot;
} Settings;

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_WALLOC_VIDEO_RAW_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS ", " GST_WALLOC_VIDEO_SIZES));

#define gst_walloc_enc_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstWallocEnc, gst_walloc_enc, GST_TYPE_VIDEO_ENCODER);

GST_ELEMENT_REGISTER_DEFINE (wallocenc, "wallocenc", GST_RANK_PRIMARY,
    GST_TYPE_WALLOC_ENC);

static void
gst_walloc_enc_finalize (GObject * object)
{
  GstWallocEnc *self = GST_WALLOC_ENC (object);

  g_free (self->model_file);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static gboolean
gst_walloc_enc_start (GstVideoEncoder * encoder)
{
  GstWallocEnc *self = GST_WALLOC_ENC (encoder);
  GstWallocModel *model;
  GError *error = NULL;
  walloc_error text = { "" };
  gchar *name;
  guint threads;

  GST_OBJECT_LOCK (self);
  name = g_strdup (self->model_file);
  threads = self->threads;
  GST_OBJECT_UNLOCK (self);

  /* here and not at the first picture, so that the application's change of
   * state fails and not the stream later */
  model = gst_walloc_model_open (name, &error);
  g_free (name);
  if (!model) {
    GST_WALLOC_POST_ERROR (self, error);
    g_clear_error (&error);
    return FALSE;
  }

  self->runner = gst_walloc_runner_new (threads);
  if (walloc_encoder_new (model->model, NULL,
          gst_walloc_runner_get (self->runner), &self->encoder, &text)
      != WALLOC_OK) {
    GST_ELEMENT_ERROR (self, LIBRARY, INIT, (NULL),
        ("Cannot make an encoder for the model \"%s\": %s", model->path,
            text.text));
    gst_walloc_runner_free (self->runner);
    self->runner = NULL;
    gst_walloc_model_unref (model);
    return FALSE;
  }

  GST_OBJECT_LOCK (self);
  self->model = model;
  memset (&self->stats, 0, sizeof (self->stats));
  self->dropped = self->skipped = self->last_again = 0;
  self->last_step = self->last_channels = self->last_layers = 0;
  GST_OBJECT_UNLOCK (self);

  gst_walloc_steps_init (&self->steps, model->model);
  gst_walloc_rate_control_init (&self->rate);
  self->last_pts = self->last_duration = GST_CLOCK_TIME_NONE;
  self->since_key = 0;
  self->nominal_bitrate = 0;
  self->warned_constant = FALSE;
  self->again = 0;

  return TRUE;
}

static gboolean
gst_walloc_enc_stop (GstVideoEncoder * encoder)
{
  GstWallocEnc *self = GST_WALLOC_ENC (encoder);
  GstWallocModel *model;

  g_clear_pointer (&self->input_state, gst_video_codec_state_unref);
  walloc_encoder_free (self->encoder);
  self->encoder = NULL;
  gst_walloc_runner_free (self->runner);
  self->runner = NULL;

  GST_OBJECT_LOCK (self);
  model = self->model;
  self->model = NULL;
  GST_OBJECT_UNLOCK (self);
  gst_walloc_model_unref (model);

  return TRUE;
}

/* The template with those formats alone that bits of @formats stand for. */
static GstCaps *
gst_walloc_enc_caps_of_formats (GstWallocEnc * self, guint32 formats)
{
  GstCaps *caps;
  GValue list = G_VALUE_INIT;
  const GValue *all;
  guint i;

  caps = gst_caps_make_writable (gst_pad_get_pad_template_caps
      (GST_VIDEO_ENCODER_SINK_PAD (self)));
  all = gst_structure_get_value (gst_caps_get_structure (caps, 0), "format");
  g_value_init (&list, GST_TYPE_LIST);
  for (i = 0; i < gst_value_list_get_size (all); i++) {
    const GValue *value = gst_value_list_get_value (all, i);
    walloc_format format;

    if (gst_walloc_format_from_video (gst_video_format_from_string
            (g_value_get_string (value)), &format)
        && formats & (1u << format))
      gst_value_list_append_value (&list, value);
  }
  gst_caps_set_value (caps, "format", &list);
  g_value_unset (&list);

  return caps;
}

/* The formats that the model takes, with downstream's restrictions. */
static GstCaps *
gst_walloc_enc_getcaps (GstVideoEncoder * encoder, GstCaps * filter)
{
  GstWallocEnc *self = GST_WALLOC_ENC (encoder);
  GstCaps *caps, *narrow, *result;
  gboolean have_model;
  guint32 formats = 0;

  /* the base class of 1.22 leaks caps that are passed to this, so the
   * model's part is added behind it */
  caps = gst_video_encoder_proxy_getcaps (encoder, NULL, filter);

  GST_OBJECT_LOCK (self);
  have_model = self->model != NULL;
  if (have_model)
    formats = self->model->info.formats;
  GST_OBJECT_UNLOCK (self);
  if (!have_model)
    return caps;

  narrow = gst_walloc_enc_caps_of_formats (self, formats);
  result = gst_caps_intersect_full (caps, narrow, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (narrow);
  gst_caps_unref (caps);

  return result;
}

static void
gst_walloc_enc_update_tags (GstWallocEnc * self, guint bitrate)
{
  GstTagList *tags = gst_tag_list_new_empty ();

  gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE,
      GST_TAG_VIDEO_CODEC, GST_WALLOC_CODEC_NAME,
      GST_TAG_ENCODER, "wallocenc " VERSION, NULL);
  if (bitrate) {
    gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE, GST_TAG_NOMINAL_BITRATE,
        (guint) MIN ((guint64) bitrate * 1000, G_MAXUINT), NULL);
  }
  gst_video_encoder_merge_tags (GST_VIDEO_ENCODER (self), tags,
      GST_TAG_MERGE_REPLACE);
  gst_tag_list_unref (tags);
  self->nominal_bitrate = bitrate;
}

static gboolean
gst_walloc_enc_set_format (GstVideoEncoder * encoder,
    GstVideoCodecState * state)
{
  GstWallocEnc *self = GST_WALLOC_ENC (encoder);
  GstVideoInfo *info = &state->info;
  GstVideoCodecState *output;
  gchar id[GST_WALLOC_ID_SIZE];
  walloc_format format;
  guint bitrate;

  /* nothing is ever held back, so there is nothing to drain */
  if (!gst_walloc_format_from_video (GST_VIDEO_INFO_FORMAT (info), &format)
      || !(self->model->info.formats & (1u << format))) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, (NULL),
        ("The model \"%s\" does not encode the format %s.",
            self->model->info.name,
            gst_video_format_to_string (GST_VIDEO_INFO_FORMAT (info))));
    return FALSE;
  }
  if (GST_VIDEO_INFO_IS_INTERLACED (info))
    GST_WARNING_OBJECT (self, "fields are coded as one progressive picture, "
        "and frame headers cannot tell that they are fields");

  g_clear_pointer (&self->input_state, gst_video_codec_state_unref);
  self->input_state = gst_video_codec_state_ref (state);
  self->format = format;
  self->has_colour = gst_walloc_colour_from_info (&self->colour, info);
  self->last_pts = self->last_duration = GST_CLOCK_TIME_NONE;
  /* new caps, new decoders: they begin with a key frame */
  self->since_key = 0;
  /* another size needs other steps */
  gst_walloc_rate_control_init (&self->rate);

  /* the base class adds size, rate, aspect ratio and colorimetry */
  gst_walloc_id_to_string (self->model->info.id, id);
  output = gst_video_encoder_set_output_state (encoder,
      gst_caps_new_simple (GST_WALLOC_VIDEO_MEDIA,
          "alignment", G_TYPE_STRING, "frame", "parsed", G_TYPE_BOOLEAN, TRUE,
          "model-id", G_TYPE_STRING, id, NULL), state);
  gst_video_codec_state_unref (output);

  /* one picture in, one frame out */
  gst_video_encoder_set_latency (encoder, 0, 0);

  GST_OBJECT_LOCK (self);
  bitrate = self->bitrate;
  GST_OBJECT_UNLOCK (self);
  gst_walloc_enc_update_tags (self, bitrate);

  return gst_video_encoder_negotiate (encoder);
}

static gboolean
gst_walloc_enc_propose_allocation (GstVideoEncoder * encoder, GstQuery * query)
{
  if (!GST_VIDEO_ENCODER_CLASS (parent_class)->propose_allocation (encoder,
          query))
    return FALSE;
  /* pictures are read where they lie, with any stride */
  if (!gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL))
    gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);

  return TRUE;
}

static gboolean
gst_walloc_enc_flush (GstVideoEncoder * encoder)
{
  GstWallocEnc *self = GST_WALLOC_ENC (encoder);

  self->last_pts = self->last_duration = GST_CLOCK_TIME_NONE;
  /* what was made last may have been thrown away behind */
  self->since_key = 0;

  return TRUE;
}

/* How long the picture of @frame stands, for the rate control, as far as that
 * is known before the next one comes. */
static GstClockTime
gst_walloc_enc_frame_duration (GstWallocEnc * self, GstVideoCodecFrame * frame)
{
  const GstVideoInfo *info = &self->input_state->info;
  GstClockTime duration = frame->duration, since = GST_CLOCK_TIME_NONE;

  if (GST_CLOCK_TIME_IS_VALID (frame->pts)
      && GST_CLOCK_TIME_IS_VALID (self->last_pts)
      && frame->pts > self->last_pts) {
    since = frame->pts - self->last_pts;
    if (GST_CLOCK_TIME_IS_VALID (self->last_duration))
      gst_walloc_rate_control_elapsed (&self->rate,
          GST_CLOCK_DIFF (self->last_duration, since));
  }

  if (!(info->flags & GST_VIDEO_FLAG_VARIABLE_FPS) && info->fps_n > 0) {
    duration = gst_util_uint64_scale (GST_SECOND, info->fps_d, info->fps_n);
    /* where pictures are missing, the next one is likely to be as late */
    if (GST_CLOCK_TIME_IS_VALID (since) && since > duration + duration / 2)
      duration = since;
  } else if (!GST_CLOCK_TIME_IS_VALID (duration) || duration == 0) {
    duration = GST_CLOCK_TIME_IS_VALID (since) ? since : FALLBACK_DURATION;
  }
  self->last_pts = frame->pts;
  self->last_duration = duration;

  return duration;
}

/* What @frame may be predicted from. */
static walloc_prediction
gst_walloc_enc_get_prediction (GstWallocEnc * self, guint key_int_max,
    GstVideoCodecFrame * frame)
{
  if (key_int_max <= 1)
    return WALLOC_PREDICT_NONE;
  if (self->since_key == 0 || self->since_key >= key_int_max
      || GST_VIDEO_CODEC_FRAME_IS_FORCE_KEYFRAME (frame))
    return WALLOC_PREDICT_KEY;
  return WALLOC_PREDICT_ALLOWED;
}

/* Fills what does not change from one attempt at a picture to the next. */
static void
gst_walloc_enc_fill_params (GstWallocEnc * self, const Settings * settings,
    GstVideoCodecFrame * frame, walloc_encode_params * params)
{
  const GstVideoInfo *info = &self->input_state->info;

  walloc_encode_params_init (params);
  params->quality = settings->quality;
  params->channels = settings->channels;
  params->layers = settings->layers;
  params->slice_rows = settings->slice_rows;
  params->speed = settings->speed;
  params->has_colour = self->has_colour;
  params->colour = self->colour;
  params->pts = GST_CLOCK_TIME_IS_VALID (frame->pts) ? frame->pts :
      WALLOC_TIME_NONE;
  params->duration = GST_CLOCK_TIME_IS_VALID (frame->duration) ?
      frame->duration : WALLOC_TIME_NONE;
  if (!(info->flags & GST_VIDEO_FLAG_VARIABLE_FPS) && info->fps_n > 0
      && info->fps_d > 0) {
    params->fps_n = info->fps_n;
    params->fps_d = info->fps_d;
  }
  if (info->par_n > 0 && info->par_d > 0) {
    params->par_n = info->par_n;
    params->par_d = info->par_d;
  }
}

/* Whether there is a rate to keep, and steps to keep it with. */
static gboolean
gst_walloc_enc_is_controlled (GstWallocEnc * self, const Settings * settings)
{
  if (settings->bitrate == 0)
    return FALSE;
  if (self->steps.coarsest != self->steps.finest)
    return TRUE;
  if (!self->warned_constant) {
    self->warned_constant = TRUE;
    GST_ELEMENT_WARNING (self, LIBRARY, SETTINGS, (NULL),
        ("The model \"%s\" has one fixed step, so \"bitrate\" has no "
            "effect.", self->model->info.name));
  }
  return FALSE;
}

/* Encodes the mapped picture, with the rate control if there is a rate. */
static walloc_result
gst_walloc_enc_encode (GstWallocEnc * self, const Settings * settings,
    const walloc_image * image, walloc_encode_params * params,
    GstClockTime duration, const guint8 ** data, gsize * size,
    walloc_frame_info * header, walloc_error * text)
{
  guint64 pixels = (guint64) image->width * image->height;
  gboolean is_key = params->predict != WALLOC_PREDICT_ALLOWED;
  walloc_encoder_stats before, after;
  walloc_result result;
  guint index;

  if (!gst_walloc_enc_is_controlled (self, settings)) {
    result = walloc_encoder_encode (self->encoder, image, params, data, size,
        header, text);
    if (result == WALLOC_OK)
      gst_walloc_rate_control_observe (&self->rate, header->type,
          gst_walloc_steps_quality (&self->steps, settings->quality), *size);
    return result;
  }

  index = gst_walloc_rate_control_begin (&self->rate, is_key, duration,
      params->predict == WALLOC_PREDICT_NONE ? 1 : settings->key_int_max,
      pixels);
  walloc_encoder_get_stats (self->encoder, &before);
  for (;;) {
    params->fill = gst_walloc_rate_control_fill (&self->rate);
    if (gst_walloc_steps_apply (&self->steps, index, settings->channels,
            params))
      gst_walloc_rate_control_forget (&self->rate);
    result = walloc_encoder_encode (self->encoder, image, params, data, size,
        header, text);
    if (result != WALLOC_OK)
      return result;
    walloc_encoder_get_stats (self->encoder, &after);
    if (!gst_walloc_rate_control_again (&self->rate, header->type, *size,
            after.filled - before.filled, &index))
      return WALLOC_OK;
    GST_DEBUG_OBJECT (self, "%" G_GSIZE_FORMAT " bytes at step index %u are "
        "far from the goal, encoding again at %u", *size, params->step_index,
        index);
    params->again = TRUE;
    self->again++;
  }
}

/* Whether the picture of @frame is left out because even the coarsest step
 * that is worth looking at exceeds the rate. */
static gboolean
gst_walloc_enc_skip (GstWallocEnc * self, const Settings * settings,
    GstVideoCodecFrame * frame, GstClockTime duration)
{
  if (!gst_walloc_enc_is_controlled (self, settings)) {
    gst_walloc_rate_control_set (&self->rate, 0, 0, 0, 0);
    return FALSE;
  }
  gst_walloc_rate_control_set (&self->rate, settings->bitrate * 1000.0,
      self->steps.finest, MIN (self->steps.coarsest + LOW_MARGIN,
          GST_WALLOC_STEP_MAX), GST_WALLOC_STEP_MAX);
  return !GST_VIDEO_CODEC_FRAME_IS_FORCE_KEYFRAME (frame)
      && gst_walloc_rate_control_skip (&self->rate, duration);
}

static GstFlowReturn
gst_walloc_enc_handle_frame (GstVideoEncoder * encoder,
    GstVideoCodecFrame * frame)
{
  GstWallocEnc *self = GST_WALLOC_ENC (encoder);
  GstVideoFrame video;
  GstFlowReturn ret;
  Settings settings;
  walloc_image image;
  walloc_encode_params params;
  walloc_frame_info header;
  walloc_encoder_stats stats;
  walloc_error text = { "" };
  walloc_result result;
  GstClockTime duration;
  const guint8 *data = NULL;
  gsize size = 0;
  guint since_key;

  GST_OBJECT_LOCK (self);
  settings.quality = self->quality;
  settings.bitrate = self->bitrate;
  settings.channels = self->channels;
  settings.layers = self->layers;
  settings.slice_rows = self->slice_rows;
  settings.speed = self->speed;
  settings.snapshot = self->snapshot;
  settings.key_int_max = self->key_int_max;
  GST_OBJECT_UNLOCK (self);

  /* only with the property "qos"; frames are predicted from those that were
   * made, so any may go */
  if (gst_video_encoder_get_max_encode_time (encoder, frame) < 0) {
    GST_DEBUG_OBJECT (self, "too late, dropping frame %u",
        frame->system_frame_number);
    if (GST_VIDEO_CODEC_FRAME_IS_FORCE_KEYFRAME (frame))
      self->since_key = 0;
    GST_OBJECT_LOCK (self);
    self->dropped++;
    GST_OBJECT_UNLOCK (self);
    return gst_video_encoder_finish_frame (encoder, frame);
  }

  if (settings.bitrate != self->nominal_bitrate)
    gst_walloc_enc_update_tags (self, settings.bitrate);

  duration = gst_walloc_enc_frame_duration (self, frame);
  if (gst_walloc_enc_skip (self, &settings, frame, duration)) {
    GST_DEBUG_OBJECT (self, "leaving out frame %u for the rate",
        frame->system_frame_number);
    GST_OBJECT_LOCK (self);
    self->skipped++;
    GST_OBJECT_UNLOCK (self);
    return gst_video_encoder_finish_frame (encoder, frame);
  }

  gst_walloc_runner_wake (self->runner);
  if (!gst_video_frame_map (&video, &self->input_state->info,
          frame->input_buffer, GST_MAP_READ))
    goto map_failed;

  gst_walloc_image_from_frame (&image, self->format, &video);
  gst_walloc_enc_fill_params (self, &settings, frame, &params);
  params.predict = gst_walloc_enc_get_prediction (self, settings.key_int_max,
      frame);
  /* until this one is out, there is nothing that the next may build on */
  since_key = self->since_key;
  self->since_key = 0;
  result = gst_walloc_enc_encode (self, &settings, &image, &params, duration,
      &data, &size, &header, &text);
  gst_video_frame_unmap (&video);
  if (result != WALLOC_OK)
    goto encode_failed;

  ret = gst_video_encoder_allocate_output_frame (encoder, frame, size);
  if (ret != GST_FLOW_OK)
    goto allocation_failed;
  if (gst_buffer_fill (frame->output_buffer, 0, data, size) != size)
    goto fill_failed;

  GST_LOG_OBJECT (self, "frame %u: %" G_GSIZE_FORMAT " bytes, type %d, step "
      "index %u, %u channels", frame->system_frame_number, size, header.type,
      header.step_index, header.channels);
  walloc_encoder_get_stats (self->encoder, &stats);
  GST_OBJECT_LOCK (self);
  self->stats = stats;
  self->last_again = self->again;
  self->last_step = header.step_index;
  self->last_channels = header.channels;
  self->last_layers = header.layers;
  GST_OBJECT_UNLOCK (self);

  self->since_key = header.type == WALLOC_FRAME_KEY ? 1 : since_key + 1;
  /* the base class marks all others as delta units */
  if (header.type == WALLOC_FRAME_KEY)
    GST_VIDEO_CODEC_FRAME_SET_SYNC_POINT (frame);
  ret = gst_video_encoder_finish_frame (encoder, frame);
  if (ret == GST_FLOW_OK && settings.snapshot)
    ret = GST_FLOW_EOS;

  return ret;

  /* ERRORS */
map_failed:
  {
    GST_ELEMENT_ERROR (self, RESOURCE, READ, (NULL),
        ("Cannot map the picture: the buffer is smaller than its caps say."));
    goto drop;
  }
encode_failed:
  {
    GST_ELEMENT_ERROR (self, STREAM, ENCODE, (NULL), ("Encoding failed: %s",
            *text.text ? text.text : walloc_strerror (result)));
    goto drop;
  }
allocation_failed:
  {
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT, (NULL),
        ("Cannot allocate %" G_GSIZE_FORMAT " bytes.", size));
    goto drop;
  }
fill_failed:
  {
    gst_clear_buffer (&frame->output_buffer);
    GST_ELEMENT_ERROR (self, RESOURCE, WRITE, (NULL),
        ("Cannot write into an output buffer."));
    goto drop;
  }
drop:
  {
    /* without an output buffer this only releases the frame */
    gst_video_encoder_finish_frame (encoder, frame);
    return GST_FLOW_ERROR;
  }
}

static void
gst_walloc_enc_class_init (GstWallocEncClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstVideoEncoderClass *encoder_class = GST_VIDEO_ENCODER_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (wallocenc_debug, "wallocenc", 0, "WaLLoC encoder");

  object_class->set_property = gst_walloc_enc_set_property;
  object_class->get_property = gst_walloc_enc_get_property;
  object_class->finalize = gst_walloc_enc_finalize;

  gst_walloc_enc_install_properties (object_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "WaLLoC encoder",
      "Codec/Encoder/Video/Image", "Encodes video with a learned codec",
      GST_PACKAGE_NAME);

  encoder_class->start = GST_DEBUG_FUNCPTR (gst_walloc_enc_start);
  encoder_class->stop = GST_DEBUG_FUNCPTR (gst_walloc_enc_stop);
  encoder_class->getcaps = GST_DEBUG_FUNCPTR (gst_walloc_enc_getcaps);
  encoder_class->set_format = GST_DEBUG_FUNCPTR (gst_walloc_enc_set_format);
  encoder_class->propose_allocation =
      GST_DEBUG_FUNCPTR (gst_walloc_enc_propose_allocation);
  encoder_class->flush = GST_DEBUG_FUNCPTR (gst_walloc_enc_flush);
  encoder_class->handle_frame = GST_DEBUG_FUNCPTR (gst_walloc_enc_handle_frame);
}

static void
gst_walloc_enc_init (GstWallocEnc * self)
{
  gst_walloc_enc_init_properties (self);
}
