/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of the RTP elements share: packets, streams, comparisons. */
#ifndef TESTS_RTP_CHECK_H
#define TESTS_RTP_CHECK_H

#include "walloc-check.h"

#include <gst/rtp/rtp.h>

#include "gst/wallocrtp/wallocrtpassemble.h"

#define RTP_HEADER 12

/* RTP caps of a session of which nothing else is known */
#define RTP_VIDEO_CAPS "application/x-rtp, media=video, clock-rate=90000, " \
  "encoding-name=X-WALLOC, payload=96"

typedef GPtrArray Buffers;

static inline Buffers *
buffers_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
}

static inline GstBuffer *
nth (const Buffers * b, guint i)
{
  return g_ptr_array_index (b, i);
}

static inline void
set_props (GstHarness * h, const gchar * props)
{
  gchar **words = g_strsplit (props ? props : "", " ", -1), **w;

  for (w = words; *w; w++) {
    gchar **pair = g_strsplit (*w, "=", 2);

    if (pair[0] && pair[1])
      gst_util_set_object_arg (G_OBJECT (h->element), pair[0], pair[1]);
    g_strfreev (pair);
  }
  g_strfreev (words);
}

static inline Buffers *
pull_all (GstHarness * h)
{
  Buffers *all = buffers_new ();
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull (h)))
    g_ptr_array_add (all, buffer);
  return all;
}

static inline guint64
stat_of (GstHarness * h, const gchar * name)
{
  GstStructure *s;
  guint64 value = 0;

  g_object_get (h->element, "stats", &s, NULL);
  fail_unless (gst_structure_get_uint64 (s, name, &value), "no %s", name);
  gst_structure_free (s);
  return value;
}

static inline GstHarness *
pay_harness (GstCaps * caps, const gchar * props)
{
  GstHarness *h = gst_harness_new ("rtpwallocpay");

  set_props (h, props);
  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  return h;
}

/* All packets of @frames; the payloader's caps in @rtp. */
static inline Buffers *
pay_all (const Buffers * frames, GstCaps * caps, const gchar * props,
    GstCaps ** rtp)
{
  GstHarness *h = pay_harness (caps, props);
  Buffers *packets;
  guint i;

  for (i = 0; i < frames->len; i++)
    fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref (nth (frames,
                    i))), GST_FLOW_OK);
  packets = pull_all (h);
  if (rtp)
    *rtp = gst_pad_get_current_caps (h->sinkpad);
  gst_harness_teardown (h);
  return packets;
}

static inline GstHarness *
depay_harness (GstCaps * rtp, const gchar * props)
{
  GstHarness *h = gst_harness_new ("rtpwallocdepay");

  set_props (h, props);
  if (rtp)
    gst_harness_set_src_caps (h, gst_caps_ref (rtp));
  else
    gst_harness_set_src_caps_str (h, RTP_VIDEO_CAPS);
  return h;
}

static inline void
push_packet (GstHarness * h, GstBuffer * packet)
{
  fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref (packet)),
      GST_FLOW_OK);
}

/* All packets but those of which @lost is TRUE, then EOS. */
static inline Buffers *
depay_some (GstHarness * h, const Buffers * packets, const gboolean * lost)
{
  guint i;

  for (i = 0; i < packets->len; i++)
    if (!lost || !lost[i])
      push_packet (h, nth (packets, i));
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  return pull_all (h);
}

static inline void
read_packet (GstBuffer * packet, walloc_rtp_header * header, gboolean * marker,
    guint32 * timestamp, guint * size)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;

  fail_unless (gst_rtp_buffer_map (packet, GST_MAP_READ, &rtp));
  fail_unless (walloc_rtp_header_read (header, gst_rtp_buffer_get_payload
          (&rtp), gst_rtp_buffer_get_payload_len (&rtp)));
  if (marker)
    *marker = gst_rtp_buffer_get_marker (&rtp);
  if (timestamp)
    *timestamp = gst_rtp_buffer_get_timestamp (&rtp);
  if (size)
    *size = gst_rtp_buffer_get_payload_len (&rtp) - WALLOC_RTP_HEADER;
  gst_rtp_buffer_unmap (&rtp);
}

static inline gboolean
same_bytes (GstBuffer * a, GstBuffer * b)
{
  GstMapInfo ma, mb;
  gboolean same;

  fail_unless (gst_buffer_map (a, &ma, GST_MAP_READ));
  fail_unless (gst_buffer_map (b, &mb, GST_MAP_READ));
  same = ma.size == mb.size && memcmp (ma.data, mb.data, ma.size) == 0;
  gst_buffer_unmap (a, &ma);
  gst_buffer_unmap (b, &mb);
  return same;
}

/* A frame with a payload of noise that no decoder reads: what @info says, with
 * segments of @sizes bytes; number @n of the stream. */
static inline GstBuffer *
fake_frame (walloc_frame_info * info, const guint32 * sizes, guint n)
{
  const guint count = info->slices * info->layers;
  guint8 *header = g_malloc (WALLOC_FRAME_MAX_HEADER);
  GstBuffer *buffer;
  GRand *rand = g_rand_new_with_seed (n + 1);
  GstMapInfo map;
  gsize i;

  fail_unless_equals_int (walloc_frame_write (header, WALLOC_FRAME_MAX_HEADER,
          info, sizes, NULL), WALLOC_OK);
  buffer = gst_buffer_new_allocate (NULL, (gsize) info->header_size +
      info->payload_size, NULL);
  fail_unless (count > 0 || info->payload_size == 0);
  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  memcpy (map.data, header, info->header_size);
  for (i = info->header_size; i < map.size; i++)
    map.data[i] = g_rand_int (rand);
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = n * FRAME_TIME;
  GST_BUFFER_DURATION (buffer) = FRAME_TIME;
  if (info->type != WALLOC_FRAME_KEY)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  g_rand_free (rand);
  g_free (header);
  return buffer;
}

/* The header of a fake frame of @rows rows of latents, a slice for each. */
static inline void
fake_info (walloc_frame_info * info, guint rows, guint layers)
{
  guint i;

  walloc_frame_info_init (info);
  info->width = 64;
  info->height = rows * 8;
  info->format = WALLOC_FORMAT_I420;
  info->step_index = 80;
  info->slice_rows = 1;
  info->slices = rows;
  info->layers = layers;
  for (i = 0; i < layers; i++)
    info->layer_end[i] = 4 * (i + 1);
  info->channels = 4 * layers;
  info->model_id = G_GUINT64_CONSTANT (0x123456789abcdef0);
}

static inline GstCaps *
fake_caps (void)
{
  return gst_caps_from_string ("video/x-walloc, alignment=frame, parsed=true, "
      "framerate=25/1, model-id=123456789abcdef0");
}

#endif /* TESTS_RTP_CHECK_H */
