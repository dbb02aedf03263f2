/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-walloclatentsenc
 * @title: walloclatentsenc
 * @short_description: Tensors of latents as a WaLLoC stream
 * @see_also: walloclatents, wallocdec
 *
 * The reverse of walloclatents: takes the latents of pictures or sound as
 * tensors, as that element or a program made them, and writes coded frames, so that a
 * program that works on latents needs no samples to show, send or keep what it
 * made.
 *
 * What a tensor cannot say is taken from the meta that walloclatents left on the
 * buffer: size and format of the picture, rate and channels of sound, step,
 * channels, colorimetry, codec model. Properties say it otherwise, and must where there is no meta. A tensor
 * that was not changed gives the frame that it was made of.
 *
 * All frames are key frames. Where the steps of a predicted frame were not the
 * same everywhere, all of it gets the frame's own.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! wallocenc quality=80 ! walloclatents channels=48 ! walloclatentsenc quality=40 ! wallocdec ! videoconvert ! autovideosink
 * ]| This line codes pictures again at a lower quality without making samples.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstcompressedelements.h"
#include "gstwalloccommon.h"
#include "gstwalloclatentsenc.h"
#include "gstwalloclatentsmeta.h"

GST_DEBUG_CATEGORY_STATIC (walloclatentsenc_debug);
#define GST_CAT_DEFAULT walloclatentsenc_debug

#define DEFAULT_QUALITY 0
#define DEFAULT_STEP_INDEX -1
#define DEFAULT_CHANNELS 0
#define DEFAULT_SIZE 0
#define DEFAULT_FORMAT GST_VIDEO_FORMAT_UNKNOWN

/* of sound; pictures have 176 */
#define MAX_STEP_INDEX 352
#define DEFAULT_RATE 44100
#define MAX_RATE 96000
#define MAX_CHANNELS 4096
/* latents along an axis */
#define MAX_GRID (WALLOC_MAX_SIZE / 8)

enum
{
  PROP_0,
  PROP_QUALITY,
  PROP_STEP_INDEX,
  PROP_CHANNELS,
  PROP_WIDTH,
  PROP_HEIGHT,
  PROP_FORMAT,
  PROP_RATE,
  PROP_AUDIO_CHANNELS,
  PROP_MODEL_FILE
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("other/tensors, format = (string) static, "
        "num_tensors = (int) 1, types = (string) { float32, int16 }, "
        "framerate = (fraction) [ 0, max ]"));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS "; "
        GST_WALLOC_AUDIO_CODED_CAPS));

#define gst_walloc_latents_enc_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstWallocLatentsEnc, gst_walloc_latents_enc,
    GST_TYPE_ELEMENT);

GST_ELEMENT_REGISTER_DEFINE (walloclatentsenc, "walloclatentsenc",
    GST_RANK_NONE, GST_TYPE_WALLOC_LATENTS_ENC);

static void
gst_walloc_latents_enc_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstWallocLatentsEnc *self = GST_WALLOC_LATENTS_ENC (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_QUALITY:
      self->settings.quality = g_value_get_uint (value);
      break;
    case PROP_STEP_INDEX:
      self->settings.step_index = g_value_get_int (value);
      break;
    case PROP_CHANNELS:
      self->settings.channels = g_value_get_uint (value);
      break;
    case PROP_WIDTH:
      self->settings.width = g_value_get_uint (value);
      break;
    case PROP_HEIGHT:
      self->settings.height = g_value_get_uint (value);
      break;
    case PROP_FORMAT:
      self->settings.format = g_value_get_enum (value);
      break;
    case PROP_RATE:
      self->settings.rate = g_value_get_uint (value);
      break;
    case PROP_AUDIO_CHANNELS:
      self->settings.audio_channels = g_value_get_uint (value);
      break;
    case PROP_MODEL_FILE:
      g_free (self->model_file);
      self->model_file = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_walloc_latents_enc_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstWallocLatentsEnc *self = GST_WALLOC_LATENTS_ENC (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_QUALITY:
      g_value_set_uint (value, self->settings.quality);
      break;
    case PROP_STEP_INDEX:
      g_value_set_int (value, self->settings.step_index);
      break;
    case PROP_CHANNELS:
      g_value_set_uint (value, self->settings.channels);
      break;
    case PROP_WIDTH:
      g_value_set_uint (value, self->settings.width);
      break;
    case PROP_HEIGHT:
      g_value_set_uint (value, self->settings.height);
      break;
    case PROP_FORMAT:
      g_value_set_enum (value, self->settings.format);
      break;
    case PROP_RATE:
      g_value_set_uint (value, self->settings.rate);
      break;
    case PROP_AUDIO_CHANNELS:
      g_value_set_uint (value, self->settings.audio_channels);
      break;
    case PROP_MODEL_FILE:
      g_value_set_string (value, self->model_file);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_walloc_latents_enc_finalize (GObject * object)
{
  g_free (GST_WALLOC_LATENTS_ENC (object)->model_file);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

/* "80:60:48:1" with up to 16 dimensions, of which those after the third must be
 * 1; missing ones are 1. */
static gboolean
parse_dims (const gchar * text, guint dims[4])
{
  gchar **parts = g_strsplit (text, ":", 17);
  gboolean ok = parts[0] != NULL;
  guint64 n;
  guint i;

  for (i = 0; i < 4; i++)
    dims[i] = 1;
  for (i = 0; ok && parts[i]; i++) {
    ok = i < 16 && g_ascii_string_to_unsigned (parts[i], 10, 1, G_MAXINT, &n,
        NULL) && (i < 3 || n == 1);
    if (ok && i < 4)
      dims[i] = (guint) n;
  }
  g_strfreev (parts);

  return ok && dims[0] <= MAX_GRID && dims[1] <= MAX_GRID
      && dims[2] <= MAX_CHANNELS;
}

static gboolean
gst_walloc_latents_enc_set_caps (GstWallocLatentsEnc * self, GstCaps * caps)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  const gchar *dims = gst_structure_get_string (s, "dimensions");
  const gchar *types = gst_structure_get_string (s, "types");

  self->dims[0] = 0;
  self->is_float = g_strcmp0 (types, "float32") == 0;
  if (!gst_structure_get_fraction (s, "framerate", &self->fps_n, &self->fps_d))
    self->fps_n = 0;
  if (!dims || !parse_dims (dims, self->dims)) {
    self->dims[0] = 0;
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, (NULL),
        ("Tensors of dimensions \"%s\" are no latents: columns:rows:channels:1 "
            "of pictures or columns:channels:pairs:1 of sound are expected, "
            "at most %u:%u:%u:1.",
            dims ? dims : "", MAX_GRID, MAX_GRID, MAX_CHANNELS));
    return FALSE;
  }
  return TRUE;
}

/* The codec model: the one of model-file, of the meta, or the default. */
static gboolean
gst_walloc_latents_enc_open (GstWallocLatentsEnc * self,
    const walloc_frame_info * header)
{
  GError *error = NULL;
  GstWallocModel *model;
  gchar *name;

  if (self->model && (!header || header->model_id == self->model->info.id))
    return TRUE;
  GST_OBJECT_LOCK (self);
  name = g_strdup (self->model_file);
  GST_OBJECT_UNLOCK (self);
  model = header ? gst_walloc_model_open_by_id (header->model_id, name, &error)
      : gst_walloc_model_open (name, &error);
  g_free (name);
  if (!model) {
    GST_WALLOC_POST_ERROR (self, error);
    g_clear_error (&error);
    return FALSE;
  }
  gst_walloc_model_unref (self->model);
  self->model = model;

  return TRUE;
}

/* Values of integers, with the steps that the meta has. */
static const gfloat *
gst_walloc_latents_enc_dequantise (GstWallocLatentsEnc * self,
    GstBuffer * buffer, const gint16 * data)
{
  gsize n = (gsize) self->dims[0] * self->dims[1], i;
  gfloat *steps, *out;
  guint channels = self->dims[2], k;

  if (self->model->info.media == WALLOC_MEDIA_AUDIO) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, (NULL),
        ("Of sound there are no integers. Send float32."));
    return NULL;
  }
  steps = gst_walloc_latents_meta_steps (buffer, channels);
  if (!steps) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, (NULL),
        ("Integers are nothing without their steps: the buffer has no "
            GST_WALLOC_LATENTS_META ". Send float32."));
    return NULL;
  }
  if (self->room < n * channels) {
    g_free (self->values);
    self->room = n * channels;
    self->values = g_new (gfloat, self->room);
  }
  out = self->values;
  for (k = 0; k < channels; k++)
    for (i = 0; i < n; i++)
      *out++ = *data++ * steps[k];
  g_free (steps);

  return self->values;
}

/* Size, format and step: what the application says, then the meta. */
static gboolean
gst_walloc_latents_enc_describe (GstWallocLatentsEnc * self,
    GstBuffer * buffer, const walloc_frame_info * header,
    walloc_latent_planes * planes, walloc_encode_params * params)
{
  GstWallocLatentsEncSettings s;

  GST_OBJECT_LOCK (self);
  s = self->settings;
  GST_OBJECT_UNLOCK (self);

  walloc_encode_params_init (params);
  memset (planes, 0, sizeof (*planes));
  planes->columns = self->dims[0];
  planes->rows = self->dims[1];
  planes->format = WALLOC_FORMAT_I420;
  planes->width = s.width ? s.width : 8 * self->dims[0];
  planes->height = s.height ? s.height : 8 * self->dims[1];
  if (header) {
    gst_compressed_writer_copy (params, header);
    planes->format = header->format;
    if (!s.width && !s.height) {
      planes->width = header->width;
      planes->height = header->height;
      planes->scale = header->scale;
    }
    params->use_step = TRUE;
    params->step_index = header->step_index;
    params->channels = header->channels;
  }
  if (s.quality) {
    params->use_step = FALSE;
    params->quality = s.quality;
    params->channels = 0;
  }
  if (s.step_index >= 0) {
    params->use_step = TRUE;
    params->step_index = s.step_index;
  }
  if (s.channels)
    params->channels = s.channels;
  if (self->fps_n > 0) {
    params->fps_n = self->fps_n;
    params->fps_d = self->fps_d;
  }
  if (GST_BUFFER_PTS_IS_VALID (buffer))
    params->pts = GST_BUFFER_PTS (buffer);
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    params->duration = GST_BUFFER_DURATION (buffer);
  /* channels above those of the model are what walloclatents filled up */
  planes->channels = MIN (self->dims[2], self->model->info.channels);
  if (params->channels > planes->channels)
    params->channels = planes->channels;
  if (s.format != GST_VIDEO_FORMAT_UNKNOWN
      && !gst_walloc_format_from_video (s.format, &planes->format)) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS, (NULL),
        ("The codec has no pictures of format %s.",
            gst_video_format_to_string (s.format)));
    return FALSE;
  }
  return TRUE;
}

/* The frame that sound is to have; FALSE: an error was posted. */
static gboolean
gst_walloc_latents_enc_describe_sound (GstWallocLatentsEnc * self,
    GstBuffer * buffer, const walloc_frame_info * header,
    walloc_audio_latents * latents, walloc_audio_params * params,
    walloc_frame_info * from)
{
  GstWallocLatentsEncSettings s;

  GST_OBJECT_LOCK (self);
  s = self->settings;
  GST_OBJECT_UNLOCK (self);

  walloc_audio_params_init (params);
  memset (latents, 0, sizeof (*latents));
  memset (latents->rotation, WALLOC_AUDIO_ROTATION_AUTO,
      sizeof (latents->rotation));
  walloc_frame_info_init (from);
  from->rate = DEFAULT_RATE;
  from->audio_channels = 2 * self->dims[2];
  from->sequence = self->sequence++ & 255;
  if (header) {
    *from = *header;
    memcpy (latents->rotation, header->rotation, sizeof (header->rotation));
    params->use_step = TRUE;
    params->step_index = header->step_index;
    params->channels = header->channels;
    params->layers = header->layers;
    params->pts = header->pts;
    params->duration = header->duration;
    params->trim_start = header->trim_start;
    params->trim_end = header->trim_end;
    params->mask = header->mask;
  }
  if (s.quality) {
    params->use_step = FALSE;
    params->quality = s.quality;
    params->channels = 0;
  }
  if (s.step_index >= 0) {
    params->use_step = TRUE;
    params->step_index = s.step_index;
  }
  if (s.channels)
    params->channels = s.channels;
  if (s.rate)
    from->rate = s.rate;
  if (s.audio_channels)
    from->audio_channels = s.audio_channels;
  from->columns = latents->columns = self->dims[0];
  latents->channels = MIN (self->dims[1], self->model->info.channels);
  latents->pairs = self->dims[2];
  if (latents->pairs == (from->audio_channels + 1) / 2
      && latents->columns <= WALLOC_AUDIO_MAX_COLUMNS)
    return TRUE;
  GST_ELEMENT_ERROR (self, STREAM, FORMAT, (NULL),
      ("Tensors of %u:%u:%u:1 are no latents of %u channels of sound, which "
          "have %u pairs, and at most %u columns.", self->dims[0],
          self->dims[1], self->dims[2], from->audio_channels,
          (from->audio_channels + 1) / 2, WALLOC_AUDIO_MAX_COLUMNS));
  return FALSE;
}

static GstBuffer *
gst_walloc_latents_enc_sound (GstWallocLatentsEnc * self, GstBuffer * buffer,
    const walloc_frame_info * header, const gfloat * values,
    walloc_frame_info * info)
{
  gsize columns = self->dims[0], pair, n;
  walloc_audio_latents latents;
  walloc_audio_params params;
  walloc_frame_info from;
  gfloat *packed = NULL;
  GstBuffer *out;

  if (!gst_walloc_latents_enc_describe_sound (self, buffer, header, &latents,
          &params, &from))
    return NULL;
  latents.data = values;
  n = columns * latents.channels;
  if (latents.channels < self->dims[1]) {
    /* channels that the model does not have stand between the pairs */
    packed = g_new (gfloat, n * latents.pairs);
    for (pair = 0; pair < latents.pairs; pair++)
      memcpy (packed + n * pair, values + columns * self->dims[1] * pair,
          n * sizeof (gfloat));
    latents.data = packed;
  }
  out = gst_compressed_writer_sound (&self->writer, self->model, &from,
      &latents, &params, info);
  g_free (packed);

  return out;
}

/* Finds out what @buffer is of, and codes it. */
static GstFlowReturn
gst_walloc_latents_enc_encode (GstWallocLatentsEnc * self, GstBuffer * buffer,
    const GstMapInfo * map, GstBuffer ** out)
{
  gsize n = (gsize) self->dims[0] * self->dims[1] * self->dims[2];
  gsize size = self->is_float ? sizeof (gfloat) : sizeof (gint16);
  walloc_frame_info meta, info;
  const walloc_frame_info *header = NULL;
  walloc_latent_planes planes;
  walloc_encode_params params;
  const gfloat *values;

  if (map->size != n * size) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, (NULL),
        ("A buffer of %" G_GSIZE_FORMAT " bytes is no tensor of %u:%u:%u:1 %s,"
            " which has %" G_GSIZE_FORMAT ".", map->size, self->dims[0],
            self->dims[1], self->dims[2], self->is_float ? "float32" :
            "int16", n * size));
    return GST_FLOW_ERROR;
  }
  if (gst_walloc_latents_meta_get (buffer, &meta))
    header = &meta;
  if (!gst_walloc_latents_enc_open (self, header))
    return GST_FLOW_ERROR;
  values = self->is_float ? (const gfloat *) map->data :
      gst_walloc_latents_enc_dequantise (self, buffer,
      (const gint16 *) map->data);
  if (!values)
    return GST_FLOW_ERROR;
  if (self->model->info.media == WALLOC_MEDIA_AUDIO) {
    *out = gst_walloc_latents_enc_sound (self, buffer, header, values, &info);
  } else {
    if (!gst_walloc_latents_enc_describe (self, buffer, header, &planes,
            &params))
      return GST_FLOW_ERROR;
    planes.data = values;
    *out = gst_compressed_writer_picture (&self->writer, self->model, &planes,
        &params, &info);
  }
  if (!*out)
    return GST_FLOW_ERROR;
  gst_buffer_copy_into (*out, buffer, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  if (GST_BUFFER_IS_DISCONT (buffer))
    GST_BUFFER_FLAG_SET (*out, GST_BUFFER_FLAG_DISCONT);

  return gst_compressed_writer_set_caps (&self->writer, self->srcpad, &info);
}

static GstFlowReturn
gst_walloc_latents_enc_chain (GstPad * pad, GstObject * parent,
    GstBuffer * buffer)
{
  GstWallocLatentsEnc *self = GST_WALLOC_LATENTS_ENC (parent);
  GstBuffer *out = NULL;
  GstFlowReturn ret;
  GstMapInfo map;

  if (self->dims[0] == 0) {
    gst_buffer_unref (buffer);
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    gst_buffer_unref (buffer);
    GST_ELEMENT_ERROR (self, RESOURCE, READ, (NULL),
        ("Cannot map an input buffer."));
    return GST_FLOW_ERROR;
  }
  ret = gst_walloc_latents_enc_encode (self, buffer, &map, &out);
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);
  if (ret != GST_FLOW_OK) {
    gst_clear_buffer (&out);
    return ret;
  }
  gst_compressed_events_open (&self->events, self->srcpad);

  return gst_pad_push (self->srcpad, out);
}

static gboolean
gst_walloc_latents_enc_sink_event (GstPad * pad, GstObject * parent,
    GstEvent * event)
{
  GstWallocLatentsEnc *self = GST_WALLOC_LATENTS_ENC (parent);
  GstCaps *caps;
  gboolean ok;

  if (gst_compressed_events_hold (&self->events, event))
    return TRUE;
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      ok = gst_walloc_latents_enc_set_caps (self, caps);
      gst_event_unref (event);
      return ok;
    case GST_EVENT_FLUSH_STOP:
      if (!self->events.open)
        gst_compressed_events_clear (&self->events);
      break;
    case GST_EVENT_EOS:
      gst_compressed_events_open (&self->events, self->srcpad);
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

static GstStateChangeReturn
gst_walloc_latents_enc_change_state (GstElement * element,
    GstStateChange transition)
{
  GstWallocLatentsEnc *self = GST_WALLOC_LATENTS_ENC (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    self->dims[0] = self->sequence = 0;
  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    gst_compressed_writer_stop (&self->writer);
    gst_compressed_events_clear (&self->events);
    gst_walloc_model_unref (self->model);
    self->model = NULL;
    g_clear_pointer (&self->values, g_free);
    self->room = 0;
  }
  return ret;
}

static void
gst_walloc_latents_enc_install_properties (GObjectClass * object_class)
{
  const GParamFlags playing = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_PLAYING;

  /**
   * GstWallocLatentsEnc:quality:
   *
   * As that of wallocenc. 0: the step and the channels of the frame that the
   * tensor was made of, else 50.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_QUALITY,
      g_param_spec_uint ("quality", "Quality",
          "1 (smallest) to 100 (best); 0 = that of the frame in the meta, "
          "else 50", 0, 100, DEFAULT_QUALITY, playing));

  /**
   * GstWallocLatentsEnc:step-index:
   *
   * Step 2^(index / 16), of sound over 64, in place of that of the quality.
   * Pictures have indices to 176.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_STEP_INDEX,
      g_param_spec_int ("step-index", "Step index",
          "Step 2^(index / 16), of sound / 64 (-1 = by quality)", -1,
          MAX_STEP_INDEX, DEFAULT_STEP_INDEX, playing));

  /**
   * GstWallocLatentsEnc:channels:
   *
   * Channels to keep at most.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_CHANNELS,
      g_param_spec_uint ("channels", "Channels",
          "Channels to keep at most (0 = by quality, or as the meta says)", 0,
          MAX_CHANNELS, DEFAULT_CHANNELS, playing));

  /**
   * GstWallocLatentsEnc:width:
   *
   * Width of the picture. Without it and a meta, 8 pixels per column.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_WIDTH,
      g_param_spec_uint ("width", "Width",
          "Width of the picture (0 = as the meta says, or 8 per column)", 0,
          WALLOC_MAX_SIZE, DEFAULT_SIZE, playing));

  /**
   * GstWallocLatentsEnc:height:
   *
   * Height of the picture. Without it and a meta, 8 pixels per row.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_HEIGHT,
      g_param_spec_uint ("height", "Height",
          "Height of the picture (0 = as the meta says, or 8 per row)", 0,
          WALLOC_MAX_SIZE, DEFAULT_SIZE, playing));

  /**
   * GstWallocLatentsEnc:format:
   *
   * Pixel format that the frame is to have. Without it and a meta, I420.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_FORMAT,
      g_param_spec_enum ("format", "Format",
          "Format of the picture (unknown = as the meta says, or I420)",
          GST_TYPE_VIDEO_FORMAT, DEFAULT_FORMAT, playing));

  /**
   * GstWallocLatentsEnc:rate:
   *
   * Samples per second of sound. Without it and a meta, 44100.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_RATE,
      g_param_spec_uint ("rate", "Rate",
          "Samples per second of sound (0 = as the meta says, or 44100)", 0,
          MAX_RATE, 0, playing));

  /**
   * GstWallocLatentsEnc:audio-channels:
   *
   * Channels of sound. Without it and a meta, two per pair.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_AUDIO_CHANNELS,
      g_param_spec_uint ("audio-channels", "Audio channels",
          "Channels of sound (0 = as the meta says, or 2 per pair)", 0,
          WALLOC_AUDIO_MAX_CHANNELS, 0, playing));

  /**
   * GstWallocLatentsEnc:model-file:
   *
   * The codec model whose latents these are: a file, or the name of one in the
   * model directories. Without it the one that the meta names, or the default
   * one.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_MODEL_FILE,
      g_param_spec_string ("model-file", "Model file",
          "Path or name of the codec model (NULL = as the meta says, or the "
          "default one)", NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
}

static void
gst_walloc_latents_enc_class_init (GstWallocLatentsEncClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (walloclatentsenc_debug, "walloclatentsenc", 0,
      "WaLLoC stream from tensors");

  object_class->set_property = gst_walloc_latents_enc_set_property;
  object_class->get_property = gst_walloc_latents_enc_get_property;
  object_class->finalize = gst_walloc_latents_enc_finalize;
  gst_walloc_latents_enc_install_properties (object_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "WaLLoC encoder of latents", "Converter/Tensor",
      "Tensors of latents as a coded stream", GST_PACKAGE_NAME);

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_walloc_latents_enc_change_state);
}

static void
gst_walloc_latents_enc_init (GstWallocLatentsEnc * self)
{
  self->settings.quality = DEFAULT_QUALITY;
  self->settings.step_index = DEFAULT_STEP_INDEX;
  self->settings.channels = DEFAULT_CHANNELS;
  self->settings.format = DEFAULT_FORMAT;
  gst_compressed_writer_init (&self->writer, GST_ELEMENT (self));

  self->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sinkpad,
      GST_DEBUG_FUNCPTR (gst_walloc_latents_enc_chain));
  gst_pad_set_event_function (self->sinkpad,
      GST_DEBUG_FUNCPTR (gst_walloc_latents_enc_sink_event));
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);

  self->srcpad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_use_fixed_caps (self->srcpad);
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);
}
