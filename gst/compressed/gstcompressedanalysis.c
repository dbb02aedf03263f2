/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The analysing half of the base class: the network, frames through it, and
 * results out. All of it is called by one thread at a time. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include <glib/gstdio.h>

#include "gstcompressedbase-private.h"
#include "gstcompressedmeta.h"
#include "gstwalloccommon.h"

/* as wallocdec: damage is told on the bus at most this often */
#define WARNING_INTERVAL G_USEC_PER_SEC
#define MAX_LABELS_FILE (4 << 20)
/* results that wait for a buffer to be attached to */
#define MAX_RESULTS 16

static guint64
now_ns (void)
{
  return (guint64) g_get_monotonic_time () * 1000;
}

static void
count (GstCompressedBase * self, guint64 * counter, guint64 by)
{
  GST_OBJECT_LOCK (self);
  *counter += by;
  GST_OBJECT_UNLOCK (self);
}

static void
free_labels (GstCompressedBasePrivate * priv)
{
  g_strfreev (priv->labels);
  priv->labels = NULL;
}

/* What is there and must not be read: a pipe would never end, nor a device. */
static gboolean
is_no_labels_file (const gchar * path)
{
  GStatBuf st;

  return g_stat (path, &st) == 0 && (!S_ISREG (st.st_mode)
      || st.st_size > MAX_LABELS_FILE);
}

static void
set_no_labels (const gchar * path, GError ** error)
{
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
      "The labels file \"%s\" is no text in UTF-8 of at most %d bytes, with "
      "one label in each line.", path, MAX_LABELS_FILE);
}

/* One label in each line of the file @path, at least as many as the network
 * has. */
static gchar **
read_labels (const gchar * path, const walloc_task_info * info, GError ** error)
{
  GError *problem = NULL;
  gchar *text, **lines;
  gsize size;
  guint n;

  if (is_no_labels_file (path)) {
    set_no_labels (path, error);
    return NULL;
  }
  if (!g_file_get_contents (path, &text, &size, &problem)) {
    g_set_error (error, GST_RESOURCE_ERROR, g_error_matches (problem,
            G_FILE_ERROR, G_FILE_ERROR_NOENT) ? GST_RESOURCE_ERROR_NOT_FOUND :
        GST_RESOURCE_ERROR_OPEN_READ, "Cannot read the labels file \"%s\": %s",
        path, problem->message);
    g_clear_error (&problem);
    return NULL;
  }
  if (size > MAX_LABELS_FILE || !g_utf8_validate (text, size, NULL)) {
    set_no_labels (path, error);
    g_free (text);
    return NULL;
  }
  lines = g_strsplit (text, "\n", -1);
  g_free (text);
  for (n = 0; lines[n]; n++)
    g_strchomp (lines[n]);
  /* empty lines at the end are no labels */
  while (n > 0 && !*lines[n - 1])
    n--;
  if (n < info->n_labels) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        "The labels file \"%s\" has %u labels, but the network \"%s\" has %u "
        "classes. Add the missing lines, or leave \"labels-file\" unset to "
        "use the labels in the network.", path, n, info->name, info->n_labels);
    g_strfreev (lines);
    return NULL;
  }

  return lines;
}

static gboolean
check_kind (GstCompressedBase * self, GstCompressedNetwork * network,
    GError ** error)
{
  GstCompressedBaseClass *klass = GST_COMPRESSED_BASE_GET_CLASS (self);
  const walloc_task_info *info = gst_compressed_network_get_info (network);

  if (info->kind == klass->kind)
    return TRUE;
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
      "The network \"%s\" is made for the task \"%s\" (walloc.task), but %s "
      "takes networks for \"%s\".", gst_compressed_network_get_path (network),
      walloc_task_kind_name (info->kind), klass->name,
      walloc_task_kind_name (klass->kind));

  return FALSE;
}

/* Takes over @network and @labels. */
static void
set_network (GstCompressedBase * self, GstCompressedNetwork * network,
    gchar ** labels)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  const walloc_task_info *info = gst_compressed_network_get_info (network);

  gst_compressed_network_unref (priv->network);
  priv->network = network;
  free_labels (priv);
  priv->labels = labels;
  gst_compressed_window_clear (&priv->window);
  if (info->media == WALLOC_MEDIA_AUDIO)
    gst_compressed_window_init (&priv->window, info->channels, info->window,
        info->hop);
  /* those above were not kept: they are there from the next key frame on */
  if (info->channels > priv->reader.channels)
    gst_compressed_reader_flush (&priv->reader);
  gst_compressed_reader_set_channels (&priv->reader, info->channels);
}

gboolean
gst_compressed_base_open (GstCompressedBase * self)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  GstCompressedNetwork *network;
  gchar *name, *path, **labels = NULL;
  GError *error = NULL;
  gboolean changed, ok;

  GST_OBJECT_LOCK (self);
  changed = priv->changed;
  priv->changed = FALSE;
  name = g_strdup (priv->model_file);
  path = g_strdup (priv->labels_file);
  GST_OBJECT_UNLOCK (self);
  if (priv->network && !changed) {
    g_free (name);
    g_free (path);
    return TRUE;
  }

  if (name)
    network = gst_compressed_network_open (name, &error);
  else {
    network = NULL;
    g_set_error (&error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        "There is no network to run. Set \"model-file\" to an ONNX file or "
        "the name of a network that is installed.");
  }
  ok = network && check_kind (self, network, &error);
  if (ok && path) {
    labels = read_labels (path, gst_compressed_network_get_info (network),
        &error);
    ok = labels != NULL;
  }
  if (ok)
    set_network (self, network, labels);
  else
    gst_compressed_network_unref (network);
  if (!ok) {
    GST_WALLOC_POST_ERROR (self, error);
    g_clear_error (&error);
    GST_OBJECT_LOCK (self);
    priv->changed = TRUE;
    GST_OBJECT_UNLOCK (self);
  }
  g_free (name);
  g_free (path);

  return ok;
}

void
gst_compressed_base_close (GstCompressedBase * self)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);

  gst_compressed_network_unref (priv->network);
  priv->network = NULL;
  free_labels (priv);
  gst_compressed_window_clear (&priv->window);
}

void
gst_compressed_base_forget (GstCompressedBase * self)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);

  gst_compressed_reader_flush (&priv->reader);
  gst_compressed_window_reset (&priv->window);
  priv->next_window = GST_CLOCK_TIME_NONE;
}

const gchar *
gst_compressed_base_get_label (GstCompressedBase * self, guint class_id)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  const walloc_task_info *info =
      gst_compressed_network_get_info (priv->network);

  if (class_id >= info->n_labels)
    return NULL;
  return priv->labels ? priv->labels[class_id] : info->labels[class_id];
}

const walloc_runner *
gst_compressed_base_get_runner (GstCompressedBase * self)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);

  return priv->reader.runner ? gst_walloc_runner_get (priv->reader.runner) :
      NULL;
}

/* Something that makes no result of a frame, and is no error of the stream. */
static void
failed (GstCompressedBase * self, const GstCompressedFrame * frame,
    const gchar * text)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  gint64 now = g_get_monotonic_time ();

  count (self, &priv->stats.failed, 1);
  gst_compressed_side_gap (&priv->side, frame->timestamp, frame->duration);
  priv->failures++;
  if (priv->last_warning && now - priv->last_warning < WARNING_INTERVAL)
    return;
  priv->last_warning = now;
  GST_ELEMENT_WARNING (self, STREAM, FAILED, (NULL),
      ("The network \"%s\" makes no result of a frame: %s; %u since the last "
          "message.", gst_compressed_network_get_path (priv->network), text,
          priv->failures));
  priv->failures = 0;
}

static GstStructure *
new_result (GstCompressedBase * self, const gchar * name,
    const GstCompressedFrame * frame)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);

  return gst_structure_new (name,
      "timestamp", G_TYPE_UINT64, frame->timestamp,
      "stream-time", G_TYPE_UINT64, frame->stream_time,
      "running-time", G_TYPE_UINT64, frame->running_time,
      "duration", G_TYPE_UINT64, frame->duration,
      "network", G_TYPE_STRING,
      gst_compressed_network_get_info (priv->network)->name, NULL);
}

/* Posts @message and keeps @meta for the next buffer, if they are of interest;
 * takes both. */
static void
deliver (GstCompressedBase * self, GstStructure * message,
    GstStructure * meta, gboolean tell)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  gboolean post, attach;

  GST_OBJECT_LOCK (self);
  post = tell && priv->post_messages;
  attach = tell && priv->attach_meta;
  priv->stats.analysed++;
  priv->instances = gst_compressed_network_instances (priv->network);
  GST_OBJECT_UNLOCK (self);

  if (post)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_element (GST_OBJECT (self), message));
  else
    gst_structure_free (message);
  if (!attach) {
    gst_structure_free (meta);
    return;
  }
  g_mutex_lock (&priv->lock);
  g_queue_push_tail (&priv->results, meta);
  /* of another thread only the newest is of interest; in the streaming thread
   * a frame of sound may have some */
  while (priv->results.length > (priv->worker ? 1 : MAX_RESULTS))
    gst_structure_free (g_queue_pop_head (&priv->results));
  g_mutex_unlock (&priv->lock);
}

/* What the network is prepared for: a window of sound, or a picture. */
static GstCompressedShape
shape_of (GstCompressedBase * self, const GstCompressedFrame * frame)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  GstCompressedShape shape = { priv->window.window, 1, 0, FALSE, FALSE };

  if (frame->info->media == WALLOC_MEDIA_AUDIO)
    return shape;
  shape.width = frame->info->width;
  shape.height = frame->info->height;
  shape.scale = frame->info->scale;
  shape.picture = TRUE;
  GST_OBJECT_LOCK (self);
  shape.resample = priv->resample;
  GST_OBJECT_UNLOCK (self);

  return shape;
}

/* What was done to the size of the picture that @task was run on. */
static void
count_resampled (GstCompressedBase * self, const walloc_task * task)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  guint width, height;
  gint zoom;

  walloc_task_grid (task, &width, &height, &zoom);
  GST_OBJECT_LOCK (self);
  priv->stats.enlarged += zoom > 0;
  priv->stats.reduced += zoom < 0;
  priv->stats.zoom = zoom;
  priv->stats.grid_width = width;
  priv->stats.grid_height = height;
  GST_OBJECT_UNLOCK (self);
}

/* Runs the network: on @planes, else on the reader's latents. */
static GstFlowReturn
run (GstCompressedBase * self, const gfloat ** planes,
    const GstCompressedFrame * frame)
{
  GstCompressedBaseClass *klass = GST_COMPRESSED_BASE_GET_CLASS (self);
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  const walloc_runner *runner = gst_compressed_base_get_runner (self);
  const GstCompressedShape shape = shape_of (self, frame);
  GstCompressedInstance *instance;
  GstStructure *message, *meta;
  gboolean tell = TRUE;
  walloc_error text = { "" };
  GError *error = NULL;
  guint64 start = now_ns (), ran;
  walloc_result result;

  instance = gst_compressed_network_take (priv->network, &shape, &error);
  if (!instance) {
    GST_WALLOC_POST_ERROR (self, error);
    g_clear_error (&error);
    return GST_FLOW_ERROR;
  }
  if (planes)
    result = walloc_task_run_planes (instance->task, planes,
        priv->window.channels, shape.width, 1, shape.width,
        priv->reader.sound.step, 0, runner, &text);
  else
    result = walloc_task_run (instance->task, &priv->reader.latents,
        frame->info->scale, runner, &text);
  ran = now_ns ();
  if (result != WALLOC_OK) {
    gst_compressed_network_give (priv->network, instance);
    failed (self, frame, *text.text ? text.text : walloc_strerror (result));
    return GST_FLOW_OK;
  }
  count_resampled (self, instance->task);
  message = new_result (self, klass->name, frame);
  meta = gst_structure_copy (message);
  gst_structure_set_name (meta, klass->meta);
  result = klass->result (self, instance->task, frame, message, meta, &tell,
      &text);
  gst_compressed_network_give (priv->network, instance);
  count (self, &priv->stats.network_time, ran - start);
  count (self, &priv->stats.result_time, now_ns () - ran);
  if (result == WALLOC_OK) {
    deliver (self, message, meta, tell);
    return GST_FLOW_OK;
  }
  gst_structure_free (message);
  gst_structure_free (meta);
  failed (self, frame, *text.text ? text.text : walloc_strerror (result));

  return GST_FLOW_OK;
}

/* The window that ends @behind columns before the newest one. What a column
 * holds is half of the codec's delay later than the block that its frame
 * decodes to, of which trim_start samples come before the time stamp. */
static void
window_times (GstCompressedBase * self, const GstCompressedJob * job,
    gint behind, GstCompressedFrame * frame)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  const walloc_frame_info *info = &priv->reader.info;
  gint64 samples, offset;

  frame->duration = gst_util_uint64_scale (priv->window.window,
      WALLOC_AUDIO_COLUMN * GST_SECOND, info->rate);
  frame->timestamp = frame->running_time = frame->stream_time =
      GST_CLOCK_TIME_NONE;
  if (!GST_CLOCK_TIME_IS_VALID (job->timestamp))
    return;
  samples = ((gint64) info->columns - behind - (gint64) priv->window.window) *
      WALLOC_AUDIO_COLUMN - (gint64) info->trim_start;
  if (priv->reader.model)
    samples += walloc_audio_delay (priv->reader.model->model) / 2;
  offset = samples < 0 ?
      -(gint64) gst_util_uint64_scale (-samples, GST_SECOND, info->rate) :
      (gint64) gst_util_uint64_scale (samples, GST_SECOND, info->rate);
  /* what begins before the recording is of its beginning */
  frame->timestamp = MAX ((gint64) job->timestamp + offset, 0);
  if (GST_CLOCK_TIME_IS_VALID (job->running_time))
    frame->running_time = MAX ((gint64) job->running_time + offset, 0);
  if (GST_CLOCK_TIME_IS_VALID (job->stream_time))
    frame->stream_time = MAX ((gint64) job->stream_time + offset, 0);
}

/* All windows that are full; @last: the one that is not, too. */
static GstFlowReturn
run_windows (GstCompressedBase * self, const GstCompressedJob * job,
    gboolean last)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  const gfloat **planes = g_new (const gfloat *, priv->window.channels);
  GstCompressedFrame frame = { &priv->reader.info, &priv->reader, };
  GstFlowReturn ret = GST_FLOW_OK;
  gint behind;

  while (ret == GST_FLOW_OK && gst_compressed_window_get (&priv->window, last,
          planes, &behind)) {
    window_times (self, job, behind, &frame);
    if (gst_compressed_base_is_due (self, &priv->next_window,
            frame.running_time, 0))
      ret = run (self, planes, &frame);
    gst_compressed_window_next (&priv->window);
  }
  g_free (planes);

  return ret;
}

static GstFlowReturn
analyse_sound (GstCompressedBase * self, const GstCompressedJob * job)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  const walloc_audio_latents *sound = &priv->reader.sound;

  if (!priv->window.window) {
    GST_ELEMENT_ERROR (self, STREAM, WRONG_TYPE, (NULL),
        ("This element does not analyse sound."));
    return GST_FLOW_ERROR;
  }
  gst_compressed_window_add (&priv->window, sound->data, sound->channels,
      sound->columns);

  return run_windows (self, job, FALSE);
}

static GstFlowReturn
analyse_picture (GstCompressedBase * self, const GstCompressedJob * job)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  GstCompressedFrame frame = { &priv->reader.info, &priv->reader,
    job->timestamp, job->duration, job->running_time, job->stream_time
  };

  if (!job->wanted)
    return GST_FLOW_OK;
  return run (self, NULL, &frame);
}

/* Whether the network reads the stream of the frame: an error if not. What is
 * no frame is left to the reader. */
static GstFlowReturn
check_stream (GstCompressedBase * self, GstBuffer * buffer)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  walloc_error text = { "" };
  walloc_frame_info info;
  walloc_result result;
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return GST_FLOW_OK;
  result = walloc_frame_parse (map.data, map.size, &info, NULL);
  gst_buffer_unmap (buffer, &map);
  if (result != WALLOC_OK)
    return GST_FLOW_OK;
  if (gst_compressed_network_check (priv->network, &info, &text) == WALLOC_OK)
    return GST_FLOW_OK;
  GST_ELEMENT_ERROR (self, STREAM, WRONG_TYPE, (NULL),
      ("The network file \"%s\" is not for this stream: %s.",
          gst_compressed_network_get_path (priv->network), text.text));

  return GST_FLOW_ERROR;
}

GstFlowReturn
gst_compressed_base_analyse (GstCompressedBase * self,
    const GstCompressedJob * job)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  GstCompressedReaderResult read;
  guint64 start;

  if (!gst_compressed_base_open (self)
      || check_stream (self, job->buffer) != GST_FLOW_OK)
    return GST_FLOW_ERROR;
  if (job->discont)
    gst_compressed_base_forget (self);
  priv->last_job = *job;
  priv->last_job.buffer = NULL;

  start = now_ns ();
  read = gst_compressed_reader_read (&priv->reader, job->buffer, NULL);
  count (self, &priv->stats.entropy_time, now_ns () - start);
  if (read == GST_COMPRESSED_READER_ERROR)
    return GST_FLOW_ERROR;
  if (read == GST_COMPRESSED_READER_SKIP || priv->reader.damaged) {
    if (read == GST_COMPRESSED_READER_SKIP
        && priv->reader.result == WALLOC_ERR_NEEDS_KEY)
      count (self, &priv->stats.waiting, 1);
    else
      count (self, &priv->stats.damaged, 1);
    if (read == GST_COMPRESSED_READER_OK)
      gst_compressed_reader_warn (&priv->reader, "parts of it are damaged");
    gst_compressed_window_reset (&priv->window);
    /* who waits at the side pad is not to wait for this frame */
    if (job->wanted)
      gst_compressed_side_gap (&priv->side, job->timestamp, job->duration);
    return GST_FLOW_OK;
  }
  if (priv->reader.info.media == WALLOC_MEDIA_AUDIO)
    return analyse_sound (self, job);
  return analyse_picture (self, job);
}

GstFlowReturn
gst_compressed_base_finish (GstCompressedBase * self)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);

  if (!priv->network || !priv->window.fresh)
    return GST_FLOW_OK;

  return run_windows (self, &priv->last_job, TRUE);
}
