/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-wallocaudioenc
 * @title: wallocaudioenc
 * @short_description: Learned audio encoder
 * @see_also: wallocaudiodec, wallocparse
 *
 * Encodes sound into WaLLoC frames: a running wavelet packet transform, one
 * matrix and an entropy coder, in integers, so the same sound gives the same
 * bytes on every machine.
 *
 * The codec keeps the waveform, not what an ear would not miss: it is made for
 * machines that listen, and for measurements. At the same rate, codecs made
 * for ears sound better.
 *
 * Every frame decodes alone and describes itself (rate, channels, model, time
 * stamps), so the output may be written to a file, a socket or a pipe as it
 * is. A frame takes #GstWallocAudioEnc:frame-size samples; with the look-ahead
 * of 2044 samples this is the latency, which is what the LATENCY query
 * answers. Longer frames cost fewer bits. With a model of kind reference,
 * which is the published codec, every frame is a clip of its own: nothing is
 * late then, and there is neither quality nor bitrate to choose.
 *
 * The property #GstWallocAudioEnc:quality sets a constant quality: noise at a
 * distance below the level of the sound, which is followed slowly. With
 * #GstWallocAudioEnc:bitrate the step is chosen per frame such that any two
 * seconds keep the rate.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 audiotestsrc num-buffers=200 ! wallocaudioenc quality=60 ! filesink location=test.wlc
 * ]| This line writes a test tone into a file that decodebin can play.
 * |[
 * gst-launch-1.0 audiotestsrc is-live=true num-buffers=100 ! audioconvert ! wallocaudioenc bitrate=32000 frame-size=1024 ! wallocaudiodec ! audioconvert ! fakesink
 * ]| This line keeps a rate of 32 kbit/s at a short delay.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwallocaudioenc.h"
#include "gstwalloccommon.h"
#include "gstwallocelements.h"

GST_DEBUG_CATEGORY_STATIC (wallocaudioenc_debug);
#define GST_CAT_DEFAULT wallocaudioenc_debug

#define MAX_STEP 352

/* about how much of a second a frame is when the property is 0 */
#define FRAMES_PER_SECOND 8

/* headers carry a time stamp so often, and where one cannot be told from the
 * header before; it takes 19 bytes */
#define STAMP_INTERVAL GST_SECOND

/* quality whose step tells the level of the sound */
#define PROBE_QUALITY 50

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_WALLOC_AUDIO_RAW_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_AUDIO_CODED_CAPS ", " GST_WALLOC_AUDIO_RATES));

#define gst_walloc_audio_enc_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstWallocAudioEnc, gst_walloc_audio_enc,
    GST_TYPE_AUDIO_ENCODER);

GST_ELEMENT_REGISTER_DEFINE (wallocaudioenc, "wallocaudioenc",
    GST_RANK_PRIMARY, GST_TYPE_WALLOC_AUDIO_ENC);

static void
gst_walloc_audio_enc_finalize (GObject * object)
{
  GstWallocAudioEnc *self = GST_WALLOC_AUDIO_ENC (object);

  g_free (self->model_file);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

/* Forgets the stream, not its format. */
static void
gst_walloc_audio_enc_begin (GstWallocAudioEnc * self)
{
  self->consumed = self->coded = 0;
  self->stamped = GST_CLOCK_TIME_NONE;
  walloc_audio_encoder_reset (self->encoder);
  gst_walloc_rate_control_init (&self->rate);
}

static gboolean
gst_walloc_audio_enc_start (GstAudioEncoder * encoder)
{
  GstWallocAudioEnc *self = GST_WALLOC_AUDIO_ENC (encoder);
  GError *error = NULL;
  gchar *name;

  GST_OBJECT_LOCK (self);
  name = g_strdup (self->model_file);
  GST_OBJECT_UNLOCK (self);

  /* here and not at the first sample, so that the application's change of
   * state fails and not the stream later */
  self->model = gst_walloc_model_open (name ? name :
      GST_WALLOC_DEFAULT_SOUND_MODEL, &error);
  g_free (name);
  if (!self->model) {
    GST_WALLOC_POST_ERROR (self, error);
    g_clear_error (&error);
    return FALSE;
  }
  if (self->model->info.media != WALLOC_MEDIA_AUDIO) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, (NULL),
        ("The model \"%s\" is one of pictures; wallocenc takes it.",
            self->model->path));
    g_clear_pointer (&self->model, gst_walloc_model_unref);
    return FALSE;
  }

  GST_OBJECT_LOCK (self);
  memset (&self->stats, 0, sizeof (self->stats));
  self->last_step = 0;
  GST_OBJECT_UNLOCK (self);
  self->nominal_bitrate = 0;
  gst_audio_info_init (&self->info);

  return TRUE;
}

static gboolean
gst_walloc_audio_enc_stop (GstAudioEncoder * encoder)
{
  GstWallocAudioEnc *self = GST_WALLOC_AUDIO_ENC (encoder);

  g_clear_pointer (&self->encoder, walloc_audio_encoder_free);
  g_clear_pointer (&self->block, g_free);
  g_clear_pointer (&self->model, gst_walloc_model_unref);

  return TRUE;
}

static void
gst_walloc_audio_enc_update_tags (GstWallocAudioEnc * self, guint bitrate)
{
  GstTagList *tags = gst_tag_list_new_empty ();

  gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE,
      GST_TAG_AUDIO_CODEC, GST_WALLOC_CODEC_NAME,
      GST_TAG_ENCODER, "wallocaudioenc " VERSION, NULL);
  if (bitrate)
    gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE, GST_TAG_NOMINAL_BITRATE,
        bitrate, NULL);
  gst_audio_encoder_merge_tags (GST_AUDIO_ENCODER (self), tags,
      GST_TAG_MERGE_REPLACE);
  gst_tag_list_unref (tags);
  self->nominal_bitrate = bitrate;
}

/* Samples of a frame: what is asked for, in whole columns, or the power of
 * two next below an eighth of a second. */
static guint
frame_samples (guint frame_size, guint rate)
{
  guint samples = WALLOC_AUDIO_COLUMN;

  if (frame_size == 0) {
    while (2 * samples <= rate / FRAMES_PER_SECOND)
      samples *= 2;
    return samples;
  }
  samples = (frame_size + WALLOC_AUDIO_COLUMN - 1) / WALLOC_AUDIO_COLUMN *
      WALLOC_AUDIO_COLUMN;
  return MIN (samples, GST_WALLOC_AUDIO_ENC_MAX_FRAME_SIZE);
}

static guint64
channel_mask (const GstAudioInfo * info)
{
  guint64 mask = 0;

  if (GST_AUDIO_INFO_CHANNELS (info) > 2 &&
      !GST_AUDIO_INFO_IS_UNPOSITIONED (info))
    gst_audio_channel_positions_to_mask (info->position,
        GST_AUDIO_INFO_CHANNELS (info), FALSE, &mask);
  return mask;
}

static gboolean
gst_walloc_audio_enc_set_format (GstAudioEncoder * encoder, GstAudioInfo * info)
{
  GstWallocAudioEnc *self = GST_WALLOC_AUDIO_ENC (encoder);
  guint rate = GST_AUDIO_INFO_RATE (info);
  walloc_error text = { "" };
  walloc_frame_info header;
  GstClockTime latency;
  guint bitrate, frame_size;
  GstCaps *caps;
  gboolean ret;

  GST_OBJECT_LOCK (self);
  bitrate = self->bitrate;
  frame_size = self->frame_size;
  GST_OBJECT_UNLOCK (self);

  /* the base class has drained what was there */
  g_clear_pointer (&self->encoder, walloc_audio_encoder_free);
  self->info = *info;
  self->samples = frame_samples (frame_size, rate);
  if (frame_size % WALLOC_AUDIO_COLUMN != 0)
    GST_INFO_OBJECT (self, "frames of %u samples, not %u: they have whole "
        "columns of %d", self->samples, frame_size, WALLOC_AUDIO_COLUMN);
  self->format = GST_AUDIO_INFO_FORMAT (info) == GST_AUDIO_FORMAT_S16 ?
      WALLOC_SAMPLES_S16 : WALLOC_SAMPLES_F32;
  self->mask = channel_mask (info);
  if (walloc_audio_encoder_new (self->model->model, NULL, rate,
          GST_AUDIO_INFO_CHANNELS (info), self->samples / WALLOC_AUDIO_COLUMN,
          &self->encoder, &text) != WALLOC_OK) {
    GST_ELEMENT_ERROR (self, LIBRARY, INIT, (NULL),
        ("Cannot make an encoder: %s", text.text));
    return FALSE;
  }
  g_free (self->block);
  self->block = g_malloc ((gsize) self->samples * GST_AUDIO_INFO_BPF (info));
  gst_walloc_audio_enc_begin (self);

  gst_audio_encoder_set_frame_samples_min (encoder, self->samples);
  gst_audio_encoder_set_frame_samples_max (encoder, self->samples);
  gst_audio_encoder_set_frame_max (encoder, 1);
  self->delay = walloc_audio_delay (self->model->model);
  self->whole = self->model->info.kind == WALLOC_MODEL_REFERENCE;
  if (self->whole && bitrate)
    GST_ELEMENT_WARNING (self, LIBRARY, SETTINGS, (NULL),
        ("The model \"%s\" has no steps to choose from: the rate is what it "
            "is, and the property \"bitrate\" is not used.",
            self->model->path));
  latency = gst_util_uint64_scale_ceil (self->samples + self->delay,
      GST_SECOND, rate);
  gst_audio_encoder_set_latency (encoder, latency, latency);

  walloc_frame_info_init (&header);
  header.media = WALLOC_MEDIA_AUDIO;
  header.model_id = self->model->info.id;
  header.rate = rate;
  header.audio_channels = GST_AUDIO_INFO_CHANNELS (info);
  header.mask = self->mask;
  caps = gst_walloc_caps_from_header (&header);
  ret = gst_audio_encoder_set_output_format (encoder, caps);
  gst_caps_unref (caps);
  gst_walloc_audio_enc_update_tags (self, bitrate);

  return ret;
}

/* Another step for a frame that is too large or too small for the rate. */
static gboolean
gst_walloc_audio_enc_again (GstWallocAudioEnc * self,
    walloc_audio_params * params, const guint8 ** data, gsize * size,
    walloc_frame_info * header, walloc_error * text)
{
  guint index, finest, probe, best;

  /* the step of the default quality tells that of the finest */
  walloc_model_quality (self->model->model, PROBE_QUALITY, &probe, NULL);
  walloc_model_quality (self->model->model, 100, &best, NULL);
  finest = header->step_index + probe;
  finest = finest > best ? finest - best : 0;
  gst_walloc_rate_control_set (&self->rate, self->nominal_bitrate,
      MIN (finest, MAX_STEP), MAX_STEP, MAX_STEP);
  index = gst_walloc_rate_control_begin (&self->rate, TRUE,
      gst_util_uint64_scale (self->samples, GST_SECOND,
          GST_AUDIO_INFO_RATE (&self->info)), 1, self->samples);
  params->use_step = TRUE;
  do {
    params->step_index = MIN (index, MAX_STEP);
    if (walloc_audio_encoder_again (self->encoder, params, data, size, header,
            text) != WALLOC_OK)
      return FALSE;
  } while (gst_walloc_rate_control_again (&self->rate, WALLOC_FRAME_KEY,
          *size, 0, &index));

  return TRUE;
}

/* Encodes and pushes one block of samples, of which @fresh are new ones of
 * the base class. */
static GstFlowReturn
gst_walloc_audio_enc_block (GstWallocAudioEnc * self, const guint8 * samples,
    guint fresh, guint64 end)
{
  GstAudioEncoder *encoder = GST_AUDIO_ENCODER (self);
  gint64 first = (gint64) self->coded - self->delay, last;
  walloc_audio_params params;
  walloc_error text = { "" };
  walloc_frame_info header;
  const guint8 *data;
  GstBuffer *buffer;
  gboolean constant;
  guint bitrate;
  gsize size;

  walloc_audio_params_init (&params);
  GST_OBJECT_LOCK (self);
  params.quality = self->quality;
  params.layers = self->layers;
  bitrate = self->bitrate;
  GST_OBJECT_UNLOCK (self);
  if (bitrate != self->nominal_bitrate)
    gst_walloc_audio_enc_update_tags (self, bitrate);
  constant = bitrate == 0 || self->whole;
  if (!constant)
    params.quality = PROBE_QUALITY;

  /* samples of the recording in this frame: first to last */
  last = MIN (first + self->samples, (gint64) end);
  params.trim_start = CLAMP (-first, 0, (gint64) self->samples);
  params.trim_end = CLAMP (first + (gint64) self->samples - last, 0,
      (gint64) self->samples - (gint64) params.trim_start);
  params.mask = self->mask;
  self->offset = MAX (first, 0) - (gint64) self->consumed;
  self->next_samples = self->samples - params.trim_start - params.trim_end;

  if (walloc_audio_encoder_encode (self->encoder, samples, self->format,
          &params, &data, &size, &header, &text) != WALLOC_OK
      || (!constant && !gst_walloc_audio_enc_again (self, &params, &data,
              &size, &header, &text))) {
    GST_ELEMENT_ERROR (self, STREAM, ENCODE, (NULL), ("%s", text.text));
    return GST_FLOW_ERROR;
  }
  GST_OBJECT_LOCK (self);
  walloc_audio_encoder_get_stats (self->encoder, &self->stats);
  self->last_step = header.step_index;
  GST_OBJECT_UNLOCK (self);

  self->coded += self->samples;
  self->consumed += fresh;
  buffer = gst_audio_encoder_allocate_output_buffer (encoder, size);
  gst_buffer_fill (buffer, 0, data, size);
  if (params.trim_start || params.trim_end)
    gst_buffer_add_audio_clipping_meta (buffer, GST_FORMAT_DEFAULT,
        params.trim_start, params.trim_end);

  return gst_audio_encoder_finish_frame (encoder, buffer, fresh);
}

/* The rest of the stream: what the base class has left, and as many zeros as
 * bring all of it out. */
static GstFlowReturn
gst_walloc_audio_enc_drain (GstWallocAudioEnc * self)
{
  guint bpf = GST_AUDIO_INFO_BPF (&self->info);
  GstFlowReturn ret = GST_FLOW_OK;
  guint64 end = self->consumed;

  memset (self->block, 0, (gsize) self->samples * bpf);
  while (ret == GST_FLOW_OK && end > 0 && self->coded < end + self->delay)
    ret = gst_walloc_audio_enc_block (self, self->block, 0, end);
  gst_walloc_audio_enc_begin (self);

  return ret;
}

static GstFlowReturn
gst_walloc_audio_enc_handle_frame (GstAudioEncoder * encoder,
    GstBuffer * buffer)
{
  GstWallocAudioEnc *self = GST_WALLOC_AUDIO_ENC (encoder);
  guint bpf = GST_AUDIO_INFO_BPF (&self->info), samples;
  GstFlowReturn ret;
  GstMapInfo map;

  if (!self->encoder) {
    GST_ELEMENT_ERROR (self, CORE, NEGOTIATION, (NULL),
        ("Samples came before their format."));
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (!buffer)
    return gst_walloc_audio_enc_drain (self);
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    GST_ELEMENT_ERROR (self, RESOURCE, READ, (NULL),
        ("Cannot map an input buffer."));
    return GST_FLOW_ERROR;
  }
  samples = MIN (map.size / bpf, self->samples);
  if (samples == self->samples) {
    ret = gst_walloc_audio_enc_block (self, map.data, samples, G_MAXINT64);
  } else {
    guint64 end = self->consumed + samples;

    /* the last samples of the stream */
    memcpy (self->block, map.data, (gsize) samples * bpf);
    memset (self->block + (gsize) samples * bpf, 0,
        (gsize) (self->samples - samples) * bpf);
    ret = gst_walloc_audio_enc_block (self, self->block, samples, end);
  }
  gst_buffer_unmap (buffer, &map);

  return ret;
}

/* Times, which the base class takes from the samples that went in and not
 * from those that come out; then they go into the header, where they are
 * needed. */
static GstFlowReturn
gst_walloc_audio_enc_pre_push (GstAudioEncoder * encoder, GstBuffer ** buffer)
{
  GstWallocAudioEnc *self = GST_WALLOC_AUDIO_ENC (encoder);
  guint rate = GST_AUDIO_INFO_RATE (&self->info);
  GstClockTime pts = GST_BUFFER_PTS (*buffer), back;
  guint8 header[WALLOC_FRAME_MIN_HEADER + 256];
  walloc_frame_info info;
  GstBuffer *stamped;
  GstMapInfo map;

  if (self->offset < 0) {
    back = gst_util_uint64_scale (-self->offset, GST_SECOND, rate);
    pts = GST_CLOCK_TIME_IS_VALID (pts) && pts > back ? pts - back : 0;
  }
  GST_BUFFER_PTS (*buffer) = GST_BUFFER_DTS (*buffer) = pts;
  GST_BUFFER_DURATION (*buffer) = gst_util_uint64_scale (self->next_samples,
      GST_SECOND, rate);
  GST_BUFFER_FLAG_UNSET (*buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  if (!GST_CLOCK_TIME_IS_VALID (pts)
      || (GST_CLOCK_TIME_IS_VALID (self->stamped)
          && pts < self->stamped + STAMP_INTERVAL))
    return GST_FLOW_OK;

  if (!gst_buffer_map (*buffer, &map, GST_MAP_READ))
    return GST_FLOW_OK;
  if (walloc_frame_parse (map.data, map.size, &info, NULL) == WALLOC_OK) {
    gsize old = info.header_size;

    info.pts = pts;
    info.duration = GST_BUFFER_DURATION (*buffer);
    if (walloc_frame_rewrite (map.data, &info, header, sizeof (header),
            NULL) == WALLOC_OK) {
      stamped = gst_buffer_new_memdup (header, info.header_size);
      gst_buffer_copy_into (stamped, *buffer, GST_BUFFER_COPY_METADATA, 0, -1);
      stamped = gst_buffer_append_region (stamped, gst_buffer_ref (*buffer),
          old, -1);
      self->stamped = pts;
    } else {
      stamped = NULL;
    }
  } else {
    stamped = NULL;
  }
  gst_buffer_unmap (*buffer, &map);
  if (stamped) {
    gst_buffer_unref (*buffer);
    *buffer = stamped;
  }

  return GST_FLOW_OK;
}

static void
gst_walloc_audio_enc_flush (GstAudioEncoder * encoder)
{
  GstWallocAudioEnc *self = GST_WALLOC_AUDIO_ENC (encoder);

  if (self->encoder)
    gst_walloc_audio_enc_begin (self);
}

static void
gst_walloc_audio_enc_class_init (GstWallocAudioEncClass * klass)
{
  GObjectClass *gobject_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstAudioEncoderClass *encoder_class = GST_AUDIO_ENCODER_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (wallocaudioenc_debug, "wallocaudioenc", 0,
      "WaLLoC audio encoder");

  gobject_class->set_property = gst_walloc_audio_enc_set_property;
  gobject_class->get_property = gst_walloc_audio_enc_get_property;
  gobject_class->finalize = gst_walloc_audio_enc_finalize;

  gst_walloc_audio_enc_install_properties (gobject_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "WaLLoC audio encoder", "Codec/Encoder/Audio",
      "Encodes sound for machines that listen (learned codec)",
      GST_PACKAGE_NAME);

  encoder_class->start = GST_DEBUG_FUNCPTR (gst_walloc_audio_enc_start);
  encoder_class->stop = GST_DEBUG_FUNCPTR (gst_walloc_audio_enc_stop);
  encoder_class->set_format =
      GST_DEBUG_FUNCPTR (gst_walloc_audio_enc_set_format);
  encoder_class->handle_frame =
      GST_DEBUG_FUNCPTR (gst_walloc_audio_enc_handle_frame);
  encoder_class->pre_push = GST_DEBUG_FUNCPTR (gst_walloc_audio_enc_pre_push);
  encoder_class->flush = GST_DEBUG_FUNCPTR (gst_walloc_audio_enc_flush);
}

static void
gst_walloc_audio_enc_init (GstWallocAudioEnc * self)
{
  GstAudioEncoder *encoder = GST_AUDIO_ENCODER (self);

  gst_walloc_audio_enc_init_properties (self);
  gst_audio_encoder_set_drainable (encoder, TRUE);
  GST_PAD_SET_ACCEPT_TEMPLATE (GST_AUDIO_ENCODER_SINK_PAD (encoder));
}
