/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-wallocdec
 * @title: wallocdec
 * @short_description: Learned video and picture decoder
 * @see_also: wallocenc, wallocparse
 *
 * Decodes WaLLoC frames. The model that a stream needs is named in every
 * frame; it is looked for in the directories of the environment variable
 * GST_WALLOC_MODEL_PATH and in the install directory, unless
 * #GstWallocDec:model-file is set.
 *
 * The output has the format that the encoder was given. When downstream does
 * not take that but another format of the same chroma sampling, or GRAY8, the
 * picture is decoded into that at no extra cost.
 *
 * When downstream does not take the size of the stream but half, a quarter or
 * an eighth of it (rounded up), pictures are decoded in that size, which costs
 * less than decoding and scaling.
 *
 * With #GstWallocDec:decoder=auto stills and streams that are not live get the
 * best decoder of the model, live ones the fast one. A decoder that cannot keep
 * up makes way for a cheaper one, and is tried again later.
 *
 * Frames may build on the ones before (#GstWallocEnc:key-int-max). After a lost
 * one, all are left out until the next key frame, for which upstream is asked;
 * with #GstWallocDec:conceal they are shown as far as they can be decoded.
 *
 * Late frames are dropped before they are decoded, or if others build on them,
 * before a picture is made of them. Damaged slices are
 * concealed: from the picture before, where it is at most a second away and
 * looks alike around them, else from what is around them. The picture is marked
 * with %GST_BUFFER_FLAG_CORRUPTED. A frame
 * of a new size of which no slice is whole is dropped before memory is made for
 * it; a stream of which nothing could be decoded ends with an error.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=100 ! wallocenc ! wallocdec ! videoconvert ! autovideosink
 * ]| This line shows what the codec makes of a test picture.
 * |[
 * gst-launch-1.0 filesrc location=test.wlc ! wallocparse ! wallocdec decoder=linear ! videoconvert ! autovideosink
 * ]| This line plays a file with the cheapest decoder.
 *
 * |[
 * gst-launch-1.0 filesrc location=1080p.wlc ! wallocparse ! wallocdec ! video/x-raw,width=480,height=270 ! videoconvert ! autovideosink
 * ]| This line shows a small picture, for which only a part of the work is done.
 *
 * Since: 0.1
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include <gst/video/gstvideometa.h>
#include <gst/video/gstvideopool.h>

#include "gstwalloccommon.h"
#include "gstwallocdec.h"
#include "gstwallocelements.h"
#include "gstwallocreduce.h"

GST_DEBUG_CATEGORY_STATIC (wallocdec_debug);
#define GST_CAT_DEFAULT wallocdec_debug

#define DEFAULT_DECODER WALLOC_DECODER_AUTO
#define DEFAULT_THREADS 0
#define DEFAULT_CONCEAL FALSE
/* 8192 x 8192: latents of that take 400 MB, a picture 100 to 270 MB */
#define DEFAULT_MAX_PIXELS (1u << 26)

#define MAX_THREADS 64

/* between two pictures, of which the later may be filled from the earlier */
#define NEAR GST_SECOND

/* damage is told on the bus at most this often, lest a bad link floods it */
#define WARNING_INTERVAL G_USEC_PER_SEC

enum
{
  PROP_0,
  PROP_DECODER,
  PROP_THREADS,
  PROP_MODEL_FILE,
  PROP_CONCEAL,
  PROP_MAX_PIXELS,
  PROP_STATS
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_WALLOC_VIDEO_RAW_CAPS));

#define gst_walloc_dec_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstWallocDec, gst_walloc_dec, GST_TYPE_VIDEO_DECODER);

GST_ELEMENT_REGISTER_DEFINE (wallocdec, "wallocdec", GST_RANK_PRIMARY,
    GST_TYPE_WALLOC_DEC);

/**
 * GstWallocDecDecoder:
 * @auto: best for stills and streams that are not live, fast for live ones,
 *   as far as the model has them and time allows
 * @linear: one matrix and synthesis
 * @fast: small network for live video
 * @best: network for best quality
 *
 * Since: 0.1
 */
#define GST_TYPE_WALLOC_DEC_DECODER (gst_walloc_dec_decoder_get_type ())
static GType
gst_walloc_dec_decoder_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {WALLOC_DECODER_AUTO,
        "The best one that the model has and time allows", "auto"},
    {WALLOC_DECODER_LINEAR, "One matrix and synthesis, always there",
        "linear"},
    {WALLOC_DECODER_FAST, "Small network for live video", "fast"},
    {WALLOC_DECODER_BEST, "Network for best quality", "best"},
    {0, NULL, NULL}
  };

  if (g_once_init_enter (&type)) {
    GType t = g_enum_register_static ("GstWallocDecDecoder", values);

    g_once_init_leave (&type, t);
  }
  return type;
}

static GstStructure *
gst_walloc_dec_get_stats (GstWallocDec * self)
{
  GstStructure *s;

  GST_OBJECT_LOCK (self);
  s = gst_structure_new ("application/x-wallocdec-stats",
      "frames", G_TYPE_UINT64, self->totals.frames + self->stats.frames,
      "dropped", G_TYPE_UINT64, self->dropped,
      "hurried", G_TYPE_UINT64, self->hurried,
      "waiting", G_TYPE_UINT64, self->waiting,
      "linear-frames", G_TYPE_UINT64, self->decoded[WALLOC_DECODER_LINEAR],
      "fast-frames", G_TYPE_UINT64, self->decoded[WALLOC_DECODER_FAST],
      "best-frames", G_TYPE_UINT64, self->decoded[WALLOC_DECODER_BEST],
      "reduce", G_TYPE_UINT, self->reduce,
      "bytes", G_TYPE_UINT64, self->totals.bytes + self->stats.bytes,
      "pixels", G_TYPE_UINT64, self->totals.pixels + self->stats.pixels,
      "damaged-slices", G_TYPE_UINT64,
      self->totals.damaged_slices + self->stats.damaged_slices,
      "entropy-time", G_TYPE_UINT64,
      self->totals.ns_entropy + self->stats.ns_entropy,
      "network-time", G_TYPE_UINT64,
      self->totals.ns_network + self->stats.ns_network,
      "synthesis-time", G_TYPE_UINT64,
      self->totals.ns_synthesis + self->stats.ns_synthesis, NULL);
  GST_OBJECT_UNLOCK (self);

  return s;
}

static void
gst_walloc_dec_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstWallocDec *self = GST_WALLOC_DEC (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_DECODER:
      self->kind = g_value_get_enum (value);
      break;
    case PROP_THREADS:
      self->threads = g_value_get_uint (value);
      break;
    case PROP_MODEL_FILE:
      g_free (self->model_file);
      self->model_file = g_value_dup_string (value);
      break;
    case PROP_CONCEAL:
      self->conceal = g_value_get_boolean (value);
      break;
    case PROP_MAX_PIXELS:
      self->max_pixels = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_walloc_dec_get_property (GObject * object, guint prop_id, GValue * value,
    GParamSpec * pspec)
{
  GstWallocDec *self = GST_WALLOC_DEC (object);

  if (prop_id == PROP_STATS) {
    g_value_take_boxed (value, gst_walloc_dec_get_stats (self));
    return;
  }

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_DECODER:
      g_value_set_enum (value, self->kind);
      break;
    case PROP_THREADS:
      g_value_set_uint (value, self->threads);
      break;
    case PROP_MODEL_FILE:
      g_value_set_string (value, self->model_file);
      break;
    case PROP_CONCEAL:
      g_value_set_boolean (value, self->conceal);
      break;
    case PROP_MAX_PIXELS:
      g_value_set_uint64 (value, self->max_pixels);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_walloc_dec_finalize (GObject * object)
{
  GstWallocDec *self = GST_WALLOC_DEC (object);

  g_free (self->model_file);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_walloc_dec_forget_stream (GstWallocDec * self)
{
  g_clear_pointer (&self->input_state, gst_video_codec_state_unref);
  g_clear_pointer (&self->output_state, gst_video_codec_state_unref);
  self->renegotiate = FALSE;
  self->decoded_pts = GST_CLOCK_TIME_NONE;
}

static void
gst_walloc_dec_forget_model (GstWallocDec * self)
{
  GST_OBJECT_LOCK (self);
  self->totals.frames += self->stats.frames;
  self->totals.bytes += self->stats.bytes;
  self->totals.pixels += self->stats.pixels;
  self->totals.damaged_slices += self->stats.damaged_slices;
  self->totals.ns_entropy += self->stats.ns_entropy;
  self->totals.ns_network += self->stats.ns_network;
  self->totals.ns_synthesis += self->stats.ns_synthesis;
  memset (&self->stats, 0, sizeof (self->stats));
  GST_OBJECT_UNLOCK (self);

  walloc_decoder_free (self->decoder);
  self->decoder = NULL;
  gst_walloc_model_unref (self->model);
  self->model = NULL;
}

static gboolean
gst_walloc_dec_start (GstVideoDecoder * decoder)
{
  GstWallocDec *self = GST_WALLOC_DEC (decoder);
  guint threads;

  GST_OBJECT_LOCK (self);
  threads = self->threads;
  memset (&self->stats, 0, sizeof (self->stats));
  memset (&self->totals, 0, sizeof (self->totals));
  self->dropped = 0;
  self->hurried = 0;
  self->waiting = 0;
  memset (self->decoded, 0, sizeof (self->decoded));
  GST_OBJECT_UNLOCK (self);
  gst_walloc_choice_init (&self->choice);
  self->live_known = FALSE;

  /* which model is needed is known at the first frame */
  self->runner = gst_walloc_runner_new (threads);
  self->last_warning = 0;
  self->damaged_frames = 0;
  self->unusable_frames = 0;
  self->has_output = FALSE;
  self->decoded_pts = GST_CLOCK_TIME_NONE;

  return TRUE;
}

static gboolean
gst_walloc_dec_stop (GstVideoDecoder * decoder)
{
  GstWallocDec *self = GST_WALLOC_DEC (decoder);

  gst_walloc_dec_forget_stream (self);
  gst_walloc_dec_forget_model (self);
  gst_walloc_runner_free (self->runner);
  self->runner = NULL;

  return TRUE;
}

static gboolean
gst_walloc_dec_set_format (GstVideoDecoder * decoder,
    GstVideoCodecState * state)
{
  GstWallocDec *self = GST_WALLOC_DEC (decoder);
  GstTagList *tags;

  /* nothing is ever held back, so there is nothing to drain; the headers
   * decide, caps only add what they do not say */
  g_clear_pointer (&self->input_state, gst_video_codec_state_unref);
  self->input_state = gst_video_codec_state_ref (state);
  self->renegotiate = TRUE;
  self->decoded_pts = GST_CLOCK_TIME_NONE;

  tags = gst_tag_list_new (GST_TAG_VIDEO_CODEC, GST_WALLOC_CODEC_NAME, NULL);
  gst_video_decoder_merge_tags (decoder, tags, GST_TAG_MERGE_REPLACE);
  gst_tag_list_unref (tags);

  return TRUE;
}

static gboolean
gst_walloc_dec_sink_event (GstVideoDecoder * decoder, GstEvent * event)
{
  /* a byte stream with forced caps has no frame boundaries */
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT) {
    const GstSegment *segment;

    gst_event_parse_segment (event, &segment);
    gst_video_decoder_set_packetized (decoder,
        segment->format == GST_FORMAT_TIME);
    /* what comes next may be from elsewhere in the stream */
    GST_WALLOC_DEC (decoder)->decoded_pts = GST_CLOCK_TIME_NONE;
  }

  return GST_VIDEO_DECODER_CLASS (parent_class)->sink_event (decoder, event);
}

/* Frames are independent and decoded at once: nothing is ever held back. */
static GstFlowReturn
gst_walloc_dec_drain (GstVideoDecoder * decoder)
{
  return GST_FLOW_OK;
}

/* At the end, a stream of which nothing could be shown is an error: warnings
 * alone would let an application take it for an empty one. */
static GstFlowReturn
gst_walloc_dec_finish (GstVideoDecoder * decoder)
{
  GstWallocDec *self = GST_WALLOC_DEC (decoder);

  if (!self->unusable_frames || self->has_output)
    return GST_FLOW_OK;
  GST_ELEMENT_ERROR (self, STREAM, DECODE, (NULL),
      ("No valid frames: none of %u frames could be decoded. The stream is "
          "damaged, or was made by a later version.", self->unusable_frames));
  return GST_FLOW_ERROR;
}

static gboolean
gst_walloc_dec_flush (GstVideoDecoder * decoder)
{
  GstWallocDec *self = GST_WALLOC_DEC (decoder);

  self->unusable_frames = 0;
  /* what comes next need not follow what came last */
  self->decoded_pts = GST_CLOCK_TIME_NONE;
  walloc_decoder_reset (self->decoder);

  return TRUE;
}

/* Cuts a byte stream into frames; wallocparse does it better. */
static GstFlowReturn
gst_walloc_dec_parse (GstVideoDecoder * decoder, GstVideoCodecFrame * frame,
    GstAdapter * adapter, gboolean at_eos)
{
  gsize size = gst_adapter_available (adapter);
  walloc_frame_info info;
  walloc_result result;
  const guint8 *data;
  gsize offset, whole;

  if (size < WALLOC_FRAME_MIN_HEADER)
    return GST_VIDEO_DECODER_FLOW_NEED_DATA;

  data = gst_adapter_map (adapter, size);
  offset = walloc_frame_find (data, size, 0);
  result = WALLOC_ERR_TRUNCATED;
  if (offset == 0) {
    result = walloc_frame_parse (data, size, &info, NULL);
    /* a chance likeness is no header, search on */
    if (result != WALLOC_OK && (result != WALLOC_ERR_TRUNCATED || at_eos))
      offset = 1;
  }
  gst_adapter_unmap (adapter);

  if (offset > 0) {
    gst_adapter_flush (adapter, offset);
    return GST_FLOW_OK;
  }
  if (result != WALLOC_OK)
    return GST_VIDEO_DECODER_FLOW_NEED_DATA;

  whole = (gsize) info.header_size + info.payload_size;
  if (size < whole) {
    if (!at_eos)
      return GST_VIDEO_DECODER_FLOW_NEED_DATA;
    whole = size;
  }
  gst_video_decoder_add_to_frame (decoder, whole);

  return gst_video_decoder_have_frame (decoder);
}

/* Whether RGB can be made of YCbCr by the codec's own matrix, which is that
 * of BT.601, full range. */
static gboolean
is_jpeg_colour (const GstVideoColorimetry * c)
{
  return c->range == GST_VIDEO_COLOR_RANGE_0_255
      && c->matrix == GST_VIDEO_COLOR_MATRIX_BT601;
}

static gboolean
is_rgb (walloc_format format)
{
  return format >= WALLOC_FORMAT_RGB;
}

/* Whether a frame of the format @from can be decoded into @to with colours
 * that caps can describe. */
static gboolean
can_decode_into (walloc_format from, walloc_format to,
    const GstVideoColorimetry * c)
{
  if (from == to || to == WALLOC_FORMAT_GRAY8)
    return TRUE;
  switch (from) {
    case WALLOC_FORMAT_I420:
    case WALLOC_FORMAT_NV12:
      return to == WALLOC_FORMAT_I420 || to == WALLOC_FORMAT_NV12;
    case WALLOC_FORMAT_Y444:
      return is_rgb (to) && is_jpeg_colour (c);
    default:
      return is_rgb (from) && (is_rgb (to) || to == WALLOC_FORMAT_Y444);
  }
}

/* What downstream takes. Not by way of the pad's own caps: those are fixed to
 * what was negotiated last. */
static GstCaps *
gst_walloc_dec_get_allowed (GstWallocDec * self)
{
  GstPad *pad = GST_VIDEO_DECODER_SRC_PAD (self);
  GstCaps *template, *allowed;

  if (!gst_pad_is_linked (pad))
    return NULL;
  template = gst_pad_get_pad_template_caps (pad);
  allowed = gst_pad_peer_query_caps (pad, template);
  gst_caps_unref (template);

  return allowed;
}

static gboolean
gst_walloc_dec_fits (const GstCaps * allowed, walloc_format format,
    const walloc_frame_info * info, guint reduce)
{
  GstCaps *probe = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING,
      gst_video_format_to_string (gst_walloc_format_to_video (format)),
      "width", G_TYPE_INT, walloc_decoder_reduced_size (info->width, reduce),
      "height", G_TYPE_INT, walloc_decoder_reduced_size (info->height, reduce),
      NULL);
  gboolean fits = gst_caps_can_intersect (allowed, probe);

  gst_caps_unref (probe);

  return fits;
}

/* The stream's own size and format if downstream takes them, else the greatest
 * size that it takes and the best of those formats that cost nothing. */
static void
gst_walloc_dec_choose_output (GstWallocDec * self,
    const walloc_frame_info * info, const GstVideoColorimetry * colorimetry)
{
  /* after the stream's own: alternatives, grey last */
  static const walloc_format order[] = {
    WALLOC_FORMAT_I420, WALLOC_FORMAT_NV12, WALLOC_FORMAT_RGB,
    WALLOC_FORMAT_BGR, WALLOC_FORMAT_RGBX, WALLOC_FORMAT_BGRX,
    WALLOC_FORMAT_XRGB, WALLOC_FORMAT_XBGR, WALLOC_FORMAT_Y444,
    WALLOC_FORMAT_GRAY8
  };
  GstCaps *allowed = gst_walloc_dec_get_allowed (self);
  walloc_format format = info->format;
  guint reduce = 0, r;
  gboolean found = allowed == NULL;
  gint i;

  for (r = 0; r <= WALLOC_DECODE_MAX_REDUCE && !found; r++) {
    for (i = -1; i < (gint) G_N_ELEMENTS (order) && !found; i++) {
      walloc_format to = i < 0 ? info->format : order[i];

      if (can_decode_into (info->format, to, colorimetry)
          && gst_walloc_dec_fits (allowed, to, info, r)) {
        format = to;
        reduce = r;
        found = TRUE;
      }
    }
  }
  gst_clear_caps (&allowed);

  self->format = format;
  GST_OBJECT_LOCK (self);
  self->reduce = reduce;
  self->size[0] = info->width;
  self->size[1] = info->height;
  GST_OBJECT_UNLOCK (self);
}

/* Whether caps that were made for the header @a also serve @b. */
static gboolean
same_caps (const walloc_frame_info * a, const walloc_frame_info * b)
{
  return a->width == b->width && a->height == b->height
      && a->format == b->format && a->fps_n == b->fps_n
      && a->fps_d == b->fps_d && a->par_n == b->par_n && a->par_d == b->par_d
      && a->has_colour == b->has_colour && (!a->has_colour
      || memcmp (&a->colour, &b->colour, sizeof (a->colour)) == 0);
}

/* Colorimetry of the stream as the encoder saw it: that of the caps, else
 * that of the header, else the default of the format. The string in the caps
 * is read again because GstVideoInfo has no formats for coded video and so
 * refuses a matrix of RGB. */
static void
gst_walloc_dec_get_colour (GstWallocDec * self, const walloc_frame_info * info,
    const GstStructure * s, GstVideoColorimetry * colorimetry,
    GstVideoChromaSite * site)
{
  GstVideoInfo defaults;
  const gchar *text;

  gst_video_info_init (&defaults);
  gst_video_info_set_format (&defaults,
      gst_walloc_format_to_video (info->format), info->width, info->height);
  *colorimetry = defaults.colorimetry;
  *site = defaults.chroma_site;

  if (info->has_colour) {
    gst_walloc_colour_to_video (&info->colour, colorimetry);
    if (info->colour.chroma_site)
      *site = info->colour.chroma_site;
  }
  if (s) {
    text = gst_structure_get_string (s, "colorimetry");
    if (text)
      gst_video_colorimetry_from_string (colorimetry, text);
    text = gst_structure_get_string (s, "chroma-site");
    if (text)
      *site = gst_video_chroma_site_from_string (text);
  }
  if (is_rgb (info->format))
    colorimetry->matrix = GST_VIDEO_COLOR_MATRIX_RGB;
}

/* Makes the output state fit @info. */
static gboolean
gst_walloc_dec_update_output (GstWallocDec * self,
    const walloc_frame_info * info)
{
  GstVideoDecoder *decoder = GST_VIDEO_DECODER (self);
  GstStructure *s = NULL;
  GstVideoColorimetry colorimetry;
  GstVideoChromaSite site;
  GstVideoInfo *out;

  if (self->output_state && !self->renegotiate
      && same_caps (&self->header, info)
      && !GST_PAD_NEEDS_RECONFIGURE (GST_VIDEO_DECODER_SRC_PAD (decoder)))
    return TRUE;

  if (self->input_state && self->input_state->caps)
    s = gst_caps_get_structure (self->input_state->caps, 0);
  gst_walloc_dec_get_colour (self, info, s, &colorimetry, &site);
  gst_walloc_dec_choose_output (self, info, &colorimetry);

  g_clear_pointer (&self->output_state, gst_video_codec_state_unref);
  self->output_state = gst_video_decoder_set_output_state (decoder,
      gst_walloc_format_to_video (self->format),
      walloc_decoder_reduced_size (info->width, self->reduce),
      walloc_decoder_reduced_size (info->height, self->reduce),
      self->input_state);
  if (!self->output_state)
    return FALSE;

  out = &self->output_state->info;
  if (!s || !gst_structure_has_field (s, "framerate")) {
    out->fps_n = info->fps_n <= G_MAXINT ? info->fps_n : 0;
    out->fps_d = info->fps_d && info->fps_d <= G_MAXINT ? info->fps_d : 1;
    /* without a rate it is variable */
    if (out->fps_n)
      out->flags &= ~GST_VIDEO_FLAG_VARIABLE_FPS;
  }
  if ((!s || !gst_structure_has_field (s, "pixel-aspect-ratio"))
      && info->par_n && info->par_n <= G_MAXINT && info->par_d
      && info->par_d <= G_MAXINT) {
    out->par_n = info->par_n;
    out->par_d = info->par_d;
  }
  /* luma and chroma of an RGB stream are those of BT.601, full range */
  if (is_rgb (info->format) && !is_rgb (self->format)) {
    colorimetry.range = GST_VIDEO_COLOR_RANGE_0_255;
    colorimetry.matrix = GST_VIDEO_COLOR_MATRIX_BT601;
    site = GST_VIDEO_CHROMA_SITE_UNKNOWN;
  } else if (!is_rgb (info->format) && is_rgb (self->format)) {
    colorimetry.matrix = GST_VIDEO_COLOR_MATRIX_RGB;
    site = GST_VIDEO_CHROMA_SITE_UNKNOWN;
  }
  out->colorimetry = colorimetry;
  out->chroma_site = site;

  if (self->header.width != info->width || self->header.height != info->height)
    gst_walloc_choice_forget (&self->choice);
  self->header = *info;
  self->renegotiate = FALSE;
  GST_INFO_OBJECT (self, "%ux%u, stream %s, output %s at 1/%u", info->width,
      info->height, walloc_format_name (info->format),
      walloc_format_name (self->format), 1u << self->reduce);

  return gst_video_decoder_negotiate (decoder);
}

/* What may go in: pictures of the sizes that downstream takes, and greater ones
 * that can be decoded to these. */
static GstCaps *
gst_walloc_dec_getcaps (GstVideoDecoder * decoder, GstCaps * filter)
{
  GstCaps *caps = gst_walloc_reduce_invert
      (gst_video_decoder_proxy_getcaps (decoder, NULL, NULL));
  GstCaps *result;

  if (!filter)
    return caps;
  result = gst_caps_intersect_full (filter, caps, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (caps);

  return result;
}

/* What may come out, once the stream is known: its size and the reduced ones,
 * in all formats. */
static gboolean
gst_walloc_dec_src_query (GstVideoDecoder * decoder, GstQuery * query)
{
  GstWallocDec *self = GST_WALLOC_DEC (decoder);
  GstVideoCodecState *state;
  GstCaps *caps, *filter, *result;

  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS)
    return GST_VIDEO_DECODER_CLASS (parent_class)->src_query (decoder, query);

  gst_query_parse_caps (query, &filter);
  caps = gst_pad_get_pad_template_caps (GST_VIDEO_DECODER_SRC_PAD (decoder));
  state = gst_video_decoder_get_output_state (decoder);
  if (state) {
    GST_OBJECT_LOCK (self);
    caps = gst_walloc_reduce_offer (caps, self->size[0], self->size[1]);
    GST_OBJECT_UNLOCK (self);
    gst_video_codec_state_unref (state);
  }
  if (filter) {
    result = gst_caps_intersect_full (filter, caps, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref (caps);
    caps = result;
  }
  gst_query_set_caps_result (query, caps);
  gst_caps_unref (caps);

  return TRUE;
}

static gboolean
gst_walloc_dec_decide_allocation (GstVideoDecoder * decoder, GstQuery * query)
{
  GstBufferPool *pool = NULL;
  GstStructure *config;
  gboolean ret = TRUE;

  if (!GST_VIDEO_DECODER_CLASS (parent_class)->decide_allocation (decoder,
          query))
    return FALSE;

  /* pictures are written where they belong, with any stride */
  gst_query_parse_nth_allocation_pool (query, 0, &pool, NULL, NULL, NULL);
  if (pool && gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE,
          NULL)
      && gst_buffer_pool_has_option (pool, GST_BUFFER_POOL_OPTION_VIDEO_META)) {
    config = gst_buffer_pool_get_config (pool);
    gst_buffer_pool_config_add_option (config,
        GST_BUFFER_POOL_OPTION_VIDEO_META);
    ret = gst_buffer_pool_set_config (pool, config);
  }
  gst_clear_object (&pool);

  return ret;
}

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

/* What becomes of what is lost. The picture before serves only where it is
 * near: frames without time may be anything. */
static void
gst_walloc_dec_set_conceal (GstWallocDec * self, GstVideoCodecFrame * frame,
    const walloc_frame_info * info)
{
  GstClockTime pts = gst_walloc_dec_get_pts (frame, info);

  GST_OBJECT_LOCK (self);
  walloc_decoder_set_conceal (self->decoder, self->conceal);
  GST_OBJECT_UNLOCK (self);
  walloc_decoder_set_recall (self->decoder, GST_CLOCK_TIME_IS_VALID (pts)
      && GST_CLOCK_TIME_IS_VALID (self->decoded_pts)
      && ABS (GST_CLOCK_DIFF (self->decoded_pts, pts)) <= NEAR);
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

static GstFlowReturn
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

static void
gst_walloc_dec_class_init (GstWallocDecClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstVideoDecoderClass *decoder_class = GST_VIDEO_DECODER_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (wallocdec_debug, "wallocdec", 0, "WaLLoC decoder");

  object_class->set_property = gst_walloc_dec_set_property;
  object_class->get_property = gst_walloc_dec_get_property;
  object_class->finalize = gst_walloc_dec_finalize;

  /**
   * GstWallocDec:decoder:
   *
   * Which of the model's decoders turns latents into pictures.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_DECODER,
      g_param_spec_enum ("decoder", "Decoder",
          "Which decoder of the model to use", GST_TYPE_WALLOC_DEC_DECODER,
          DEFAULT_DECODER, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocDec:threads:
   *
   * Threads that work on one picture. The output does not depend on it.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_THREADS,
      g_param_spec_uint ("threads", "Threads",
          "Threads to use (0 = as many as there are processors)", 0,
          MAX_THREADS, DEFAULT_THREADS, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));

  /**
   * GstWallocDec:model-file:
   *
   * The only model to consider: a file, or the name of one in the model
   * directories. Without it the model that the stream names is searched in
   * all of them.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_MODEL_FILE,
      g_param_spec_string ("model-file", "Model file",
          "Path or name of the model (NULL = found by the stream's model id)",
          NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));

  /**
   * GstWallocDec:conceal:
   *
   * What becomes of frames that build on a lost one: by default they are left
   * out until the next key frame. With this they are shown as far as they can
   * be decoded, marked with %GST_BUFFER_FLAG_CORRUPTED; the rest stays as it
   * was. Upstream is asked for a key frame either way.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_CONCEAL,
      g_param_spec_boolean ("conceal", "Conceal lost frames",
          "Show frames that build on a lost one as far as they can be decoded",
          DEFAULT_CONCEAL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocDec:max-pixels:
   *
   * Width times height that the header of a frame may claim, whatever size it
   * is decoded to. Frames with greater pictures are dropped before memory is
   * taken for them.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_MAX_PIXELS,
      g_param_spec_uint64 ("max-pixels", "Maximum pixels",
          "Greatest picture that is decoded, in pixels", 1,
          (guint64) WALLOC_MAX_SIZE * WALLOC_MAX_SIZE, DEFAULT_MAX_PIXELS,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocDec:stats:
   *
   * Counters since the start, a structure
   * `application/x-wallocdec-stats` with
   *
   * * #guint64 `frames`, `dropped` (late ones, not decoded), `hurried`
   *   (auto took a cheaper decoder for lack of time), `waiting` (left out
   *   until the next key frame), `bytes`,
   *   `pixels`, `damaged-slices` (concealed)
   * * #guint64 `linear-frames`, `fast-frames`, `best-frames`: how often each
   *   decoder was used
   * * #guint `reduce`: pictures are 1 / 2^reduce of their size
   * * #guint64 `entropy-time`, `network-time`, `synthesis-time`: ns spent in
   *   each stage
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Counters since the start", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "WaLLoC decoder",
      "Codec/Decoder/Video/Image", "Decodes video of a learned codec",
      GST_PACKAGE_NAME);
  gst_type_mark_as_plugin_api (GST_TYPE_WALLOC_DEC_DECODER, 0);

  decoder_class->start = GST_DEBUG_FUNCPTR (gst_walloc_dec_start);
  decoder_class->stop = GST_DEBUG_FUNCPTR (gst_walloc_dec_stop);
  decoder_class->set_format = GST_DEBUG_FUNCPTR (gst_walloc_dec_set_format);
  decoder_class->sink_event = GST_DEBUG_FUNCPTR (gst_walloc_dec_sink_event);
  decoder_class->drain = GST_DEBUG_FUNCPTR (gst_walloc_dec_drain);
  decoder_class->finish = GST_DEBUG_FUNCPTR (gst_walloc_dec_finish);
  decoder_class->flush = GST_DEBUG_FUNCPTR (gst_walloc_dec_flush);
  decoder_class->parse = GST_DEBUG_FUNCPTR (gst_walloc_dec_parse);
  decoder_class->getcaps = GST_DEBUG_FUNCPTR (gst_walloc_dec_getcaps);
  decoder_class->src_query = GST_DEBUG_FUNCPTR (gst_walloc_dec_src_query);
  decoder_class->decide_allocation =
      GST_DEBUG_FUNCPTR (gst_walloc_dec_decide_allocation);
  decoder_class->handle_frame = GST_DEBUG_FUNCPTR (gst_walloc_dec_handle_frame);
}

static void
gst_walloc_dec_init (GstWallocDec * self)
{
  GstVideoDecoder *decoder = GST_VIDEO_DECODER (self);

  self->kind = DEFAULT_DECODER;
  self->threads = DEFAULT_THREADS;
  self->conceal = DEFAULT_CONCEAL;
  self->decoded_pts = GST_CLOCK_TIME_NONE;
  self->max_pixels = DEFAULT_MAX_PIXELS;
  gst_walloc_choice_init (&self->choice);

  gst_video_decoder_set_packetized (decoder, TRUE);
  gst_video_decoder_set_needs_format (decoder, FALSE);
  gst_video_decoder_set_use_default_pad_acceptcaps (decoder, TRUE);
  GST_PAD_SET_ACCEPT_TEMPLATE (GST_VIDEO_DECODER_SINK_PAD (decoder));
}
