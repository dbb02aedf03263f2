/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-compressedcolorize
 * @title: compressedcolorize
 * @short_description: Colours WaLLoC pictures without decoding them
 * @see_also: compressedclassify, wallocenc, wallocdec
 *
 * Takes a compressed stream of grey pictures and gives one of colour pictures:
 * a network makes the latents of chroma of those of luma. No picture is made,
 * so a decoder is only needed where somebody looks.
 *
 * What is there of luma stays as it is, integer by integer. Chroma is quantised
 * with the step of the frame, and frames of colour streams lose theirs to what
 * the network makes. All frames are key frames; where positions of a predicted
 * frame kept another step than the frame's own, their luma is quantised anew.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=grey.wlc ! wallocparse ! compressedcolorize model-file=colour-1 ! filesink location=colour.wlc
 * ]| This line colours a file.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstcompressedcolorize.h"
#include "gstcompressedelements.h"
#include "gstwalloccommon.h"

GST_DEBUG_CATEGORY_STATIC (compressedcolorize_debug);
#define GST_CAT_DEFAULT compressedcolorize_debug

#define DEFAULT_FORMAT WALLOC_FORMAT_I420

/* groups of walloc_latents */
#define LUMA 0

enum
{
  PROP_FORMAT = GST_COMPRESSED_FILTER_PROP_LAST
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS));

#define gst_compressed_colorize_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstCompressedColorize, gst_compressed_colorize,
    GST_TYPE_COMPRESSED_FILTER);

GST_ELEMENT_REGISTER_DEFINE (compressedcolorize, "compressedcolorize",
    GST_RANK_NONE, GST_TYPE_COMPRESSED_COLORIZE);

/**
 * GstCompressedColorizeFormat:
 * @I420: chroma of half the size
 * @Y444: chroma of the full size
 *
 * Since: 0.2
 */
#define GST_TYPE_COMPRESSED_COLORIZE_FORMAT \
    (gst_compressed_colorize_format_get_type ())
static GType
gst_compressed_colorize_format_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {WALLOC_FORMAT_I420, "Chroma of half the size", "I420"},
    {WALLOC_FORMAT_Y444, "Chroma of the full size", "Y444"},
    {0, NULL, NULL}
  };

  if (g_once_init_enter (&type)) {
    GType t = g_enum_register_static ("GstCompressedColorizeFormat", values);

    g_once_init_leave (&type, t);
  }
  return type;
}

static void
gst_compressed_colorize_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstCompressedColorize *self = GST_COMPRESSED_COLORIZE (object);

  if (prop_id != PROP_FORMAT) {
    G_OBJECT_CLASS (parent_class)->set_property (object, prop_id, value, pspec);
    return;
  }
  GST_OBJECT_LOCK (self);
  self->format = g_value_get_enum (value);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_compressed_colorize_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstCompressedColorize *self = GST_COMPRESSED_COLORIZE (object);

  if (prop_id != PROP_FORMAT) {
    G_OBJECT_CLASS (parent_class)->get_property (object, prop_id, value, pspec);
    return;
  }
  GST_OBJECT_LOCK (self);
  g_value_set_enum (value, self->format);
  GST_OBJECT_UNLOCK (self);
}

/* Values of a channel of the input. */
static void
copy_values (const walloc_latents * latents, guint channel, gfloat * out)
{
  gsize n = (gsize) latents->width * latents->height, i;
  const gint16 *q = latents->data + n * channel;

  for (i = 0; i < n; i++)
    out[i] = q[i] * latents->step[(latents->step_of ? (gsize)
            latents->step_of[i] * latents->channels : 0) + channel];
}

/* Luma of the input and chroma of the network, @count channels. */
static void
gst_compressed_colorize_mix (GstCompressedColorize * self,
    const gfloat * made, guint n_made, guint count)
{
  const walloc_latents *latents = &self->parent.reader.latents;
  gsize n = (gsize) latents->width * latents->height;
  guint k, band, signal;
  gfloat *out;

  if (self->room < n * count) {
    g_free (self->planes);
    self->room = n * count;
    self->planes = g_new (gfloat, self->room);
  }
  for (k = 0, out = self->planes; k < count; k++, out += n) {
    /* which channels are luma goes by the model, not by what the frame has */
    if (walloc_model_channel (self->parent.reader.model->model, k, &band,
            &signal)
        != WALLOC_OK)
      signal = LUMA;
    if (signal == LUMA && k < latents->channels)
      copy_values (latents, k, out);
    else if (signal != LUMA && k < n_made)
      memcpy (out, made + n * k, n * sizeof (gfloat));
    else
      memset (out, 0, n * sizeof (gfloat));
  }
}

/* What decoders are to make of the colours: grey and RGB streams say nothing of
 * a matrix, and are those of JPEG. */
static void
set_colour (const walloc_frame_info * info, walloc_encode_params * params)
{
  if (!params->has_colour) {
    memset (&params->colour, 0, sizeof (params->colour));
    params->colour.matrix = params->colour.transfer =
        params->colour.primaries = 2;
  }
  if (info->format != WALLOC_FORMAT_GRAY8 && info->format < WALLOC_FORMAT_RGB)
    return;
  params->has_colour = TRUE;
  params->colour.range = 1;
  params->colour.matrix =
      gst_video_color_matrix_to_iso (GST_VIDEO_COLOR_MATRIX_BT601);
}

static GstBuffer *
gst_compressed_colorize_encode (GstCompressedColorize * self,
    const gfloat * made, guint n_made, walloc_frame_info * out)
{
  const GstCompressedReader *reader = &self->parent.reader;
  const walloc_frame_info *info = &reader->info;
  walloc_latent_planes planes;
  walloc_encode_params params;

  memset (&planes, 0, sizeof (planes));
  GST_OBJECT_LOCK (self);
  planes.format = self->format;
  GST_OBJECT_UNLOCK (self);
  planes.width = info->width;
  planes.height = info->height;
  planes.scale = info->scale;
  planes.columns = reader->latents.width;
  planes.rows = reader->latents.height;
  planes.channels = MIN (MAX (info->channels, n_made),
      reader->model->info.channels);
  gst_compressed_colorize_mix (self, made, n_made, planes.channels);
  planes.data = self->planes;

  walloc_encode_params_init (&params);
  gst_compressed_writer_copy (&params, info);
  set_colour (info, &params);
  params.use_step = TRUE;
  params.step_index = info->step_index;
  params.channels = planes.channels;

  return gst_compressed_writer_picture (&self->writer, reader->model, &planes,
      &params, out);
}

/* The frame that was read last in colours. GST_FLOW_OK without @out: the
 * network made nothing of it, which was told. */
static GstFlowReturn
gst_compressed_colorize_run (GstCompressedColorize * self, GstBuffer ** out)
{
  GstCompressedReader *reader = &self->parent.reader;
  const walloc_latents *latents = &reader->latents;
  GstCompressedInstance *instance;
  walloc_error text = { "" };
  walloc_frame_info info;
  walloc_net_shape shape;
  walloc_result result;
  const gfloat *made;

  if (reader->model->info.kind == WALLOC_MODEL_REFERENCE) {
    GST_ELEMENT_ERROR (self, STREAM, WRONG_TYPE, (NULL),
        ("The model \"%s\" is of the published form, which has no channels of "
            "luma and chroma.", reader->model->path));
    return GST_FLOW_ERROR;
  }
  if (!gst_compressed_open_check (self->parent.network, reader))
    return GST_FLOW_ERROR;
  instance = gst_compressed_open_take (self->parent.network, GST_ELEMENT (self),
      latents->width, latents->height);
  if (!instance)
    return GST_FLOW_ERROR;
  result = walloc_task_run (instance->task, latents, reader->info.scale,
      reader->runner ? gst_walloc_runner_get (reader->runner) : NULL, &text);
  made = result == WALLOC_OK ? walloc_task_output (instance->task,
      "latents_out", &shape) : NULL;
  if (made && (shape.rank != 4 || shape.dims[2] != latents->height
          || shape.dims[3] != latents->width)) {
    made = NULL;
    g_strlcpy (text.text, "the network puts out another grid than it was given",
        sizeof (text.text));
  }
  if (made)
    *out = gst_compressed_colorize_encode (self, made,
        (guint) MIN (shape.dims[1], WALLOC_TASK_MAX_CHANNELS), &info);
  gst_compressed_network_give (self->parent.network, instance);
  if (!made) {
    gst_compressed_reader_warn (reader, text.text);
    return GST_FLOW_OK;
  }
  if (!*out)
    return GST_FLOW_ERROR;

  return gst_compressed_writer_set_caps (&self->writer, self->parent.srcpad,
      &info);
}

static GstFlowReturn
gst_compressed_colorize_chain (GstCompressedFilter * filter, GstBuffer * buffer)
{
  GstCompressedColorize *self = GST_COMPRESSED_COLORIZE (filter);
  GstCompressedReaderResult result;
  GstFlowReturn ret = GST_FLOW_OK;
  GstBuffer *out = NULL;

  if (!gst_compressed_filter_open_network (filter, WALLOC_TASK_COLORIZE)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }
  result = gst_compressed_reader_read (&filter->reader, buffer, NULL);
  if (result == GST_COMPRESSED_READER_ERROR)
    ret = GST_FLOW_ERROR;
  else if (result == GST_COMPRESSED_READER_OK)
    ret = gst_compressed_colorize_run (self, &out);
  if (ret != GST_FLOW_OK || !out) {
    filter->discont = TRUE;
    gst_clear_buffer (&out);
    gst_buffer_unref (buffer);
    return ret;
  }
  gst_compressed_filter_describe (filter, buffer, out,
      GST_BUFFER_COPY_METADATA);
  GST_BUFFER_FLAG_UNSET (out, GST_BUFFER_FLAG_DELTA_UNIT);
  filter->discont = FALSE;
  gst_buffer_unref (buffer);
  gst_compressed_events_open (&filter->events, filter->srcpad);

  return gst_pad_push (filter->srcpad, out);
}

static void
gst_compressed_colorize_stop (GstCompressedFilter * filter)
{
  GstCompressedColorize *self = GST_COMPRESSED_COLORIZE (filter);

  gst_compressed_writer_stop (&self->writer);
  g_clear_pointer (&self->planes, g_free);
  self->room = 0;
}

static void
gst_compressed_colorize_class_init (GstCompressedColorizeClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstCompressedFilterClass *filter_class = GST_COMPRESSED_FILTER_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (compressedcolorize_debug, "compressedcolorize", 0,
      "Colouring of compressed pictures");

  object_class->set_property = gst_compressed_colorize_set_property;
  object_class->get_property = gst_compressed_colorize_get_property;

  /**
   * GstCompressedColorize:model-file:
   *
   * The network: an ONNX file, or the name of one in the model directories.
   *
   * Since: 0.2
   */
  gst_compressed_filter_install_model_file (object_class,
      "Path or name of the network (ONNX)");

  /**
   * GstCompressedColorize:format:
   *
   * Pixel format of the pictures that come out.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_FORMAT,
      g_param_spec_enum ("format", "Format",
          "Pixel format of the pictures that come out",
          GST_TYPE_COMPRESSED_COLORIZE_FORMAT, DEFAULT_FORMAT,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstCompressedColorize:threads:
   *
   * Threads that work on one picture. The output does not depend on it.
   *
   * Since: 0.2
   */
  gst_compressed_filter_install_threads (object_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "Compressed-domain colorization", "Filter/Effect/Video",
      "Colours pictures of a learned codec without decoding them",
      GST_PACKAGE_NAME);
  gst_type_mark_as_plugin_api (GST_TYPE_COMPRESSED_COLORIZE_FORMAT, 0);

  filter_class->chain = GST_DEBUG_FUNCPTR (gst_compressed_colorize_chain);
  filter_class->stop = GST_DEBUG_FUNCPTR (gst_compressed_colorize_stop);
}

static void
gst_compressed_colorize_init (GstCompressedColorize * self)
{
  self->format = DEFAULT_FORMAT;
  gst_compressed_writer_init (&self->writer, GST_ELEMENT (self));
}
