/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-corrupt
 * @title: corrupt
 * @short_description: The 15 corruptions of ImageNet-C on live video
 * @see_also: wallocenc, compressedclassify
 *
 * Corrupts pictures as the benchmark ImageNet-C does (Hendrycks and Dietterich,
 * arXiv 1903.12261): noise, blur, weather and digital artefacts, at five
 * severities, at any size. What a frame becomes depends on its samples, the
 * #GstCorrupt:seed and the frame's number alone, whatever the number of
 * threads.
 *
 * Two published programs make these corruptions and differ in some;
 * #GstCorrupt:variant says which one to follow.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! corrupt type=fog severity=3 ! videoconvert ! autovideosink
 * ]| A camera in the fog.
 * |[
 * gst-launch-1.0 filesrc location=in.png ! pngdec ! videoconvert ! corrupt type=gaussian_noise severity=5 seed=1 ! pngenc ! filesink location=out.png
 * ]| Noise on a picture, the same each time.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcorrupt.h"
#include "gstinspectelements.h"

GST_DEBUG_CATEGORY_STATIC (corrupt_debug);
#define GST_CAT_DEFAULT corrupt_debug

#define DEFAULT_TYPE CORRUPTION_GAUSSIAN_NOISE
#define DEFAULT_SEVERITY 3
#define DEFAULT_VARIANT CORRUPTION_IMAGECORRUPTIONS
#define DEFAULT_SEED 0
#define DEFAULT_HOLD 1
#define DEFAULT_NUMBERING GST_CORRUPT_NUMBERING_TIME
#define DEFAULT_THREADS 0
#define MAX_THREADS 64

enum
{
  PROP_0,
  PROP_TYPE,
  PROP_SEVERITY,
  PROP_VARIANT,
  PROP_SEED,
  PROP_HOLD,
  PROP_NUMBERING,
  PROP_THREADS
};

#define CAPS GST_VIDEO_CAPS_MAKE ("{ RGB, BGR, RGBx, BGRx, xRGB, xBGR, " \
    "RGBA, BGRA, ARGB, ABGR, GBR, GRAY8 }") ", width=(int)[1,16384], " \
    "height=(int)[1,16384]"

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));

#define gst_corrupt_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstCorrupt, gst_corrupt, GST_TYPE_VIDEO_FILTER);

GST_ELEMENT_REGISTER_DEFINE (corrupt, "corrupt", GST_RANK_NONE,
    GST_TYPE_CORRUPT);

#define GST_TYPE_CORRUPT_TYPE (gst_corrupt_type_get_type ())
static GType
gst_corrupt_type_get_type (void)
{
  static const gchar *const names[CORRUPTION_TYPES] = {
    "Gaussian noise", "Noise of few photons", "Black and white dots",
    "Out of focus", "Behind frosted glass", "Moved while exposed",
    "Moved closer while exposed", "Falling snow", "Ice on the lens", "Fog",
    "Too bright", "Too little contrast", "Stretched here and there",
    "Coarse pixels", "Coded as JPEG"
  };
  static GEnumValue values[CORRUPTION_TYPES + 1];
  static gsize type;

  if (g_once_init_enter (&type)) {
    GType t;
    guint i;

    for (i = 0; i < CORRUPTION_TYPES; i++) {
      values[i].value = i;
      values[i].value_name = names[i];
      /* the names of the benchmark's folders */
      values[i].value_nick = corruption_name (i);
    }
    t = g_enum_register_static ("GstCorruptType", values);
    g_once_init_leave (&type, t);
  }
  return type;
}

#define GST_TYPE_CORRUPT_VARIANT (gst_corrupt_variant_get_type ())
static GType
gst_corrupt_variant_get_type (void)
{
  static const GEnumValue values[] = {
    {CORRUPTION_HENDRYCKS, "hendrycks/robustness, made for 224x224",
        "hendrycks"},
    {CORRUPTION_IMAGECORRUPTIONS, "bethgelab/imagecorruptions, for any size",
        "imagecorruptions"},
    {0, NULL, NULL}
  };
  static gsize type;

  if (g_once_init_enter (&type)) {
    GType t = g_enum_register_static ("GstCorruptVariant", values);

    g_once_init_leave (&type, t);
  }
  return type;
}

#define GST_TYPE_CORRUPT_NUMBERING (gst_corrupt_numbering_get_type ())
static GType
gst_corrupt_numbering_get_type (void)
{
  static const GEnumValue values[] = {
    {GST_CORRUPT_NUMBERING_TIME, "By time stamp and frame rate", "time"},
    {GST_CORRUPT_NUMBERING_COUNT, "Counted from the first frame", "count"},
    {0, NULL, NULL}
  };
  static gsize type;

  if (g_once_init_enter (&type)) {
    GType t = g_enum_register_static ("GstCorruptNumbering", values);

    g_once_init_leave (&type, t);
  }
  return type;
}

static void
gst_corrupt_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstCorrupt *self = GST_CORRUPT (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_TYPE:
      self->changed |= self->type != (corruption_type) g_value_get_enum (value);
      self->type = g_value_get_enum (value);
      break;
    case PROP_SEVERITY:
      self->changed |= self->severity != g_value_get_uint (value);
      self->severity = g_value_get_uint (value);
      break;
    case PROP_VARIANT:
      self->changed |=
          self->variant != (corruption_variant) g_value_get_enum (value);
      self->variant = g_value_get_enum (value);
      break;
    case PROP_SEED:
      self->seed = g_value_get_uint64 (value);
      break;
    case PROP_HOLD:
      self->hold = g_value_get_uint (value);
      break;
    case PROP_NUMBERING:
      self->numbering = g_value_get_enum (value);
      break;
    case PROP_THREADS:
      self->threads = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_corrupt_get_property (GObject * object, guint prop_id, GValue * value,
    GParamSpec * pspec)
{
  GstCorrupt *self = GST_CORRUPT (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_TYPE:
      g_value_set_enum (value, self->type);
      break;
    case PROP_SEVERITY:
      g_value_set_uint (value, self->severity);
      break;
    case PROP_VARIANT:
      g_value_set_enum (value, self->variant);
      break;
    case PROP_SEED:
      g_value_set_uint64 (value, self->seed);
      break;
    case PROP_HOLD:
      g_value_set_uint (value, self->hold);
      break;
    case PROP_NUMBERING:
      g_value_set_enum (value, self->numbering);
      break;
    case PROP_THREADS:
      g_value_set_uint (value, self->threads);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_corrupt_forget (GstCorrupt * self)
{
  g_clear_pointer (&self->corruption, corruption_free);
  g_clear_pointer (&self->planes, g_free);
}

static gboolean
gst_corrupt_start (GstBaseTransform * trans)
{
  GstCorrupt *self = GST_CORRUPT (trans);
  guint threads;

  GST_OBJECT_LOCK (self);
  threads = self->threads;
  GST_OBJECT_UNLOCK (self);
  self->runner = gst_walloc_runner_new (threads);
  self->count = 0;

  return TRUE;
}

static gboolean
gst_corrupt_stop (GstBaseTransform * trans)
{
  GstCorrupt *self = GST_CORRUPT (trans);

  gst_corrupt_forget (self);
  g_clear_pointer (&self->runner, gst_walloc_runner_free);

  return TRUE;
}

static gboolean
gst_corrupt_set_info (GstVideoFilter * filter, GstCaps * incaps,
    GstVideoInfo * in_info, GstCaps * outcaps, GstVideoInfo * out_info)
{
  gst_corrupt_forget (GST_CORRUPT (filter));

  return TRUE;
}

static guint
n_planes (const GstVideoFrame * frame)
{
  return GST_VIDEO_INFO_IS_GRAY (&frame->info) ? 1 : 3;
}

/* Samples of a component lie one behind the other, and rows of all components
 * are as far from each other: nothing to unpack. */
static gboolean
is_planar (const GstVideoFrame * frame)
{
  guint p;

  for (p = 0; p < n_planes (frame); p++)
    if (GST_VIDEO_FRAME_COMP_PSTRIDE (frame, p) != 1
        || GST_VIDEO_FRAME_COMP_STRIDE (frame, p)
        != GST_VIDEO_FRAME_COMP_STRIDE (frame, 0))
      return FALSE;
  return TRUE;
}

static gboolean
gst_corrupt_prepare (GstCorrupt * self, GstVideoFrame * frame)
{
  guint width = GST_VIDEO_FRAME_WIDTH (frame);
  guint height = GST_VIDEO_FRAME_HEIGHT (frame);
  gchar error[CORRUPTION_ERROR_SIZE] = "";
  corruption_variant variant;
  corruption_type type;
  guint severity;

  GST_OBJECT_LOCK (self);
  type = self->type;
  severity = self->severity;
  variant = self->variant;
  if (self->changed)
    g_clear_pointer (&self->corruption, corruption_free);
  self->changed = FALSE;
  GST_OBJECT_UNLOCK (self);

  if (!is_planar (frame) && !self->planes) {
    self->stride = width;
    self->planes = g_try_malloc_n ((gsize) width * height, n_planes (frame));
    if (!self->planes) {
      GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT, (NULL),
          ("No memory for a picture of %ux%u.", width, height));
      return FALSE;
    }
  }
  if (self->corruption)
    return TRUE;

  self->corruption = corruption_new (type, severity, variant, width, height,
      n_planes (frame), gst_walloc_runner_get (self->runner), error);
  if (!self->corruption) {
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT, (NULL),
        ("%s of %ux%u: %s.", corruption_name (type), width, height, error));
    return FALSE;
  }
  GST_DEBUG_OBJECT (self, "%s, severity %u, %ux%u", corruption_name (type),
      severity, width, height);
  return TRUE;
}

/* Samples of packed pixels to planes, or back. */
static void
gst_corrupt_repack (GstCorrupt * self, GstVideoFrame * frame, gboolean back)
{
  guint width = GST_VIDEO_FRAME_WIDTH (frame);
  guint height = GST_VIDEO_FRAME_HEIGHT (frame), p, x, y;

  for (p = 0; p < n_planes (frame); p++) {
    gint step = GST_VIDEO_FRAME_COMP_PSTRIDE (frame, p);

    for (y = 0; y < height; y++) {
      guint8 *packed = (guint8 *) GST_VIDEO_FRAME_COMP_DATA (frame, p)
          + (gsize) y * GST_VIDEO_FRAME_COMP_STRIDE (frame, p);
      guint8 *plane = self->planes + ((gsize) p * height + y) * self->stride;

      if (back)
        for (x = 0; x < width; x++)
          packed[x * step] = plane[x];
      else
        for (x = 0; x < width; x++)
          plane[x] = packed[x * step];
    }
  }
}

static guint64
gst_corrupt_get_number (GstCorrupt * self, GstVideoFrame * frame)
{
  GstClockTime pts = GST_BUFFER_PTS (frame->buffer);
  guint64 number = self->count++;
  gint fps_n = GST_VIDEO_INFO_FPS_N (&frame->info);
  gint fps_d = GST_VIDEO_INFO_FPS_D (&frame->info);
  GstCorruptNumbering numbering;
  guint hold;

  GST_OBJECT_LOCK (self);
  numbering = self->numbering;
  hold = self->hold;
  GST_OBJECT_UNLOCK (self);

  if (numbering == GST_CORRUPT_NUMBERING_TIME && GST_CLOCK_TIME_IS_VALID (pts)) {
    /* the nearest whole number; without a frame rate the time itself is one */
    number = fps_n > 0 ? gst_util_uint64_scale_round (pts, fps_n,
        GST_SECOND * fps_d) : pts;
  }
  return hold ? number / hold : 0;
}

/* Values of a controller, at the frame's time. */
static void
gst_corrupt_before_transform (GstBaseTransform * trans, GstBuffer * buffer)
{
  GstClockTime time = gst_segment_to_stream_time (&trans->segment,
      GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));

  if (GST_CLOCK_TIME_IS_VALID (time))
    gst_object_sync_values (GST_OBJECT (trans), time);
}

static GstFlowReturn
gst_corrupt_transform_frame_ip (GstVideoFilter * filter, GstVideoFrame * frame)
{
  GstCorrupt *self = GST_CORRUPT (filter);
  guint height = GST_VIDEO_FRAME_HEIGHT (frame), p;
  guint64 number = gst_corrupt_get_number (self, frame), seed;
  gchar error[CORRUPTION_ERROR_SIZE] = "";
  guint8 *planes[3];
  gsize stride;
  gboolean done;

  if (!gst_corrupt_prepare (self, frame))
    return GST_FLOW_ERROR;
  GST_OBJECT_LOCK (self);
  seed = self->seed;
  GST_OBJECT_UNLOCK (self);

  if (is_planar (frame)) {
    stride = GST_VIDEO_FRAME_COMP_STRIDE (frame, 0);
    for (p = 0; p < n_planes (frame); p++)
      planes[p] = GST_VIDEO_FRAME_COMP_DATA (frame, p);
    done = corruption_apply (self->corruption, planes, stride, seed, number,
        error);
  } else {
    for (p = 0; p < n_planes (frame); p++)
      planes[p] = self->planes + self->stride * height * p;
    gst_corrupt_repack (self, frame, FALSE);
    done = corruption_apply (self->corruption, planes, self->stride, seed,
        number, error);
    if (done)
      gst_corrupt_repack (self, frame, TRUE);
  }
  if (!done) {
    GST_ELEMENT_ERROR (self, STREAM, FAILED, (NULL), ("%s.", error));
    return GST_FLOW_ERROR;
  }
  return GST_FLOW_OK;
}

static void
gst_corrupt_class_init (GstCorruptClass * klass)
{
  GObjectClass *gobject_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);
  GstVideoFilterClass *filter_class = GST_VIDEO_FILTER_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  GST_DEBUG_CATEGORY_INIT (corrupt_debug, "corrupt", 0,
      "Corruptions of pictures");

  gobject_class->set_property = gst_corrupt_set_property;
  gobject_class->get_property = gst_corrupt_get_property;

  /**
   * GstCorrupt:type:
   *
   * Which of the 15 corruptions.
   */
  g_object_class_install_property (gobject_class, PROP_TYPE,
      g_param_spec_enum ("type", "Type", "Which corruption",
          GST_TYPE_CORRUPT_TYPE, DEFAULT_TYPE,
          flags | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstCorrupt:severity:
   *
   * How much, 1 to 5.
   */
  g_object_class_install_property (gobject_class, PROP_SEVERITY,
      g_param_spec_uint ("severity", "Severity", "How much, 1 to 5", 1, 5,
          DEFAULT_SEVERITY, flags | GST_PARAM_MUTABLE_PLAYING
          | GST_PARAM_CONTROLLABLE));
  /**
   * GstCorrupt:variant:
   *
   * Which published program is followed where they differ: in zoom, snow,
   * frost, elastic transform and pixelate.
   */
  g_object_class_install_property (gobject_class, PROP_VARIANT,
      g_param_spec_enum ("variant", "Variant", "Which published program is "
          "followed where they differ", GST_TYPE_CORRUPT_VARIANT,
          DEFAULT_VARIANT, flags | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstCorrupt:seed:
   *
   * Another seed, other noise.
   */
  g_object_class_install_property (gobject_class, PROP_SEED,
      g_param_spec_uint64 ("seed", "Seed", "Another seed, other noise", 0,
          G_MAXUINT64, DEFAULT_SEED, flags | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstCorrupt:hold:
   *
   * How many frames share what is drawn (noise, angle, weather); 0: all.
   */
  g_object_class_install_property (gobject_class, PROP_HOLD,
      g_param_spec_uint ("hold", "Hold", "How many frames share what is "
          "drawn (0: all)", 0, G_MAXUINT, DEFAULT_HOLD,
          flags | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstCorrupt:numbering:
   *
   * What a frame's number is, which together with the seed says what is drawn.
   */
  g_object_class_install_property (gobject_class, PROP_NUMBERING,
      g_param_spec_enum ("numbering", "Numbering", "What a frame's number is",
          GST_TYPE_CORRUPT_NUMBERING, DEFAULT_NUMBERING,
          flags | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstCorrupt:threads:
   *
   * Threads to work with (0: as many as there are processors). Results do not
   * depend on it.
   */
  g_object_class_install_property (gobject_class, PROP_THREADS,
      g_param_spec_uint ("threads", "Threads", "Threads to work with (0: as "
          "many as there are processors)", 0, MAX_THREADS, DEFAULT_THREADS,
          flags | GST_PARAM_MUTABLE_READY));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "Corruptions of pictures", "Filter/Effect/Video",
      "Corrupts pictures as ImageNet-C does: noise, blur, weather, digital",
      GST_PACKAGE_NAME);

  trans_class->start = GST_DEBUG_FUNCPTR (gst_corrupt_start);
  trans_class->before_transform =
      GST_DEBUG_FUNCPTR (gst_corrupt_before_transform);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_corrupt_stop);
  filter_class->set_info = GST_DEBUG_FUNCPTR (gst_corrupt_set_info);
  filter_class->transform_frame_ip =
      GST_DEBUG_FUNCPTR (gst_corrupt_transform_frame_ip);

  gst_type_mark_as_plugin_api (GST_TYPE_CORRUPT_TYPE, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_CORRUPT_VARIANT, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_CORRUPT_NUMBERING, 0);
}

static void
gst_corrupt_init (GstCorrupt * self)
{
  self->type = DEFAULT_TYPE;
  self->severity = DEFAULT_SEVERITY;
  self->variant = DEFAULT_VARIANT;
  self->seed = DEFAULT_SEED;
  self->hold = DEFAULT_HOLD;
  self->numbering = DEFAULT_NUMBERING;
  self->threads = DEFAULT_THREADS;
}
