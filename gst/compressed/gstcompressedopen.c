/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcompressedopen.h"
#include "gstwalloccommon.h"

GstCompressedNetwork *
gst_compressed_open_network (GstElement * element, const gchar * name,
    walloc_task_kind kind)
{
  GstCompressedNetwork *network;
  const walloc_task_info *info;
  GError *error = NULL;

  if (!name) {
    GST_ELEMENT_ERROR (element, RESOURCE, SETTINGS, (NULL),
        ("There is no network to run. Set \"model-file\" to an ONNX file or "
            "the name of a network that is installed."));
    return NULL;
  }
  network = gst_compressed_network_open (name, &error);
  if (!network) {
    GST_WALLOC_POST_ERROR (element, error);
    g_clear_error (&error);
    return NULL;
  }
  info = gst_compressed_network_get_info (network);
  if (info->kind != kind) {
    GST_ELEMENT_ERROR (element, RESOURCE, SETTINGS, (NULL),
        ("The network \"%s\" is for another task: \"%s\". This element takes "
            "networks of the task \"%s\".",
            gst_compressed_network_get_path (network),
            walloc_task_kind_name (info->kind), walloc_task_kind_name (kind)));
    gst_compressed_network_unref (network);
    return NULL;
  }
  return network;
}

gboolean
gst_compressed_open_check (GstCompressedNetwork * network,
    const GstCompressedReader * reader)
{
  const guint wanted = gst_compressed_network_get_info (network)->channels;
  const guint there = reader->model->info.channels;
  walloc_error text = { "" };

  if (gst_compressed_network_check (network, &reader->info, &text) != WALLOC_OK) {
    GST_ELEMENT_ERROR (reader->element, STREAM, WRONG_TYPE, (NULL),
        ("The network \"%s\" does not read this stream: %s",
            gst_compressed_network_get_path (network), text.text));
    return FALSE;
  }
  /* what it puts out could not be coded, and memory goes by its number */
  if (wanted > there) {
    GST_ELEMENT_ERROR (reader->element, STREAM, WRONG_TYPE, (NULL),
        ("The network \"%s\" reads %u channels (walloc.channels), but the "
            "codec model \"%s\" has %u. Export it with at most that many.",
            gst_compressed_network_get_path (network), wanted,
            reader->model->path, there));
    return FALSE;
  }
  return TRUE;
}

GstCompressedInstance *
gst_compressed_open_take (GstCompressedNetwork * network, GstElement * element,
    guint width, guint height)
{
  const GstCompressedShape shape = { width, height, 0, FALSE, FALSE };
  GstCompressedInstance *instance;
  GError *error = NULL;

  instance = gst_compressed_network_take (network, &shape, &error);
  if (!instance) {
    GST_WALLOC_POST_ERROR (element, error);
    g_clear_error (&error);
  }
  return instance;
}
