/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwallocrtpextensions.h"

/* of a packet, of its extensions together, and of each at most */
#define RTP_HEADER 12
#define EXTENSIONS_HEADER 4
#define EXTENSION_HEADER 2
#define LIKELY_SIZE 16

static gsize
round_up (gsize size)
{
  return (size + 3) / 4 * 4;
}

static void
measure (GstWallocRtpExtensions * e, GstBuffer * packet)
{
  guint8 head[RTP_HEADER + 4 * 15 + EXTENSIONS_HEADER];
  gsize size = gst_buffer_extract (packet, 0, head, sizeof (head)), at;

  if (size < RTP_HEADER || !(head[0] & 0x10))
    return;
  at = RTP_HEADER + 4 * (head[0] & 15);
  if (size >= at + EXTENSIONS_HEADER)
    e->size = MAX (e->size, EXTENSIONS_HEADER + 4 * ((gsize) head[at + 2] << 8
            | head[at + 3]));
}

static GstPadProbeReturn
on_packets (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstWallocRtpExtensions *e = user_data;
  GstBufferList *list;
  guint i;

  if (e->count == 0)
    return GST_PAD_PROBE_OK;
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    list = GST_PAD_PROBE_INFO_BUFFER_LIST (info);
    for (i = 0; i < gst_buffer_list_length (list); i++)
      measure (e, gst_buffer_list_get (list, i));
  } else {
    measure (e, GST_PAD_PROBE_INFO_BUFFER (info));
  }
  e->known = TRUE;
  return GST_PAD_PROBE_OK;
}

void
gst_walloc_rtp_extensions_watch (GstWallocRtpExtensions * e, GstPad * pad)
{
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_BUFFER_LIST, on_packets, e, NULL);
}

static guint
count_extensions (GstPad * pad)
{
  GstCaps *caps = gst_pad_get_current_caps (pad);
  const GstStructure *s;
  guint count = 0;
  gint i;

  if (!caps)
    return 0;
  s = gst_caps_get_structure (caps, 0);
  for (i = 0; i < gst_structure_n_fields (s); i++)
    count += g_str_has_prefix (gst_structure_nth_field_name (s, i), "extmap-");
  gst_caps_unref (caps);
  return count;
}

gsize
gst_walloc_rtp_extensions_get_size (GstWallocRtpExtensions * e, GstPad * pad)
{
  guint count = count_extensions (pad);

  if (count != e->count) {
    e->known = FALSE;
    e->size = 0;
  }
  e->count = count;
  if (count == 0)
    return 0;
  return e->known ? e->size : EXTENSIONS_HEADER + round_up (count *
      (gsize) (EXTENSION_HEADER + LIKELY_SIZE));
}
