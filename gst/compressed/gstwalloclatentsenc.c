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

/* of sound of which nothing says another */
#define DEFAULT_RATE 44100
/* latents along an axis */
#define MAX_GRID (WALLOC_MAX_SIZE / 8)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("other/tensors, format = (string) static, "
        "num_tensors = (int) 1, types = (string) { float32, int16 }, "
        "framerate = (fraction) [ 0, max ]"));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS "; "
        GST_WALLOC_AUDIO_CODED_CAPS));

G_DEFINE_FINAL_TYPE (GstWallocLatentsEnc, gst_walloc_latents_enc,
    GST_TYPE_COMPRESSED_FILTER);

GST_ELEMENT_REGISTER_DEFINE (walloclatentsenc, "walloclatentsenc",
    GST_RANK_NONE, GST_TYPE_WALLOC_LATENTS_ENC);

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
      && dims[2] <= MAX_TENSOR_CHANNELS;
}

static gboolean
gst_walloc_latents_enc_set_caps (GstCompressedFilter * filter, GstCaps * caps)
{
  GstWallocLatentsEnc *self = GST_WALLOC_LATENTS_ENC (filter);
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
            dims ? dims : "", MAX_GRID, MAX_GRID, MAX_TENSOR_CHANNELS));
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
  name = gst_compressed_filter_dup_model_file (&self->parent);
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

  return gst_compressed_writer_set_caps (&self->writer, self->parent.srcpad,
      &info);
}

static GstFlowReturn
gst_walloc_latents_enc_chain (GstCompressedFilter * filter, GstBuffer * buffer)
{
  GstWallocLatentsEnc *self = GST_WALLOC_LATENTS_ENC (filter);
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
  gst_compressed_events_open (&self->parent.events, self->parent.srcpad);

  return gst_pad_push (self->parent.srcpad, out);
}

static gboolean
gst_walloc_latents_enc_start (GstCompressedFilter * filter)
{
  GstWallocLatentsEnc *self = GST_WALLOC_LATENTS_ENC (filter);

  self->dims[0] = self->sequence = 0;

  return TRUE;
}

static void
gst_walloc_latents_enc_stop (GstCompressedFilter * filter)
{
  GstWallocLatentsEnc *self = GST_WALLOC_LATENTS_ENC (filter);

  gst_compressed_writer_stop (&self->writer);
  gst_walloc_model_unref (self->model);
  self->model = NULL;
  g_clear_pointer (&self->values, g_free);
  self->room = 0;
}

static void
gst_walloc_latents_enc_class_init (GstWallocLatentsEncClass * klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstCompressedFilterClass *filter_class = GST_COMPRESSED_FILTER_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (walloclatentsenc_debug, "walloclatentsenc", 0,
      "WaLLoC stream from tensors");

  gst_walloc_latents_enc_install_properties (G_OBJECT_CLASS (klass));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "WaLLoC encoder of latents", "Converter/Tensor",
      "Tensors of latents as a coded stream", GST_PACKAGE_NAME);

  filter_class->chain = GST_DEBUG_FUNCPTR (gst_walloc_latents_enc_chain);
  filter_class->set_caps = GST_DEBUG_FUNCPTR (gst_walloc_latents_enc_set_caps);
  filter_class->start = GST_DEBUG_FUNCPTR (gst_walloc_latents_enc_start);
  filter_class->stop = GST_DEBUG_FUNCPTR (gst_walloc_latents_enc_stop);
}

static void
gst_walloc_latents_enc_init (GstWallocLatentsEnc * self)
{
  gst_walloc_latents_enc_init_settings (&self->settings);
  gst_compressed_writer_init (&self->writer, GST_ELEMENT (self));
}
