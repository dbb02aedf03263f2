/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a client gets of the stream: which frames, and how many layers of each,
 * by what it asked for and how its queue does. Of the network thread only. */
#ifndef __GST_WALLOC_WEB_CHOICE_H__
#define __GST_WALLOC_WEB_CHOICE_H__

#include "gstwallocthinner.h"
#include "gstwallocwebframe.h"

G_BEGIN_DECLS

/* How much waits for a client. */
typedef enum
{
  GST_WALLOC_WEB_CALM,
  GST_WALLOC_WEB_SLOW,          /* fewer layers */
  GST_WALLOC_WEB_LATE,          /* no more frames before a key frame, which
                                 * replaces those that wait */
  GST_WALLOC_WEB_HOPELESS       /* the connection is closed */
} GstWallocWebLoad;

typedef struct
{
  GstWallocThinner thinner;
  gboolean needs_key;
  gboolean asks_key;            /* the client said that it needs one */
  gint64 asked_key;             /* for one, monotonic, us; 0: never */
  gint64 key_pause;             /* us until it may again */
} GstWallocWebChoice;

/* What becomes of a frame. */
typedef struct
{
  guint layers;                 /* that the client gets; 0: none */
  gboolean replace;             /* it takes the place of frames that wait */
  gboolean want_key;            /* the client waits for a key frame */
} GstWallocWebVerdict;

void      gst_walloc_web_choice_init    (GstWallocWebChoice * choice);

/* @bytes wait, the oldest of them for @age us; the client is closed at
 * @max_bytes or @max_age. */
GstWallocWebLoad
          gst_walloc_web_choice_load    (guint64 bytes, guint64 max_bytes,
                                         gint64 age, gint64 max_age);

/* @now: monotonic, us. */
GstWallocWebVerdict
          gst_walloc_web_choice_frame   (GstWallocWebChoice * choice,
                                         const GstWallocWebFrame * frame,
                                         GstWallocWebLoad load, gint64 now);

/* The client says that it needs a key frame: is it time to pass that on? Verdicts
 * on frames do later, until it has one. */
gboolean  gst_walloc_web_choice_ask     (GstWallocWebChoice * choice,
                                         gint64 now);

/* How many layers a client that is new gets of @frames (of GstWallocWebFrame,
 * from a key frame on), which go out in one bunch: as many as its rate carries
 * in a second; 0: not even one, so it shall wait for the next key frame. */
guint     gst_walloc_web_choice_replay  (const GstWallocWebChoice * choice,
                                         const GQueue * frames);

/* One of these frames, with that many layers; returns how many there are. */
guint     gst_walloc_web_choice_replayed
                                        (GstWallocWebChoice * choice,
                                         const GstWallocWebFrame * frame,
                                         guint layers);

G_END_DECLS

#endif /* __GST_WALLOC_WEB_CHOICE_H__ */
