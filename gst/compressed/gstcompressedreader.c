/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstcompressedreader.h"
#include "gstwalloccommon.h"

/* as max-pixels of wallocdec: the latents take 400 MB */
#define MAX_PIXELS (1u << 26)

/* damage is told on the bus at most this often, lest a bad link floods it */
#define WARNING_INTERVAL G_USEC_PER_SEC

void
gst_compressed_reader_init (GstCompressedReader * reader, GstElement * element,
    GstPad * sinkpad)
{
  memset (reader, 0, sizeof (*reader));
  reader->element = element;
  reader->sinkpad = sinkpad;
}

void
gst_compressed_reader_start (GstCompressedReader * reader, guint threads)
{
  reader->runner = threads == 1 ? NULL : gst_walloc_runner_new (threads);
  reader->last_warning = 0;
  reader->unusable = 0;
  reader->missing = FALSE;
}

static void
forget_model (GstCompressedReader * reader)
{
  walloc_decoder_free (reader->decoder);
  reader->decoder = NULL;
  walloc_audio_decoder_free (reader->audio_decoder);
  reader->audio_decoder = NULL;
  gst_walloc_model_unref (reader->model);
  reader->model = NULL;
  memset (&reader->latents, 0, sizeof (reader->latents));
  memset (&reader->sound, 0, sizeof (reader->sound));
}

void
gst_compressed_reader_stop (GstCompressedReader * reader)
{
  forget_model (reader);
  gst_walloc_runner_free (reader->runner);
  reader->runner = NULL;
}

void
gst_compressed_reader_flush (GstCompressedReader * reader)
{
  walloc_decoder_reset (reader->decoder);
}

/* The model that the last header names, and a decoder with it. */
static gboolean
open_model (GstCompressedReader * reader, const gchar * model_file)
{
  const walloc_runner *runner = reader->runner ?
      gst_walloc_runner_get (reader->runner) : NULL;
  walloc_decoder_limits limits = { MAX_PIXELS };
  walloc_error text = { "" };
  GError *error = NULL;
  walloc_result result;

  if (reader->model && reader->model->info.id == reader->info.model_id)
    return TRUE;
  /* told once; elements behind an error may go on pushing for a while */
  if (reader->missing && reader->missing_id == reader->info.model_id)
    return FALSE;
  forget_model (reader);
  reader->model = gst_walloc_model_open_by_id (reader->info.model_id,
      model_file, &error);
  if (!reader->model) {
    reader->missing = TRUE;
    reader->missing_id = reader->info.model_id;
    GST_WALLOC_POST_ERROR (reader->element, error);
    g_clear_error (&error);
    return FALSE;
  }
  if (reader->info.media == WALLOC_MEDIA_AUDIO)
    result = walloc_audio_decoder_new (reader->model->model, NULL,
        &reader->audio_decoder, &text);
  else
    result = walloc_decoder_new (reader->model->model, NULL, runner, &limits,
        &reader->decoder, &text);
  if (result == WALLOC_OK && reader->decoder)
    result = walloc_decoder_set_channels (reader->decoder, reader->channels,
        &text);
  if (result != WALLOC_OK) {
    GST_ELEMENT_ERROR (reader->element, LIBRARY, INIT, (NULL),
        ("Cannot make a decoder for the model \"%s\": %s",
            reader->model->path, text.text));
    forget_model (reader);
    return FALSE;
  }
  return TRUE;
}

/* Whether memory may be made for the frame: a new size, which a forged header
 * may claim to be huge, must come with some content. */
static walloc_result
read_picture (GstCompressedReader * reader, const GstMapInfo * map,
    guint width, guint height, walloc_error * text)
{
  walloc_result result;

  if (reader->info.width != width || reader->info.height != height) {
    result = walloc_decoder_check (reader->decoder, map->data, map->size, text);
    if (result != WALLOC_OK)
      return result;
  }
  result = walloc_decoder_latents (reader->decoder, map->data, map->size,
      &reader->latents, &reader->damaged, text);
  /* of a frame that is cut short, the slices that are whole are there */
  if (result == WALLOC_ERR_TRUNCATED && reader->damaged > 0
      && reader->latents.data)
    result = WALLOC_OK;
  return result;
}

void
gst_compressed_reader_set_channels (GstCompressedReader * reader,
    guint channels)
{
  reader->channels = channels;
  if (reader->decoder)
    walloc_decoder_set_channels (reader->decoder, channels, NULL);
}

void
gst_compressed_reader_warn (GstCompressedReader * reader, const gchar * text)
{
  gint64 now = g_get_monotonic_time ();

  reader->unusable++;
  GST_DEBUG_OBJECT (reader->element, "a frame cannot be used: %s", text);
  if (reader->last_warning && now - reader->last_warning < WARNING_INTERVAL)
    return;
  reader->last_warning = now;
  GST_ELEMENT_WARNING (reader->element, STREAM, DECODE, (NULL),
      ("A frame cannot be used: %s; %u unusable frames since the last "
          "message.", text, reader->unusable));
  reader->unusable = 0;
}

GstCompressedReaderResult
gst_compressed_reader_read (GstCompressedReader * reader, GstBuffer * buffer,
    const gchar * model_file)
{
  guint width = reader->info.width, height = reader->info.height;
  walloc_error text = { "" };
  walloc_result result;
  GstMapInfo map;

  reader->damaged = 0;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    GST_ELEMENT_ERROR (reader->element, RESOURCE, READ, (NULL),
        ("Cannot map an input buffer."));
    return GST_COMPRESSED_READER_ERROR;
  }
  result = walloc_frame_parse (map.data, map.size, &reader->info, &text);
  if (result == WALLOC_OK && !open_model (reader, model_file)) {
    gst_buffer_unmap (buffer, &map);
    return GST_COMPRESSED_READER_ERROR;
  }
  if (result == WALLOC_OK && reader->info.media == WALLOC_MEDIA_AUDIO)
    result = walloc_audio_decoder_latents (reader->audio_decoder, map.data,
        map.size, &reader->sound, NULL, &reader->damaged, &text);
  else if (result == WALLOC_OK)
    result = read_picture (reader, &map, width, height, &text);
  gst_buffer_unmap (buffer, &map);
  reader->result = result;

  if (result == WALLOC_ERR_MEMORY) {
    GST_ELEMENT_ERROR (reader->element, RESOURCE, NO_SPACE_LEFT, (NULL),
        ("Out of memory while decoding latents: %s", text.text));
    return GST_COMPRESSED_READER_ERROR;
  }
  /* what builds on damage shows it until then */
  if (result == WALLOC_ERR_NEEDS_KEY || (reader->damaged
          && reader->info.media == WALLOC_MEDIA_VIDEO
          && (reader->info.type != WALLOC_FRAME_KEY || reader->info.sequence)))
    gst_pad_push_event (reader->sinkpad,
        gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE,
            FALSE, 0));
  if (result == WALLOC_OK)
    return GST_COMPRESSED_READER_OK;
  /* the next frame of this size is to be looked at again */
  reader->info.width = reader->info.height = 0;
  gst_compressed_reader_warn (reader,
      *text.text ? text.text : walloc_strerror (result));
  return GST_COMPRESSED_READER_SKIP;
}
