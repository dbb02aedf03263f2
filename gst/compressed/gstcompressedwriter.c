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

void
gst_compressed_writer_stop (GstCompressedWriter * writer)
{
  walloc_encoder_free (writer->encoder);
  writer->encoder = NULL;
  gst_walloc_model_unref (writer->model);
  writer->model = NULL;
  writer->have_caps = FALSE;
}

static gboolean
open_model (GstCompressedWriter * writer, GstWallocModel * model)
{
  walloc_error text = { "" };

  if (writer->model == model && writer->encoder)
    return TRUE;
  walloc_encoder_free (writer->encoder);
  writer->encoder = NULL;
  gst_walloc_model_unref (writer->model);
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
