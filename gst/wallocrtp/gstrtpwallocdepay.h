/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_RTP_WALLOC_DEPAY_H__
#define __GST_RTP_WALLOC_DEPAY_H__

#include <gst/rtp/rtp.h>

#include "wallocrtpassemble.h"

G_BEGIN_DECLS

#define GST_TYPE_RTP_WALLOC_DEPAY (gst_rtp_walloc_depay_get_type ())
G_DECLARE_FINAL_TYPE (GstRtpWallocDepay, gst_rtp_walloc_depay, GST,
    RTP_WALLOC_DEPAY, GstRTPBaseDepayload)

struct _GstRtpWallocDepay
{
  GstRTPBaseDepayload parent;

  /* properties; object lock */
  gboolean wait_for_keyframe;
  gboolean request_keyframe;
  guint max_frame_size;

  /* streaming thread */
  walloc_rtp_assembler *assembler;
  walloc_rtp_config *config;
  gboolean is_audio;
  GstStructure *params;         /* what RTP caps or a configuration say */
  gboolean have_model;          /* they name a model */
  guint64 model;
  gboolean caps_stale;          /* params changed since caps were set */
  gboolean have_info;
  walloc_frame_info info;       /* of the frame that caps were made for */
  GstClockTime pts, dts;        /* of the frame under way */
  GstBuffer *first;             /* its first packet, for its metas */
  gboolean have_seqnum;
  guint16 next_seqnum;
  guint32 ssrc;                 /* of whom these numbers are */
  gboolean have_frame;
  guint next_frame;
  gboolean single;              /* the last frame came in one packet */
  gboolean discont;             /* for the next frame that goes out */
  gboolean predicted;           /* frames build on others, or may */
  gboolean broken;              /* what they build on was lost or damaged */
  gint64 last_request;          /* monotonic time; 0: none is pending */
  GstClockTime wait_start;      /* of the first frame left out */
  gboolean warned_model, warned_version;

  /* counters; object lock */
  guint64 frames, packets, lost_packets, bad_packets, lost_frames;
  guint64 damaged_frames, damaged_slices, damaged_segments, dropped, waiting;
  guint64 requests, configs;
  GstClockTime waiting_time;
};

/* Ends the frame under way (gstrtpwallocdepayframe.c); NULL if there is nothing
 * to push. */
GstBuffer *     gst_rtp_walloc_depay_finish   (GstRtpWallocDepay * self);

/* Adds to one of the counters. */
void            gst_rtp_walloc_depay_count    (GstRtpWallocDepay * self,
                                               guint64 * counter,
                                               guint64 more);

G_END_DECLS

#endif /* __GST_RTP_WALLOC_DEPAY_H__ */
