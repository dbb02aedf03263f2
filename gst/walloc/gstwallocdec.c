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

/* of all files of the element */
GST_DEBUG_CATEGORY (wallocdec_debug);
#define GST_CAT_DEFAULT wallocdec_debug

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_WALLOC_VIDEO_RAW_CAPS));

#define gst_walloc_dec_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstWallocDec, gst_walloc_dec, GST_TYPE_VIDEO_DECODER);

GST_ELEMENT_REGISTER_DEFINE (wallocdec, "wallocdec", GST_RANK_PRIMARY,
    GST_TYPE_WALLOC_DEC);

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

/* Also called when the model of the stream changes. */
void
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

  gst_walloc_dec_install_properties (object_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "WaLLoC decoder",
      "Codec/Decoder/Video/Image", "Decodes video of a learned codec",
      GST_PACKAGE_NAME);

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

  gst_walloc_dec_init_properties (self);
  self->decoded_pts = GST_CLOCK_TIME_NONE;
  gst_walloc_choice_init (&self->choice);

  gst_video_decoder_set_packetized (decoder, TRUE);
  gst_video_decoder_set_needs_format (decoder, FALSE);
  gst_video_decoder_set_use_default_pad_acceptcaps (decoder, TRUE);
  GST_PAD_SET_ACCEPT_TEMPLATE (GST_VIDEO_DECODER_SINK_PAD (decoder));
}
