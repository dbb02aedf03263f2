/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstcompressedwriter.h"
#include "gstwalloccommon.h"

void
gst_compressed_writer_init (GstCompressedWriter * writer, GstElement * element)
{
  memset (writer, 0, sizeof (*writer));
  writer->element = element;
}

static void
forget_model (GstCompressedWriter * writer)
{
  walloc_encoder_free (writer->encoder);
  writer->encoder = NULL;
  walloc_audio_encoder_free (writer->audio_encoder);
  writer->audio_encoder = NULL;
  gst_walloc_model_unref (writer->model);
  writer->model = NULL;
}

void
gst_compressed_writer_stop (GstCompressedWriter * writer)
{
  forget_model (writer);
  writer->have_caps = FALSE;
}

void
gst_compressed_writer_flush (GstCompressedWriter * writer)
{
  walloc_audio_encoder_reset (writer->audio_encoder);
}

static gboolean
open_model (GstCompressedWriter * writer, GstWallocModel * model)
{
  walloc_error text = { "" };

  if (writer->model == model && writer->encoder)
    return TRUE;
  forget_model (writer);
  writer->model = gst_walloc_model_ref (model);
  if (walloc_encoder_new (model->model, NULL, NULL, &writer->encoder, &text)
      == WALLOC_OK)
    return TRUE;
  GST_ELEMENT_ERROR (writer->element, LIBRARY, INIT, (NULL),
      ("Cannot make an encoder for the model \"%s\": %s", model->path,
          text.text));
  return FALSE;
}

GstBuffer *
gst_compressed_writer_picture (GstCompressedWriter * writer,
    GstWallocModel * model, const walloc_latent_planes * latents,
    const walloc_encode_params * params, walloc_frame_info * info)
{
  walloc_error text = { "" };
  walloc_result result;
  const guint8 *data;
  gsize size;

  if (!open_model (writer, model))
    return NULL;
  result = walloc_encoder_encode_latents (writer->encoder, latents, params,
      &data, &size, info, &text);
  if (result == WALLOC_OK)
    return gst_buffer_new_memdup (data, size);
  if (result == WALLOC_ERR_MEMORY)
    GST_ELEMENT_ERROR (writer->element, RESOURCE, NO_SPACE_LEFT, (NULL),
        ("Out of memory while encoding: %s", text.text));
  else
    GST_ELEMENT_ERROR (writer->element, STREAM, ENCODE, (NULL),
        ("Latents cannot be encoded with the model \"%s\": %s", model->path,
            text.text));
  return NULL;
}

static gboolean
open_sound (GstCompressedWriter * writer, GstWallocModel * model,
    const walloc_frame_info * from)
{
  walloc_error text = { "" };

  if (writer->model == model && writer->audio_encoder
      && writer->rate == from->rate
      && writer->audio_channels == from->audio_channels
      && writer->columns == from->columns)
    return TRUE;
  forget_model (writer);
  writer->model = gst_walloc_model_ref (model);
  writer->rate = from->rate;
  writer->audio_channels = from->audio_channels;
  writer->columns = from->columns;
  if (walloc_audio_encoder_new (model->model, NULL, from->rate,
          from->audio_channels, from->columns, &writer->audio_encoder, &text)
      == WALLOC_OK)
    return TRUE;
  GST_ELEMENT_ERROR (writer->element, LIBRARY, INIT, (NULL),
      ("Cannot make an encoder for the model \"%s\": %s", model->path,
          text.text));
  return FALSE;
}

/* A buffer of the frame with the number of another. */
static GstBuffer *
renumber (const guint8 * data, gsize size, walloc_frame_info * info,
    guint sequence)
{
  guint old = info->header_size;
  GstBuffer *buffer = gst_buffer_new_memdup (data, size);
  GstMapInfo map;

  if (info->sequence == sequence || !gst_buffer_map (buffer, &map,
          GST_MAP_WRITE))
    return buffer;
  /* the number has a byte of its own, so the header stays as long as it is */
  info->sequence = sequence;
  if (walloc_frame_rewrite (data, info, map.data, old, NULL) != WALLOC_OK
      || info->header_size != old)
    memcpy (map.data, data, old);
  gst_buffer_unmap (buffer, &map);

  return buffer;
}

GstBuffer *
gst_compressed_writer_sound (GstCompressedWriter * writer,
    GstWallocModel * model, const walloc_frame_info * from,
    const walloc_audio_latents * latents, const walloc_audio_params * params,
    walloc_frame_info * info)
{
  walloc_error text = { "" };
  const guint8 *data;
  gsize size;

  if (!open_sound (writer, model, from))
    return NULL;
  if (walloc_audio_encoder_encode_latents (writer->audio_encoder, latents,
          params, &data, &size, info, &text) == WALLOC_OK)
    return renumber (data, size, info, from->sequence);
  GST_ELEMENT_ERROR (writer->element, STREAM, ENCODE, (NULL),
      ("Latents cannot be encoded with the model \"%s\": %s", model->path,
          text.text));
  return NULL;
}

void
gst_compressed_writer_forget_caps (GstCompressedWriter * writer)
{
  writer->have_caps = FALSE;
}

static gboolean
same_caps (const walloc_frame_info * a, const walloc_frame_info * b)
{
  return a->media == b->media && a->model_id == b->model_id
      && a->width == b->width && a->height == b->height
      && a->rate == b->rate && a->audio_channels == b->audio_channels
      && a->mask == b->mask && a->fps_n == b->fps_n && a->fps_d == b->fps_d
      && a->par_n == b->par_n && a->par_d == b->par_d
      && a->has_colour == b->has_colour && (!a->has_colour
      || memcmp (&a->colour, &b->colour, sizeof (a->colour)) == 0);
}

GstFlowReturn
gst_compressed_writer_set_caps (GstCompressedWriter * writer, GstPad * pad,
    const walloc_frame_info * info)
{
  GstCaps *caps;
  gboolean ok;

  if (writer->have_caps && same_caps (&writer->last, info)
      && !gst_pad_check_reconfigure (pad))
    return GST_FLOW_OK;
  caps = gst_walloc_caps_from_header (info);
  ok = gst_pad_set_caps (pad, caps);
  gst_caps_unref (caps);
  writer->have_caps = ok;
  writer->last = *info;
  if (ok)
    return GST_FLOW_OK;
  gst_pad_mark_reconfigure (pad);

  return GST_PAD_IS_FLUSHING (pad) ? GST_FLOW_FLUSHING :
      GST_FLOW_NOT_NEGOTIATED;
}

void
gst_compressed_writer_copy (walloc_encode_params * params,
    const walloc_frame_info * from)
{
  params->has_colour = from->has_colour;
  params->colour = from->colour;
  params->pts = from->pts;
  params->duration = from->duration;
  params->fps_n = from->fps_n;
  params->fps_d = from->fps_d;
  params->par_n = from->par_n;
  params->par_d = from->par_d;
  params->layers = from->layers;
}
