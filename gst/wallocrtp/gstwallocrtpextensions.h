/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much of a packet the header extensions of the base class take (RFC 8285).
 * It adds them after packets are made, and does not tell which there are: their
 * number is in caps, their size in the packets that went out. */
#ifndef __GST_WALLOC_RTP_EXTENSIONS_H__
#define __GST_WALLOC_RTP_EXTENSIONS_H__

#include <gst/rtp/rtp.h>

G_BEGIN_DECLS

/* For the streaming thread; all 0 at first. */
typedef struct
{
  guint count;                  /* of extensions, as caps say */
  gboolean known;               /* packets with so many went out */
  gsize size;                   /* most bytes that one of them had */
} GstWallocRtpExtensions;

/* Measures what leaves @pad; @e must live as long. */
void            gst_walloc_rtp_extensions_watch (GstWallocRtpExtensions * e,
                                                 GstPad * pad);

/* Bytes to keep free in packets that will leave @pad. Before the first ones
 * went out it is a guess: 16 bytes for each extension. */
gsize           gst_walloc_rtp_extensions_get_size (GstWallocRtpExtensions * e,
                                                    GstPad * pad);

G_END_DECLS

#endif /* __GST_WALLOC_RTP_EXTENSIONS_H__ */
