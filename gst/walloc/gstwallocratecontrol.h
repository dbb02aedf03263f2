/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bits per second to a step index per frame. */
#ifndef __GST_WALLOC_RATE_CONTROL_H__
#define __GST_WALLOC_RATE_CONTROL_H__

#include <gst/gst.h>
#include <walloc/frame.h>

G_BEGIN_DECLS

/* One picture is coded so often at most. */
#define GST_WALLOC_RATE_CONTROL_ATTEMPTS 6

/* Frames of the last two seconds that are remembered. */
#define GST_WALLOC_RATE_CONTROL_HISTORY 256

/* Bits of a kind of frame against the step index: a line in log2 (bits). */
typedef struct
{
  gboolean known;
  gdouble index, bits;          /* a point of it; log2 */
  gdouble slope;                /* octaves of bits per octave of the step */
} GstWallocRateModel;

typedef struct
{
  gdouble bitrate;              /* bits per second; 0: not in use */
  guint min_index;              /* finest step */
  guint low_index;              /* coarsest before pictures are left out */
  guint max_index;              /* coarsest of all */

  GstWallocRateModel model[2];  /* of predicted and of key frames */
  guint index;                  /* of the last frame */
  guint last[2];                /* of the last predicted and key frame */
  gboolean repeated;            /* the last frame was a repeat */
  gboolean was_key;             /* it was a key frame */
  gboolean filled;              /* and this one was filled up to its goal */
  gboolean still;               /* or would have been, but nothing was left */
  gdouble fill_scale;           /* what filling is asked for, of what is to
                                 * come out */

  /* seconds of the rate, in excess of it */
  gdouble recent;               /* fades: what windows of 2 s see */
  gdouble level;                /* of the buffer, -1 to 1 */
  gdouble bucket;               /* never below 0: what must drain first */
  gboolean paying;              /* the level is on its way back to 0 */
  gboolean low;                 /* even the low index is too much */
  gboolean fresh;               /* no frame at this rate yet */
  guint finer;                  /* by how much a still scene tries finer steps */
  gdouble gap;                  /* time since the last frame */

  /* what key frames took in advance, and time left to pay it */
  gdouble debt, debt_time;

  /* streams with predicted frames: frames of the last two seconds, a ring */
  struct
  {
    gdouble seconds, spent;     /* that it stood for, that it took */
    gdouble counted;            /* the same, or its time at the finest step */
  } past[GST_WALLOC_RATE_CONTROL_HISTORY];
  guint n_past, end_past;

  /* of the picture at hand */
  gboolean is_key;
  gboolean is_cut;              /* a key frame that was not planned */
  gdouble seconds;              /* that it stands for */
  gdouble goal;                 /* seconds of the rate that it may take */
  gdouble plan;                 /* the same without corrections */
  gdouble lent;                 /* of that, what other frames pay */
  gdouble least, most, limit;   /* that windows of 2 s set */
  guint distance;               /* frames to the next key frame; 1: none but them */
  guint attempts, first;        /* of all, and the first that still counts */
  guint tried[GST_WALLOC_RATE_CONTROL_ATTEMPTS];
  gdouble got[GST_WALLOC_RATE_CONTROL_ATTEMPTS];        /* log2 bits */
} GstWallocRateControl;

void      gst_walloc_rate_control_init    (GstWallocRateControl * rc);

void      gst_walloc_rate_control_set     (GstWallocRateControl * rc,
                                           gdouble bitrate, guint min_index,
                                           guint low_index, guint max_index);

void      gst_walloc_rate_control_observe (GstWallocRateControl * rc,
                                           walloc_frame_type type,
                                           guint index, gsize bytes);

void      gst_walloc_rate_control_elapsed (GstWallocRateControl * rc,
                                           GstClockTimeDiff more);

gboolean  gst_walloc_rate_control_skip    (GstWallocRateControl * rc,
                                           GstClockTime duration);

guint     gst_walloc_rate_control_begin   (GstWallocRateControl * rc,
                                           gboolean is_key,
                                           GstClockTime duration,
                                           guint key_distance,
                                           guint64 pixels);

void      gst_walloc_rate_control_forget  (GstWallocRateControl * rc);

gboolean  gst_walloc_rate_control_again   (GstWallocRateControl * rc,
                                           walloc_frame_type type,
                                           gsize bytes, gsize filled,
                                           guint * index);

gsize     gst_walloc_rate_control_fill    (const GstWallocRateControl * rc);

G_END_DECLS

#endif /* __GST_WALLOC_RATE_CONTROL_H__ */
