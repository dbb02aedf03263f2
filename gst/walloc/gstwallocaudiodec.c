/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-wallocaudiodec
 * @title: wallocaudiodec
 * @short_description: Learned audio decoder
 * @see_also: wallocaudioenc, wallocparse
 *
 * Decodes WaLLoC frames of sound, to 16-bit or float samples, whatever
 * downstream prefers. Models are found by the id that frames carry: in the
 * folders of GST_WALLOC_MODEL_PATH, then among the installed ones, unless
 * #GstWallocAudioDec:model-file names one.
 *
 * Models may have a network that makes better sound of the same stream:
 * #GstWallocAudioDec:decoder.
 *
 * What is lost is replaced: a damaged frame, a frame that the numbers in
 * headers show to be missing, and gaps that upstream reports. What was heard
 * last goes on then, and fades out where more is missing.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=test.wlc ! wallocparse ! wallocaudiodec ! audioconvert ! audioresample ! autoaudiosink
 * ]| This line plays a file.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwallocaudiodec.h"
#include "gstwalloccommon.h"
#include "gstwallocelements.h"

GST_DEBUG_CATEGORY_STATIC (wallocaudiodec_debug);
#define GST_CAT_DEFAULT wallocaudiodec_debug

/* missing frames that are replaced at most; behind a longer gap, the stream
 * goes on as if new */
#define MAX_MISSING 8

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_AUDIO_CODED_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_WALLOC_AUDIO_RAW_CAPS));

#define gst_walloc_audio_dec_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstWallocAudioDec, gst_walloc_audio_dec,
    GST_TYPE_AUDIO_DECODER);

GST_ELEMENT_REGISTER_DEFINE (wallocaudiodec, "wallocaudiodec",
    GST_RANK_PRIMARY, GST_TYPE_WALLOC_AUDIO_DEC);

static void
gst_walloc_audio_dec_finalize (GObject * object)
{
  GstWallocAudioDec *self = GST_WALLOC_AUDIO_DEC (object);

  g_free (self->model_file);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static gboolean
gst_walloc_audio_dec_start (GstAudioDecoder * decoder)
{
  GstWallocAudioDec *self = GST_WALLOC_AUDIO_DEC (decoder);

  GST_OBJECT_LOCK (self);
  memset (&self->stats, 0, sizeof (self->stats));
  memset (self->decoded, 0, sizeof (self->decoded));
  self->hurried = 0;
  GST_OBJECT_UNLOCK (self);
  self->have_header = self->missing = FALSE;
  self->early = 0;

  return TRUE;
}

static gboolean
gst_walloc_audio_dec_stop (GstAudioDecoder * decoder)
{
  GstWallocAudioDec *self = GST_WALLOC_AUDIO_DEC (decoder);

  g_clear_pointer (&self->decoder, walloc_audio_decoder_free);
  g_clear_pointer (&self->model, gst_walloc_model_unref);

  return TRUE;
}

/* Headers tell what caps do not, so any caps will do. */
static gboolean
gst_walloc_audio_dec_set_format (GstAudioDecoder * decoder, GstCaps * caps)
{
  return TRUE;
}

/* The model that the frame names. */
static gboolean
gst_walloc_audio_dec_open (GstWallocAudioDec * self,
    const walloc_frame_info * header)
{
  walloc_error text = { "" };
  GError *error = NULL;
  GstWallocModel *model;
  gchar *name;

  if (self->model && self->model->info.id == header->model_id)
    return TRUE;
  if (self->missing && self->missing_id == header->model_id)
    return FALSE;

  GST_OBJECT_LOCK (self);
  name = g_strdup (self->model_file);
  GST_OBJECT_UNLOCK (self);
  model = gst_walloc_model_open_by_id (header->model_id, name, &error);
  g_free (name);
  if (!model) {
    self->missing = TRUE;
    self->missing_id = header->model_id;
    GST_WALLOC_POST_ERROR (self, error);
    g_clear_error (&error);
    return FALSE;
  }
  g_clear_pointer (&self->decoder, walloc_audio_decoder_free);
  g_clear_pointer (&self->model, gst_walloc_model_unref);
  if (walloc_audio_decoder_new (model->model, NULL, &self->decoder, &text) !=
      WALLOC_OK) {
    GST_ELEMENT_ERROR (self, LIBRARY, INIT, (NULL),
        ("Cannot make a decoder for the model \"%s\": %s", model->path,
            text.text));
    gst_walloc_model_unref (model);
    return FALSE;
  }
  self->model = model;
  self->missing = FALSE;
  gst_walloc_choice_init (&self->choice);
  self->decoded_columns = self->decoded_channels = 0;

  return TRUE;
}

/* Output format for frames like this one. */
static gboolean
gst_walloc_audio_dec_negotiate (GstWallocAudioDec * self,
    const walloc_frame_info * header)
{
  GstAudioDecoder *decoder = GST_AUDIO_DECODER (self);
  GstAudioChannelPosition position[WALLOC_AUDIO_MAX_CHANNELS];
  GstAudioFormat format = GST_AUDIO_FORMAT_F32;
  const GstAudioChannelPosition *positions = NULL;
  GstCaps *caps;
  GstAudioInfo info;

  if (self->have_header && self->header.rate == header->rate
      && self->header.audio_channels == header->audio_channels
      && self->header.mask == header->mask)
    return TRUE;

  caps = gst_pad_get_allowed_caps (GST_AUDIO_DECODER_SRC_PAD (decoder));
  if (caps && !gst_caps_is_empty (caps)) {
    GstStructure *s;

    caps = gst_caps_truncate (caps);
    caps = gst_caps_make_writable (caps);
    s = gst_caps_get_structure (caps, 0);
    /* downstream's first choice of the two */
    if (gst_structure_fixate_field (s, "format")
        && g_strcmp0 (gst_structure_get_string (s, "format"),
            GST_AUDIO_NE (S16)) == 0)
      format = GST_AUDIO_FORMAT_S16;
  }
  gst_clear_caps (&caps);

  if (header->mask
      && gst_audio_channel_positions_from_mask (header->audio_channels,
          header->mask, position)) {
    positions = position;
  } else if (header->audio_channels > 2) {
    guint i;

    for (i = 0; i < header->audio_channels; i++)
      position[i] = GST_AUDIO_CHANNEL_POSITION_NONE;
    positions = position;
  }
  gst_audio_info_init (&info);
  gst_audio_info_set_format (&info, format, header->rate,
      header->audio_channels, positions);
  if (!gst_audio_decoder_set_output_format (decoder, &info))
    return FALSE;
  self->info = info;

  return TRUE;
}

/* Frames that the header shows to be missing in front of it. */
static guint
gst_walloc_audio_dec_missing (GstWallocAudioDec * self,
    const walloc_frame_info * header)
{
  guint missing;

  if (!self->have_header || self->header.columns != header->columns
      || self->header.audio_channels != header->audio_channels
      || self->header.rate != header->rate)
    return 0;
  missing = (header->sequence - self->header.sequence - 1) & 255;
  if (missing == 0)
    return 0;
  if (missing <= MAX_MISSING && header->sequence != 0) {
    GST_INFO_OBJECT (self, "%u frames are missing", missing);
    return missing;
  }
  /* another stream, or a part that was left out on purpose */
  GST_DEBUG_OBJECT (self, "the stream begins anew with frame %u",
      header->sequence);
  walloc_audio_decoder_reset (self->decoder);
  return 0;
}

static walloc_sample_format
sample_format (GstWallocAudioDec * self)
{
  return GST_AUDIO_INFO_FORMAT (&self->info) == GST_AUDIO_FORMAT_S16 ?
      WALLOC_SAMPLES_S16 : WALLOC_SAMPLES_F32;
}

static void
gst_walloc_audio_dec_update_stats (GstWallocAudioDec * self)
{
  GST_OBJECT_LOCK (self);
  walloc_audio_decoder_get_stats (self->decoder, &self->stats);
  GST_OBJECT_UNLOCK (self);
}

/* A block of @size bytes in place of one that does not decode. The decoder's
 * are as long as the last that did; where blocks are to have another size
 * from here on, it is silence. */
static void
gst_walloc_audio_dec_replace (GstWallocAudioDec * self, guint8 * data,
    gsize size)
{
  gsize samples = size / (GST_AUDIO_INFO_BPF (&self->info) /
      GST_AUDIO_INFO_CHANNELS (&self->info));

  memset (data, 0, size);
  if (self->decoded_channels == (guint) GST_AUDIO_INFO_CHANNELS (&self->info)
      && (gsize) self->decoded_columns * WALLOC_AUDIO_COLUMN *
      self->decoded_channels == samples)
    walloc_audio_decoder_conceal (self->decoder, sample_format (self), data,
        samples, NULL);
}

/* A gap that upstream reports, of the buffer's duration. */
static GstFlowReturn
gst_walloc_audio_dec_conceal (GstWallocAudioDec * self, GstBuffer * buffer)
{
  GstAudioDecoder *decoder = GST_AUDIO_DECODER (self);
  guint samples, blocks, bpf, k;
  GstBuffer *out;
  GstMapInfo map;

  if (!self->decoder || !self->have_header)
    return gst_audio_decoder_finish_frame (decoder, NULL, 1);
  samples = self->header.columns * WALLOC_AUDIO_COLUMN;
  bpf = GST_AUDIO_INFO_BPF (&self->info);
  blocks = GST_BUFFER_DURATION_IS_VALID (buffer) ?
      (gst_util_uint64_scale_round (GST_BUFFER_DURATION (buffer),
          self->header.rate, GST_SECOND) + samples / 2) / samples : 1;
  blocks = CLAMP (blocks, 1, MAX_MISSING);
  out = gst_audio_decoder_allocate_output_buffer (decoder,
      (gsize) blocks * samples * bpf);
  if (!out || !gst_buffer_map (out, &map, GST_MAP_WRITE))
    return GST_FLOW_ERROR;
  for (k = 0; k < blocks; k++)
    gst_walloc_audio_dec_replace (self, map.data + (gsize) k * samples * bpf,
        (gsize) samples * bpf);
  gst_buffer_unmap (out, &map);
  self->header.sequence = (self->header.sequence + blocks) & 255;
  gst_walloc_audio_dec_update_stats (self);

  return gst_audio_decoder_finish_frame (decoder, out, 1);
}

/* Sets the decoder for the next frame, or posts an error. */
static gboolean
gst_walloc_audio_dec_choose (GstWallocAudioDec * self,
    const walloc_frame_info * header, gboolean * automatic,
    walloc_decoder_kind * kind)
{
  walloc_error text = { "" };

  GST_OBJECT_LOCK (self);
  *kind = self->kind;
  GST_OBJECT_UNLOCK (self);

  *automatic = *kind == WALLOC_DECODER_AUTO;
  if (*automatic) {
    gst_walloc_choice_set_stream (&self->choice,
        self->model->info.decoders, FALSE,
        gst_util_uint64_scale (header->columns * WALLOC_AUDIO_COLUMN,
            GST_SECOND, header->rate));
    *kind = gst_walloc_choice_get (&self->choice);
  }
  if (walloc_audio_decoder_set_kind (self->decoder, *kind, &text) == WALLOC_OK)
    return TRUE;
  if (!*automatic) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS, (NULL),
        ("%s. Use decoder=auto, which takes what there is.", text.text));
    return FALSE;
  }
  GST_INFO_OBJECT (self, "decoder %d cannot be used: %s", *kind, text.text);
  gst_walloc_choice_refused (&self->choice, *kind);
  *kind = WALLOC_DECODER_LINEAR;

  return walloc_audio_decoder_set_kind (self->decoder, *kind, NULL) ==
      WALLOC_OK;
}

/* Decodes with the decoder that was chosen. */
static walloc_result
gst_walloc_audio_dec_run (GstWallocAudioDec * self, const GstMapInfo * in,
    guint8 * samples, gsize room, gboolean automatic, walloc_decoder_kind kind,
    guint * damaged, walloc_error * text)
{
  gint64 start = g_get_monotonic_time ();
  walloc_result result;
  gboolean hurried;

  result = walloc_audio_decoder_decode (self->decoder, in->data, in->size,
      sample_format (self), samples, room, NULL, damaged, text);
  if (automatic && kind != WALLOC_DECODER_LINEAR && (result == WALLOC_ERR_LIMIT
          || result == WALLOC_ERR_MEMORY || result == WALLOC_ERR_UNSUPPORTED)) {
    GST_INFO_OBJECT (self, "the network is not for these frames: %s",
        text->text);
    gst_walloc_choice_refused (&self->choice, kind);
    kind = WALLOC_DECODER_LINEAR;
    walloc_audio_decoder_set_kind (self->decoder, kind, NULL);
    result = walloc_audio_decoder_decode (self->decoder, in->data, in->size,
        sample_format (self), samples, room, NULL, damaged, text);
  }
  if (result != WALLOC_OK)
    return result;
  hurried = automatic && kind < gst_walloc_choice_get_top (&self->choice);
  if (automatic)
    gst_walloc_choice_decoded (&self->choice, kind,
        (g_get_monotonic_time () - start) * GST_USECOND);
  GST_OBJECT_LOCK (self);
  self->decoded[kind]++;
  self->hurried += hurried;
  GST_OBJECT_UNLOCK (self);

  return result;
}

/* Decodes one frame that parsed, behind @missing ones that are replaced, and
 * trims it. */
static GstFlowReturn
gst_walloc_audio_dec_decode (GstWallocAudioDec * self, const GstMapInfo * in,
    const walloc_frame_info * header, guint missing)
{
  GstAudioDecoder *decoder = GST_AUDIO_DECODER (self);
  guint samples = header->columns * WALLOC_AUDIO_COLUMN, k, damaged = 0;
  guint first, count;
  guint bpf = GST_AUDIO_INFO_BPF (&self->info);
  gsize block = (gsize) samples * bpf;
  gsize room = (gsize) samples * header->audio_channels;
  GstFlowReturn ret = GST_FLOW_OK;
  walloc_error text = { "" };
  walloc_decoder_kind kind;
  walloc_result result;
  gboolean automatic;
  GstBuffer *out;
  GstMapInfo map;

  if (!gst_walloc_audio_dec_choose (self, header, &automatic, &kind))
    return GST_FLOW_ERROR;
  out = gst_audio_decoder_allocate_output_buffer (decoder,
      (missing + 1) * block);
  if (!out || !gst_buffer_map (out, &map, GST_MAP_WRITE)) {
    GST_ELEMENT_ERROR (self, RESOURCE, WRITE, (NULL),
        ("Cannot map an output buffer."));
    return GST_FLOW_ERROR;
  }
  for (k = 0; k < missing; k++)
    gst_walloc_audio_dec_replace (self, map.data + k * block, block);
  result = gst_walloc_audio_dec_run (self, in, map.data + missing * block,
      room, automatic, kind, &damaged, &text);
  if (result == WALLOC_ERR_CORRUPT || result == WALLOC_ERR_TRUNCATED) {
    /* what the header promised comes all the same */
    gst_walloc_audio_dec_replace (self, map.data + missing * block, block);
    damaged = 1;
  } else if (result == WALLOC_OK) {
    self->decoded_columns = header->columns;
    self->decoded_channels = header->audio_channels;
  }
  gst_buffer_unmap (out, &map);
  gst_walloc_audio_dec_update_stats (self);
  if (result != WALLOC_OK && !damaged) {
    gst_buffer_unref (out);
    GST_AUDIO_DECODER_ERROR (self, 1, STREAM, DECODE, (NULL),
        ("%s", text.text), ret);
    return ret == GST_FLOW_OK ?
        gst_audio_decoder_finish_frame (decoder, NULL, 1) : ret;
  }
  if (damaged)
    GST_WARNING_OBJECT (self, "a damaged frame was replaced: %s", text.text);

  /* what is lost before a recording's first sample is none of it either */
  first = header->trim_start ? missing * samples + header->trim_start : 0;
  count = (missing + 1) * samples - first - header->trim_end;
  if (count == 0) {
    gst_buffer_unref (out);
    out = NULL;
  } else {
    gst_buffer_resize (out, (gssize) first * bpf, (gssize) count * bpf);
  }
  self->early = header->trim_start ? 0 : missing * samples;

  return gst_audio_decoder_finish_frame (decoder, out, 1);
}

static GstFlowReturn
gst_walloc_audio_dec_handle_frame (GstAudioDecoder * decoder,
    GstBuffer * buffer)
{
  GstWallocAudioDec *self = GST_WALLOC_AUDIO_DEC (decoder);
  GstFlowReturn ret = GST_FLOW_OK;
  walloc_error text = { "" };
  walloc_frame_info header;
  walloc_result result;
  GstMapInfo map;
  guint missing;

  if (!buffer)                  /* nothing is held back */
    return GST_FLOW_OK;
  if (gst_buffer_get_size (buffer) == 0)
    return gst_walloc_audio_dec_conceal (self, buffer);
  /* the base class drops it when the frame is finished */
  gst_buffer_ref (buffer);
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    gst_buffer_unref (buffer);
    GST_ELEMENT_ERROR (self, RESOURCE, READ, (NULL),
        ("Cannot map an input buffer."));
    return GST_FLOW_ERROR;
  }
  result = walloc_frame_parse (map.data, map.size, &header, &text);
  if (result == WALLOC_OK && header.media != WALLOC_MEDIA_AUDIO) {
    result = WALLOC_ERR_UNSUPPORTED;
    g_strlcpy (text.text, "The frame is one of pictures; wallocdec takes it.",
        sizeof (text.text));
  }
  if (result != WALLOC_OK) {
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);
    GST_AUDIO_DECODER_ERROR (self, 1, STREAM, DECODE, (NULL),
        ("%s", text.text), ret);
    return ret == GST_FLOW_OK ?
        gst_audio_decoder_finish_frame (decoder, NULL, 1) : ret;
  }
  if (!gst_walloc_audio_dec_open (self, &header)) {
    ret = GST_FLOW_ERROR;
  } else if (!gst_walloc_audio_dec_negotiate (self, &header)) {
    ret = GST_FLOW_NOT_NEGOTIATED;
  } else {
    missing = gst_walloc_audio_dec_missing (self, &header);
    self->header = header;
    self->have_header = TRUE;
    ret = gst_walloc_audio_dec_decode (self, &map, &header, missing);
  }
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);

  return ret;
}

/* What replaces lost frames is earlier than the frame that showed the loss. */
static GstFlowReturn
gst_walloc_audio_dec_pre_push (GstAudioDecoder * decoder, GstBuffer ** buffer)
{
  GstWallocAudioDec *self = GST_WALLOC_AUDIO_DEC (decoder);
  GstClockTime back;

  if (self->early && GST_BUFFER_PTS_IS_VALID (*buffer)) {
    back = gst_util_uint64_scale (self->early, GST_SECOND,
        GST_AUDIO_INFO_RATE (&self->info));
    GST_BUFFER_PTS (*buffer) -= MIN (back, GST_BUFFER_PTS (*buffer));
  }
  self->early = 0;

  return GST_FLOW_OK;
}

static void
gst_walloc_audio_dec_flush (GstAudioDecoder * decoder, gboolean hard)
{
  GstWallocAudioDec *self = GST_WALLOC_AUDIO_DEC (decoder);

  /* soft: a discontinuity, behind which numbers tell what is missing */
  if (!hard)
    return;
  walloc_audio_decoder_reset (self->decoder);
  self->have_header = FALSE;
  self->early = 0;
}

static void
gst_walloc_audio_dec_class_init (GstWallocAudioDecClass * klass)
{
  GObjectClass *gobject_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstAudioDecoderClass *decoder_class = GST_AUDIO_DECODER_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (wallocaudiodec_debug, "wallocaudiodec", 0,
      "WaLLoC audio decoder");

  gobject_class->set_property = gst_walloc_audio_dec_set_property;
  gobject_class->get_property = gst_walloc_audio_dec_get_property;
  gobject_class->finalize = gst_walloc_audio_dec_finalize;

  gst_walloc_audio_dec_install_properties (gobject_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "WaLLoC audio decoder", "Codec/Decoder/Audio",
      "Decodes sound of the learned codec WaLLoC", GST_PACKAGE_NAME);

  decoder_class->start = GST_DEBUG_FUNCPTR (gst_walloc_audio_dec_start);
  decoder_class->stop = GST_DEBUG_FUNCPTR (gst_walloc_audio_dec_stop);
  decoder_class->set_format =
      GST_DEBUG_FUNCPTR (gst_walloc_audio_dec_set_format);
  decoder_class->handle_frame =
      GST_DEBUG_FUNCPTR (gst_walloc_audio_dec_handle_frame);
  decoder_class->pre_push = GST_DEBUG_FUNCPTR (gst_walloc_audio_dec_pre_push);
  decoder_class->flush = GST_DEBUG_FUNCPTR (gst_walloc_audio_dec_flush);
}

static void
gst_walloc_audio_dec_init (GstWallocAudioDec * self)
{
  GstAudioDecoder *decoder = GST_AUDIO_DECODER (self);

  gst_walloc_audio_dec_init_properties (self);
  gst_walloc_choice_init (&self->choice);
  gst_audio_decoder_set_needs_format (decoder, FALSE);
  gst_audio_decoder_set_drainable (decoder, FALSE);
  gst_audio_decoder_set_plc_aware (decoder, TRUE);
  gst_audio_decoder_set_plc (decoder, TRUE);
  gst_audio_decoder_set_use_default_pad_acceptcaps (decoder, TRUE);
  GST_PAD_SET_ACCEPT_TEMPLATE (GST_AUDIO_DECODER_SINK_PAD (decoder));
}
