/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-walloclatents
 * @title: walloclatents
 * @short_description: Latents of a WaLLoC stream as tensors
 * @see_also: walloclatentsenc, wallocenc, compressedclassify
 *
 * Hands the latents of coded pictures and sound to whoever works on tensors: nnstreamer's
 * elements, or a program behind an appsink. Frames are entropy decoded and no
 * more, which takes a fraction of decoding.
 *
 * A buffer has one memory of values in C order: of pictures
 * [1][channels][rows][columns], one position per 8x8 pixels; of sound
 * [1][pairs][channels][columns], one column per 256 samples. Values are
 * integers times steps, in units of a sample of an orthonormal transform, the
 * same at every rate but for the quantiser's error; channels that the stream
 * does not have are 0, so that the shape stays when the rate changes. With
 * #GstWallocLatents:type=int16 they are the integers.
 *
 * A meta GstWallocLatentsMeta (a #GstCustomMeta) says what the caps of tensors
 * cannot: size and format of the picture, id of the codec model, steps.
 *
 * Frames that cannot be decoded are left out; those that are damaged are marked
 * with %GST_BUFFER_FLAG_CORRUPTED.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=10 ! video/x-raw,width=640,height=480 ! wallocenc ! walloclatents channels=48 ! filesink location=latents.f32
 * ]| This line writes ten times 48 x 60 x 80 floats.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstcompressedelements.h"
#include "gstwalloccommon.h"
#include "gstwalloclatents.h"
#include "gstwalloclatentsmeta.h"

GST_DEBUG_CATEGORY_STATIC (walloclatents_debug);
#define GST_CAT_DEFAULT walloclatents_debug

#define DEFAULT_TYPE GST_WALLOC_LATENTS_FLOAT32
#define DEFAULT_CHANNELS 0

#define MAX_CHANNELS 4096
/* bytes of a tensor: all channels of the largest picture fit many times, and
 * sizes of pools have 32 bits */
#define MAX_TENSOR (1u << 30)

enum
{
  PROP_TYPE = GST_COMPRESSED_FILTER_PROP_LAST,
  PROP_CHANNELS
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS "; "
        GST_WALLOC_AUDIO_CODED_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("other/tensors, format = (string) static, "
        "num_tensors = (int) 1, types = (string) { float32, int16 }, "
        "framerate = (fraction) [ 0, max ]"));

#define gst_walloc_latents_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstWallocLatents, gst_walloc_latents,
    GST_TYPE_COMPRESSED_FILTER);

GST_ELEMENT_REGISTER_DEFINE (walloclatents, "walloclatents", GST_RANK_NONE,
    GST_TYPE_WALLOC_LATENTS);

/**
 * GstWallocLatentsType:
 * @float32: values, integers times steps
 * @int16: the integers, of pictures
 *
 * Since: 0.2
 */
#define GST_TYPE_WALLOC_LATENTS_TYPE (gst_walloc_latents_type_get_type ())
static GType
gst_walloc_latents_type_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {GST_WALLOC_LATENTS_FLOAT32, "Values: integers times steps", "float32"},
    {GST_WALLOC_LATENTS_INT16, "Integers, of pictures", "int16"},
    {0, NULL, NULL}
  };

  if (g_once_init_enter (&type)) {
    GType t = g_enum_register_static ("GstWallocLatentsType", values);

    g_once_init_leave (&type, t);
  }
  return type;
}

static void
gst_walloc_latents_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstWallocLatents *self = GST_WALLOC_LATENTS (object);

  switch (prop_id) {
    case PROP_TYPE:
      GST_OBJECT_LOCK (self);
      self->type = g_value_get_enum (value);
      GST_OBJECT_UNLOCK (self);
      break;
    case PROP_CHANNELS:
      GST_OBJECT_LOCK (self);
      self->channels = g_value_get_uint (value);
      GST_OBJECT_UNLOCK (self);
      break;
    default:
      G_OBJECT_CLASS (parent_class)->set_property (object, prop_id, value,
          pspec);
      break;
  }
}

static void
gst_walloc_latents_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstWallocLatents *self = GST_WALLOC_LATENTS (object);

  switch (prop_id) {
    case PROP_TYPE:
      GST_OBJECT_LOCK (self);
      g_value_set_enum (value, self->type);
      GST_OBJECT_UNLOCK (self);
      break;
    case PROP_CHANNELS:
      GST_OBJECT_LOCK (self);
      g_value_set_uint (value, self->channels);
      GST_OBJECT_UNLOCK (self);
      break;
    default:
      G_OBJECT_CLASS (parent_class)->get_property (object, prop_id, value,
          pspec);
      break;
  }
}

static void
forget_pool (GstWallocLatents * self)
{
  if (self->pool)
    gst_buffer_pool_set_active (self->pool, FALSE);
  g_clear_pointer (&self->pool, gst_object_unref);
}

/* Caps and buffers for tensors of @dims, innermost first. */
static GstFlowReturn
gst_walloc_latents_negotiate (GstWallocLatents * self,
    GstWallocLatentsType type, const guint dims[4], gint fps_n, gint fps_d)
{
  gsize size = type == GST_WALLOC_LATENTS_INT16 ? 2 : 4;
  GstStructure *config;
  GstCaps *caps;
  gchar *text;
  gboolean ok;
  guint i;

  if (self->pool && self->out_type == type && self->out_fps_n == fps_n
      && self->out_fps_d == fps_d
      && memcmp (self->dims, dims, sizeof (self->dims)) == 0
      && !gst_pad_check_reconfigure (self->parent.srcpad))
    return GST_FLOW_OK;

  forget_pool (self);
  for (i = 0; i < 4; i++)
    size *= dims[i];
  if (size > MAX_TENSOR) {
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT, (NULL),
        ("A tensor of %u:%u:%u:%u has %" G_GSIZE_FORMAT " bytes, more than %u. "
            "Set \"channels\" to fewer.", dims[0], dims[1], dims[2], dims[3],
            size, MAX_TENSOR));
    return GST_FLOW_ERROR;
  }
  text = g_strdup_printf ("%u:%u:%u:%u", dims[0], dims[1], dims[2], dims[3]);
  caps = gst_caps_new_simple ("other/tensors",
      "format", G_TYPE_STRING, "static", "num_tensors", G_TYPE_INT, 1,
      "types", G_TYPE_STRING,
      type == GST_WALLOC_LATENTS_INT16 ? "int16" : "float32",
      "dimensions", G_TYPE_STRING, text,
      "framerate", GST_TYPE_FRACTION, fps_n, fps_d, NULL);
  g_free (text);
  ok = gst_pad_set_caps (self->parent.srcpad, caps);
  if (ok) {
    self->pool = gst_buffer_pool_new ();
    config = gst_buffer_pool_get_config (self->pool);
    gst_buffer_pool_config_set_params (config, caps, size, 0, 0);
    ok = gst_buffer_pool_set_config (self->pool, config)
        && gst_buffer_pool_set_active (self->pool, TRUE);
  }
  gst_caps_unref (caps);
  if (!ok) {
    forget_pool (self);
    gst_pad_mark_reconfigure (self->parent.srcpad);
    return GST_PAD_IS_FLUSHING (self->parent.srcpad) ? GST_FLOW_FLUSHING :
        GST_FLOW_NOT_NEGOTIATED;
  }
  self->out_type = type;
  self->out_fps_n = fps_n;
  self->out_fps_d = fps_d;
  memcpy (self->dims, dims, sizeof (self->dims));
  gst_compressed_events_open (&self->parent.events, self->parent.srcpad);

  return GST_FLOW_OK;
}

/* Values of a channel: every position has a step of its own in streams with
 * predicted frames. */
static void
picture_values (const walloc_latents * latents, guint channel, gfloat * out)
{
  gsize n = (gsize) latents->width * latents->height, i;
  const gint16 *q = latents->data + n * channel;
  gfloat step = latents->step[channel];

  if (!latents->step_of) {
    for (i = 0; i < n; i++)
      out[i] = q[i] * step;
    return;
  }
  for (i = 0; i < n; i++)
    out[i] = q[i] * latents->step[(gsize) latents->step_of[i] *
        latents->channels + channel];
}

static void
fill_picture (GstWallocLatents * self, guint8 * out)
{
  const walloc_latents *latents = &self->parent.reader.latents;
  gsize n = (gsize) latents->width * latents->height;
  guint k, channels = self->dims[2];
  gsize plane = n * (self->out_type == GST_WALLOC_LATENTS_INT16 ? 2 : 4);

  for (k = 0; k < channels; k++, out += plane) {
    if (k >= latents->channels)
      memset (out, 0, plane);
    else if (self->out_type == GST_WALLOC_LATENTS_INT16)
      memcpy (out, latents->data + n * k, plane);
    else
      picture_values (latents, k, (gfloat *) out);
  }
}

static void
fill_sound (GstWallocLatents * self, guint8 * out)
{
  const walloc_audio_latents *sound = &self->parent.reader.sound;
  gsize row = (gsize) sound->columns * sizeof (gfloat);
  gsize pair = row * self->dims[1];
  guint there = MIN (sound->channels, self->dims[1]), p;

  for (p = 0; p < sound->pairs; p++, out += pair) {
    memcpy (out, sound->data + (gsize) p * sound->channels * sound->columns,
        row * there);
    memset (out + row * there, 0, pair - row * there);
  }
}

/* Frames per second: that of the caps, else that of the header. */
static void
get_framerate (GstWallocLatents * self, gint * fps_n, gint * fps_d)
{
  const walloc_frame_info *info = &self->parent.reader.info;
  gint divisor;

  *fps_n = 0;
  *fps_d = 1;
  if (info->media == WALLOC_MEDIA_AUDIO) {
    *fps_n = info->rate;
    *fps_d = info->columns * WALLOC_AUDIO_COLUMN;
    divisor = gst_util_greatest_common_divisor (*fps_n, *fps_d);
    *fps_n /= divisor;
    *fps_d /= divisor;
  } else if (self->fps_d) {
    *fps_n = self->fps_n;
    *fps_d = self->fps_d;
  } else if (info->fps_n && info->fps_d && info->fps_n <= G_MAXINT
      && info->fps_d <= G_MAXINT) {
    *fps_n = info->fps_n;
    *fps_d = info->fps_d;
  }
}

/* The latents that were read as a new buffer. */
static GstFlowReturn
gst_walloc_latents_make (GstWallocLatents * self, GstBuffer * in,
    GstWallocLatentsType type, guint channels, GstBuffer ** out)
{
  const walloc_frame_info *info = &self->parent.reader.info;
  const walloc_latents *latents = &self->parent.reader.latents;
  const walloc_audio_latents *sound = &self->parent.reader.sound;
  gboolean is_sound = info->media == WALLOC_MEDIA_AUDIO;
  guint dims[4] = { latents->width, latents->height, channels, 1 };
  gint fps_n, fps_d;
  GstFlowReturn ret;
  GstMapInfo map;

  if (is_sound) {
    if (type == GST_WALLOC_LATENTS_INT16) {
      GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS, (NULL),
          ("Of sound there are no integers, as rotations of pairs are undone. "
              "Set type=float32."));
      return GST_FLOW_ERROR;
    }
    dims[0] = sound->columns;
    dims[1] = channels;
    dims[2] = sound->pairs;
  }
  get_framerate (self, &fps_n, &fps_d);
  ret = gst_walloc_latents_negotiate (self, type, dims, fps_n, fps_d);
  if (ret == GST_FLOW_OK)
    ret = gst_buffer_pool_acquire_buffer (self->pool, out, NULL);
  if (ret != GST_FLOW_OK)
    return ret;
  if (!gst_buffer_map (*out, &map, GST_MAP_WRITE)) {
    gst_buffer_unref (*out);
    GST_ELEMENT_ERROR (self, RESOURCE, WRITE, (NULL),
        ("Cannot map an output buffer."));
    return GST_FLOW_ERROR;
  }
  if (is_sound)
    fill_sound (self, map.data);
  else
    fill_picture (self, map.data);
  gst_buffer_unmap (*out, &map);

  gst_buffer_copy_into (*out, in, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  if (!GST_BUFFER_PTS_IS_VALID (*out) && info->pts != WALLOC_TIME_NONE)
    GST_BUFFER_PTS (*out) = info->pts;
  if (!GST_BUFFER_DURATION_IS_VALID (*out)
      && info->duration != WALLOC_TIME_NONE)
    GST_BUFFER_DURATION (*out) = info->duration;
  if (gst_buffer_map (in, &map, GST_MAP_READ)) {
    gst_walloc_latents_meta_add (*out, info, map.data,
        is_sound ? &sound->step : latents->step,
        is_sound ? 1 : MIN (latents->channels, channels));
    gst_buffer_unmap (in, &map);
  }
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_walloc_latents_chain (GstCompressedFilter * filter, GstBuffer * buffer)
{
  GstWallocLatents *self = GST_WALLOC_LATENTS (filter);
  GstFlowReturn ret = GST_FLOW_OK;
  GstCompressedReaderResult result;
  GstWallocLatentsType type;
  GstBuffer *out = NULL;
  gchar *model_file;
  guint channels;

  GST_OBJECT_LOCK (self);
  model_file = g_strdup (self->parent.model_file);
  type = self->type;
  channels = self->channels;
  GST_OBJECT_UNLOCK (self);

  /* what is above is not even decoded */
  gst_compressed_reader_set_channels (&self->parent.reader, channels);
  result =
      gst_compressed_reader_read (&self->parent.reader, buffer, model_file);
  g_free (model_file);
  if (result == GST_COMPRESSED_READER_OK) {
    ret = gst_walloc_latents_make (self, buffer, type,
        channels ? channels : self->parent.reader.model->info.channels, &out);
  } else if (result == GST_COMPRESSED_READER_ERROR) {
    ret = GST_FLOW_ERROR;
  } else {
    self->parent.discont = TRUE;
  }
  if (GST_BUFFER_IS_DISCONT (buffer))
    self->parent.discont = TRUE;
  gst_buffer_unref (buffer);
  if (!out)
    return ret;

  GST_BUFFER_FLAG_UNSET (out, GST_BUFFER_FLAG_DISCONT);
  if (self->parent.discont)
    GST_BUFFER_FLAG_SET (out, GST_BUFFER_FLAG_DISCONT);
  if (self->parent.reader.damaged)
    GST_BUFFER_FLAG_SET (out, GST_BUFFER_FLAG_CORRUPTED);
  self->parent.discont = FALSE;

  return gst_pad_push (self->parent.srcpad, out);
}

static gboolean
gst_walloc_latents_set_caps (GstCompressedFilter * filter, GstCaps * caps)
{
  GstWallocLatents *self = GST_WALLOC_LATENTS (filter);

  if (!gst_structure_get_fraction (gst_caps_get_structure (caps, 0),
          "framerate", &self->fps_n, &self->fps_d))
    self->fps_n = self->fps_d = 0;

  return TRUE;
}

static gboolean
gst_walloc_latents_start (GstCompressedFilter * filter)
{
  GstWallocLatents *self = GST_WALLOC_LATENTS (filter);

  self->fps_n = self->fps_d = 0;
  self->parent.discont = TRUE;

  return TRUE;
}

static void
gst_walloc_latents_stop (GstCompressedFilter * filter)
{
  forget_pool (GST_WALLOC_LATENTS (filter));
}

static void
gst_walloc_latents_class_init (GstWallocLatentsClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstCompressedFilterClass *filter_class = GST_COMPRESSED_FILTER_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (walloclatents_debug, "walloclatents", 0,
      "WaLLoC latents as tensors");

  object_class->set_property = gst_walloc_latents_set_property;
  object_class->get_property = gst_walloc_latents_get_property;

  /**
   * GstWallocLatents:type:
   *
   * What tensors hold. Integers are to be multiplied with the steps in the
   * meta; in streams with predicted frames, positions may have kept others.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_TYPE,
      g_param_spec_enum ("type", "Type", "What tensors hold",
          GST_TYPE_WALLOC_LATENTS_TYPE, DEFAULT_TYPE, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocLatents:channels:
   *
   * The first channels, in order of importance; those that the model or the
   * stream does not have are 0. Others are not decoded; more of them come with
   * the next key frame.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_CHANNELS,
      g_param_spec_uint ("channels", "Channels",
          "How many channels tensors have (0 = all of the model)", 0,
          MAX_CHANNELS, DEFAULT_CHANNELS, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocLatents:threads:
   *
   * Threads that work on one picture. The output does not depend on it.
   *
   * Since: 0.2
   */
  gst_compressed_filter_install_threads (object_class);

  /**
   * GstWallocLatents:model-file:
   *
   * The only codec model to consider: a file, or the name of one in the model
   * directories. Without it the one that the stream names is searched.
   *
   * Since: 0.2
   */
  gst_compressed_filter_install_model_file (object_class,
      "Path or name of the codec model (NULL = found by the stream's id)");

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "WaLLoC latents",
      "Converter/Tensor", "Latents of a coded stream as tensors",
      GST_PACKAGE_NAME);
  gst_type_mark_as_plugin_api (GST_TYPE_WALLOC_LATENTS_TYPE, 0);

  filter_class->chain = GST_DEBUG_FUNCPTR (gst_walloc_latents_chain);
  filter_class->set_caps = GST_DEBUG_FUNCPTR (gst_walloc_latents_set_caps);
  filter_class->start = GST_DEBUG_FUNCPTR (gst_walloc_latents_start);
  filter_class->stop = GST_DEBUG_FUNCPTR (gst_walloc_latents_stop);
}

static void
gst_walloc_latents_init (GstWallocLatents * self)
{
  self->type = DEFAULT_TYPE;
  self->channels = DEFAULT_CHANNELS;
}
