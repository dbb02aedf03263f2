/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-compressedseparate
 * @title: compressedseparate
 * @short_description: Separates WaLLoC sound into stems without decoding it
 * @see_also: compressedclassify, wallocaudioenc, wallocaudiodec
 *
 * Takes a compressed mixture and gives one compressed stream for each of the
 * stems that a network knows, such as drums, bass and voice. Latents come from
 * the entropy decoder, go through the network, and are coded again: no samples
 * are made, so a decoder is only needed where somebody listens.
 *
 * Source pads `stem_0`, `stem_1` and so on are there from the state PAUSED on, in
 * the order of the network's labels; a tag #GST_TAG_TITLE at each says which stem
 * it is. Stems of which nobody is linked to the pad are not coded.
 *
 * Every frame gives one frame per stem of the same size, with the same times,
 * number and trimming: what stems decode to is aligned with what the mixture
 * decodes to, sample by sample.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=song.wlc ! wallocparse ! compressedseparate name=s model-file=stems-1 s.stem_0 ! queue ! filesink location=stem0.wlc s.stem_1 ! queue ! filesink location=stem1.wlc
 * ]| This line writes two stems of a song.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstcompressedelements.h"
#include "gstcompressedseparate.h"
#include "gstwalloccommon.h"

GST_DEBUG_CATEGORY_STATIC (compressedseparate_debug);
#define GST_CAT_DEFAULT compressedseparate_debug

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_AUDIO_CODED_CAPS));

static GstStaticPadTemplate stem_template = GST_STATIC_PAD_TEMPLATE ("stem_%u",
    GST_PAD_SRC, GST_PAD_SOMETIMES,
    GST_STATIC_CAPS (GST_WALLOC_AUDIO_CODED_CAPS));

#define gst_compressed_separate_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstCompressedSeparate, gst_compressed_separate,
    GST_TYPE_COMPRESSED_FILTER);

GST_ELEMENT_REGISTER_DEFINE (compressedseparate, "compressedseparate",
    GST_RANK_NONE, GST_TYPE_COMPRESSED_SEPARATE);

static void
gst_compressed_separate_finalize (GObject * object)
{
  gst_flow_combiner_unref (GST_COMPRESSED_SEPARATE (object)->flows);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
forget_columns (GstCompressedSeparate * self)
{
  guint p;

  for (p = 0; p < G_N_ELEMENTS (self->past); p++)
    g_clear_pointer (&self->past[p], g_free);
  g_clear_pointer (&self->input, g_free);
  g_clear_pointer (&self->output, g_free);
  self->columns = self->pairs = 0;
}

/* What comes next does not follow what came last. */
static void
forget_past (GstCompressedSeparate * self)
{
  const walloc_task_info *info;
  guint p, i;

  self->have_last = FALSE;
  for (i = 0; i < self->n_stems; i++)
    gst_compressed_writer_flush (&self->stems[i].writer);
  if (!self->parent.network)
    return;
  info = gst_compressed_network_get_info (self->parent.network);
  for (p = 0; p < self->pairs; p++)
    memset (self->past[p], 0, (gsize) info->channels * info->context *
        sizeof (gfloat));
}

static void
remove_stems (GstCompressedSeparate * self)
{
  guint i;

  for (i = 0; i < self->n_stems; i++) {
    GstCompressedStem *stem = &self->stems[i];

    gst_compressed_writer_stop (&stem->writer);
    gst_compressed_events_clear (&stem->events);
    gst_clear_buffer (&stem->buffer);
    gst_flow_combiner_remove_pad (self->flows, stem->pad);
    gst_pad_set_active (stem->pad, FALSE);
    gst_element_remove_pad (GST_ELEMENT (self), stem->pad);
  }
  g_clear_pointer (&self->stems, g_free);
  self->n_stems = 0;
}

/* A pad for each label of the network. */
static void
add_stems (GstCompressedSeparate * self)
{
  const walloc_task_info *info = gst_compressed_network_get_info
      (self->parent.network);
  GstPadTemplate *template = gst_static_pad_template_get (&stem_template);
  guint i;

  self->n_stems = info->n_labels;
  self->stems = g_new0 (GstCompressedStem, self->n_stems);
  for (i = 0; i < self->n_stems; i++) {
    GstCompressedStem *stem = &self->stems[i];
    gchar *name = g_strdup_printf ("stem_%u", i);

    stem->pad = gst_pad_new_from_template (template, name);
    g_free (name);
    gst_pad_use_fixed_caps (stem->pad);
    gst_pad_set_active (stem->pad, TRUE);
    gst_compressed_writer_init (&stem->writer, GST_ELEMENT (self));
    gst_flow_combiner_add_pad (self->flows, stem->pad);
    gst_element_add_pad (GST_ELEMENT (self), stem->pad);
  }
  gst_object_unref (template);
  gst_element_no_more_pads (GST_ELEMENT (self));
}

/* FALSE: an error was posted. */
static gboolean
gst_compressed_separate_open (GstCompressedSeparate * self)
{
  if (self->parent.network)
    return TRUE;
  if (!gst_compressed_filter_open_network (&self->parent, WALLOC_TASK_SEPARATE))
    return FALSE;
  add_stems (self);

  return TRUE;
}

/* Memory for frames like the one that was read. */
static void
prepare_columns (GstCompressedSeparate * self)
{
  const walloc_task_info *info = gst_compressed_network_get_info
      (self->parent.network);
  const walloc_audio_latents *sound = &self->parent.reader.sound;
  guint p;

  if (self->columns == sound->columns && self->pairs == sound->pairs)
    return;
  forget_columns (self);
  self->columns = sound->columns;
  self->pairs = sound->pairs;
  /* one more, as there may be no context */
  for (p = 0; p < sound->pairs; p++)
    self->past[p] = g_new0 (gfloat, (gsize) info->channels * info->context + 1);
  self->input = g_new (gfloat, (gsize) info->channels *
      (info->context + sound->columns));
  self->output = g_new (gfloat, (gsize) self->n_stems * sound->pairs *
      info->channels * sound->columns);
}

/* The network's input for a pair, and what will be the past of the next. */
static void
gather (GstCompressedSeparate * self, guint pair, const gfloat ** planes)
{
  const walloc_task_info *info = gst_compressed_network_get_info
      (self->parent.network);
  const walloc_audio_latents *sound = &self->parent.reader.sound;
  guint width = info->context + sound->columns, k;

  for (k = 0; k < info->channels; k++) {
    gfloat *row = self->input + (gsize) k * width;
    gfloat *past = self->past[pair] + (gsize) k * info->context;

    memcpy (row, past, info->context * sizeof (gfloat));
    if (k < sound->channels)
      memcpy (row + info->context, sound->data + ((gsize) pair *
              sound->channels + k) * sound->columns,
          sound->columns * sizeof (gfloat));
    else
      memset (row + info->context, 0, sound->columns * sizeof (gfloat));
    memcpy (past, row + sound->columns, info->context * sizeof (gfloat));
    planes[k] = row;
  }
}

/* Copies the newest columns of what the network made of a pair. FALSE with
 * @text: it made something else. */
static gboolean
scatter (GstCompressedSeparate * self, walloc_task * task, guint pair,
    walloc_error * text)
{
  const walloc_task_info *info = gst_compressed_network_get_info
      (self->parent.network);
  guint columns = self->columns, width = info->context + columns, i, k;
  const gfloat *made;
  walloc_net_shape shape;

  made = walloc_task_output (task, "latents_out", &shape);
  if (!made || shape.rank < 3 || shape.dims[shape.rank - 1] != width
      || shape.dims[shape.rank - 2] != info->channels
      || shape.dims[shape.rank - 3] != self->n_stems) {
    g_snprintf (text->text, sizeof (text->text), "the network puts out no "
        "%u stems of %u channels and %u columns", self->n_stems,
        info->channels, width);
    return FALSE;
  }
  for (i = 0; i < self->n_stems; i++)
    for (k = 0; k < info->channels; k++)
      memcpy (self->output + (((gsize) i * self->pairs + pair) *
              info->channels + k) * columns,
          made + ((gsize) i * info->channels + k) * width + info->context,
          columns * sizeof (gfloat));
  return TRUE;
}

/* All pairs through the network. FALSE: an error was posted. Where the network
 * makes nothing of a frame, stems are silent in it, and a warning tells. */
static gboolean
gst_compressed_separate_run (GstCompressedSeparate * self)
{
  const walloc_task_info *info = gst_compressed_network_get_info
      (self->parent.network);
  GstCompressedReader *reader = &self->parent.reader;
  guint width = info->context + reader->sound.columns, pair;
  const gfloat **planes;
  GstCompressedInstance *instance;
  walloc_error text = { "" };
  gboolean ok = TRUE;

  instance = gst_compressed_open_take (self->parent.network, GST_ELEMENT (self),
      width, 1);
  if (!instance)
    return FALSE;
  planes = g_new (const gfloat *, info->channels);
  for (pair = 0; pair < reader->sound.pairs; pair++) {
    gather (self, pair, planes);
    ok = ok && walloc_task_run_planes (instance->task, planes, info->channels,
        width, 1, width, reader->sound.step, 0, reader->runner ?
        gst_walloc_runner_get (reader->runner) : NULL, &text) == WALLOC_OK
        && scatter (self, instance->task, pair, &text);
  }
  g_free (planes);
  gst_compressed_network_give (self->parent.network, instance);
  if (!ok) {
    gst_compressed_reader_warn (reader, text.text);
    memset (self->output, 0, (gsize) self->n_stems * self->pairs *
        info->channels * self->columns * sizeof (gfloat));
  }
  return TRUE;
}

/* The frame of a stem. FALSE: an error was posted. */
static gboolean
gst_compressed_separate_encode (GstCompressedSeparate * self, guint index,
    GstBuffer * in, walloc_frame_info * info)
{
  const walloc_task_info *task = gst_compressed_network_get_info
      (self->parent.network);
  const GstCompressedReader *reader = &self->parent.reader;
  const walloc_frame_info *from = &reader->info;
  GstCompressedStem *stem = &self->stems[index];
  walloc_audio_latents latents = reader->sound;
  walloc_audio_params params;

  /* axes that suit the stem, which is not where the mixture is */
  memset (latents.rotation, WALLOC_AUDIO_ROTATION_AUTO,
      sizeof (latents.rotation));
  latents.channels = task->channels;
  latents.data = self->output + (gsize) index *self->pairs *
      task->channels * self->columns;
  walloc_audio_params_init (&params);
  params.use_step = TRUE;
  params.step_index = from->step_index;
  params.layers = from->layers;
  params.pts = from->pts;
  params.duration = from->duration;
  params.trim_start = from->trim_start;
  params.trim_end = from->trim_end;
  params.mask = from->mask;
  stem->buffer = gst_compressed_writer_sound (&stem->writer, reader->model,
      from, &latents, &params, info);
  if (!stem->buffer)
    return FALSE;
  gst_compressed_filter_describe (&self->parent, in, stem->buffer,
      GST_BUFFER_COPY_METADATA);

  return TRUE;
}

/* The event that begins the stream of a stem: that of the mixture with another
 * id. */
static void
push_stream_start (GstCompressedSeparate * self, GstCompressedStem * stem)
{
  GstEvent *upstream = gst_pad_get_sticky_event (self->parent.sinkpad,
      GST_EVENT_STREAM_START, 0);
  gchar *id = gst_pad_create_stream_id (stem->pad, GST_ELEMENT (self),
      GST_PAD_NAME (stem->pad));
  GstEvent *event = gst_event_new_stream_start (id);
  guint group;

  if (upstream && gst_event_parse_group_id (upstream, &group))
    gst_event_set_group_id (event, group);
  gst_clear_event (&upstream);
  g_free (id);
  gst_pad_push_event (stem->pad, event);
}

/* Whatever must be in front of the first buffer. @info NULL: there is none, the
 * stream ends. */
static GstFlowReturn
gst_compressed_separate_begin (GstCompressedSeparate * self, guint index,
    const walloc_frame_info * info)
{
  GstCompressedStem *stem = &self->stems[index];
  gboolean first = !stem->started;
  GstFlowReturn ret = GST_FLOW_OK;

  if (first)
    push_stream_start (self, stem);
  stem->started = TRUE;
  if (info)
    ret = gst_compressed_writer_set_caps (&stem->writer, stem->pad, info);
  if (ret != GST_FLOW_OK)
    return ret;
  gst_compressed_events_open (&stem->events, stem->pad);
  if (first)
    gst_pad_push_event (stem->pad,
        gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE,
                gst_compressed_network_get_info
                (self->parent.network)->labels[index], NULL)));

  return ret;
}

/* Separates the frame that was read, then pushes. */
static GstFlowReturn
gst_compressed_separate_process (GstCompressedSeparate * self, GstBuffer * in)
{
  GstCompressedReader *reader = &self->parent.reader;
  GstFlowReturn ret = GST_FLOW_OK, one;
  walloc_frame_info info;
  guint i;

  if (reader->model->info.kind == WALLOC_MODEL_REFERENCE) {
    GST_ELEMENT_ERROR (self, STREAM, WRONG_TYPE, (NULL),
        ("The model \"%s\" is of the published form, which is not coded from "
            "latents.", reader->model->path));
    return GST_FLOW_ERROR;
  }
  if (!gst_compressed_open_check (self->parent.network, reader))
    return GST_FLOW_ERROR;
  /* a network must not take two ends of a gap for neighbours */
  if (self->have_last && ((self->last + 1) & 255) != reader->info.sequence)
    forget_past (self);
  self->have_last = TRUE;
  self->last = reader->info.sequence;
  prepare_columns (self);
  if (!gst_compressed_separate_run (self))
    return GST_FLOW_ERROR;
  for (i = 0; i < self->n_stems; i++) {
    if (!gst_pad_is_linked (self->stems[i].pad)) {
      ret = gst_flow_combiner_update_pad_flow (self->flows,
          self->stems[i].pad, GST_FLOW_NOT_LINKED);
      continue;
    }
    if (!gst_compressed_separate_encode (self, i, in, &info))
      return GST_FLOW_ERROR;
    one = gst_compressed_separate_begin (self, i, &info);
    if (one == GST_FLOW_OK)
      one = gst_pad_push (self->stems[i].pad,
          g_steal_pointer (&self->stems[i].buffer));
    gst_clear_buffer (&self->stems[i].buffer);
    ret = gst_flow_combiner_update_pad_flow (self->flows, self->stems[i].pad,
        one);
    if (ret != GST_FLOW_OK && ret != GST_FLOW_NOT_LINKED)
      return ret;
  }
  self->parent.discont = FALSE;

  return ret;
}

static GstFlowReturn
gst_compressed_separate_chain (GstCompressedFilter * filter, GstBuffer * buffer)
{
  GstCompressedSeparate *self = GST_COMPRESSED_SEPARATE (filter);
  GstFlowReturn ret = GST_FLOW_OK;

  if (!gst_compressed_separate_open (self)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }
  switch (gst_compressed_reader_read (&self->parent.reader, buffer, NULL)) {
    case GST_COMPRESSED_READER_OK:
      ret = gst_compressed_separate_process (self, buffer);
      break;
    case GST_COMPRESSED_READER_SKIP:
      self->parent.discont = TRUE;
      forget_past (self);
      break;
    default:
      ret = GST_FLOW_ERROR;
      break;
  }
  gst_buffer_unref (buffer);

  return ret;
}

/* Holds @event back at stems that have no caps yet, and sends it to others. */
static gboolean
gst_compressed_separate_forward (GstCompressedSeparate * self, GstEvent * event)
{
  gboolean sent = self->n_stems == 0;
  guint i;

  for (i = 0; i < self->n_stems; i++) {
    GstCompressedStem *stem = &self->stems[i];

    gst_event_ref (event);
    if (gst_compressed_events_hold (&stem->events, event))
      sent = TRUE;
    else
      sent |= gst_pad_push_event (stem->pad, event);
  }
  gst_event_unref (event);

  return sent;
}

static gboolean
gst_compressed_separate_sink_event (GstCompressedFilter * filter,
    GstEvent * event)
{
  GstCompressedSeparate *self = GST_COMPRESSED_SEPARATE (filter);
  guint i;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      /* begins when a frame says what it is of: nothing goes before that */
      for (i = 0; i < self->n_stems; i++) {
        self->stems[i].started = FALSE;
        gst_compressed_events_clear (&self->stems[i].events);
        gst_compressed_writer_forget_caps (&self->stems[i].writer);
      }
      forget_past (self);
      gst_event_unref (event);
      return TRUE;
    case GST_EVENT_CAPS:
      /* headers say all, and ours are set with the first frame */
      gst_event_unref (event);
      return TRUE;
    case GST_EVENT_FLUSH_STOP:
      gst_compressed_reader_flush (&self->parent.reader);
      gst_flow_combiner_reset (self->flows);
      forget_past (self);
      self->parent.discont = TRUE;
      for (i = 0; i < self->n_stems; i++)
        if (!self->stems[i].events.open)
          gst_compressed_events_clear (&self->stems[i].events);
      break;
    case GST_EVENT_EOS:
      for (i = 0; i < self->n_stems; i++)
        gst_compressed_separate_begin (self, i, NULL);
      break;
    default:
      break;
  }
  return gst_compressed_separate_forward (self, event);
}

static gboolean
gst_compressed_separate_start (GstCompressedFilter * filter)
{
  GstCompressedSeparate *self = GST_COMPRESSED_SEPARATE (filter);
  gboolean open;

  GST_OBJECT_LOCK (self);
  open = self->parent.model_file != NULL;
  GST_OBJECT_UNLOCK (self);
  gst_flow_combiner_reset (self->flows);
  self->have_last = FALSE;

  return !open || gst_compressed_separate_open (self);
}

static void
gst_compressed_separate_stop (GstCompressedFilter * filter)
{
  GstCompressedSeparate *self = GST_COMPRESSED_SEPARATE (filter);

  remove_stems (self);
  forget_columns (self);
}

static void
gst_compressed_separate_class_init (GstCompressedSeparateClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstCompressedFilterClass *filter_class = GST_COMPRESSED_FILTER_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (compressedseparate_debug, "compressedseparate", 0,
      "Separation of compressed sound");

  object_class->finalize = gst_compressed_separate_finalize;

  /**
   * GstCompressedSeparate:model-file:
   *
   * The network: an ONNX file, or the name of one in the model directories.
   *
   * Since: 0.2
   */
  gst_compressed_filter_install_model_file (object_class,
      "Path or name of the network (ONNX)");

  /**
   * GstCompressedSeparate:threads:
   *
   * Threads that work on one frame. The output does not depend on it.
   *
   * Since: 0.2
   */
  gst_compressed_filter_install_threads (object_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &stem_template);
  gst_element_class_set_static_metadata (element_class,
      "Compressed-domain separation", "Filter/Effect/Audio",
      "Separates sound of a learned codec into stems without decoding it",
      GST_PACKAGE_NAME);

  filter_class->chain = GST_DEBUG_FUNCPTR (gst_compressed_separate_chain);
  filter_class->event = GST_DEBUG_FUNCPTR (gst_compressed_separate_sink_event);
  filter_class->start = GST_DEBUG_FUNCPTR (gst_compressed_separate_start);
  filter_class->stop = GST_DEBUG_FUNCPTR (gst_compressed_separate_stop);
}

static void
gst_compressed_separate_init (GstCompressedSeparate * self)
{
  self->flows = gst_flow_combiner_new ();
}
