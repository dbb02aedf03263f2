/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocrtpsink: the rate that receivers allow, and what is told of it. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwallocrtpsink.h"

GST_DEBUG_CATEGORY_EXTERN (wallocrtpsink_debug);
#define GST_CAT_DEFAULT wallocrtpsink_debug

/* headers of RTP, UDP and IPv4 */
#define PACKET_HEADERS (12 + 8 + 20)
/* without a report for so long, the far end may be behind a dead link */
#define SILENCE 5.0
/* us; reports that come early are too near to measure between them */
#define MEASURE_TIME (G_USEC_PER_SEC / 2)

static gdouble
now_seconds (void)
{
  return g_get_monotonic_time () / (gdouble) G_USEC_PER_SEC;
}

static guint64
get_counter (const GstStructure * s, const gchar * name)
{
  guint64 value = 0;

  gst_structure_get_uint64 (s, name, &value);
  return value;
}

/* Tells wallocthin, which counts bytes of frames, what of @rate (bit/s) they
 * may have. */
static void
gst_walloc_rtp_sink_apply (GstWallocRtpSink * self, gdouble rate)
{
  GstStructure *s;
  gdouble bytes, wire;

  g_object_get (self->pay, "stats", &s, NULL);
  bytes = get_counter (s, "bytes");
  wire = bytes + get_counter (s, "overhead") +
      (gdouble) get_counter (s, "packets") * PACKET_HEADERS;
  gst_structure_free (s);
  if (bytes > 0)
    rate *= bytes / wire;
  g_object_set (self->thin, "bitrate", MAX (1, (guint) (rate / 1000)), NULL);
}

/* The same, or nothing is thinned. */
static void
gst_walloc_rtp_sink_steer (GstWallocRtpSink * self, gboolean adapt,
    gdouble rate)
{
  if (adapt)
    gst_walloc_rtp_sink_apply (self, rate);
  else
    g_object_set (self->thin, "bitrate", 0, NULL);
}

/* Bits per second that went out since the last call. */
static void
gst_walloc_rtp_sink_measure (GstWallocRtpSink * self)
{
  gint64 now = g_get_monotonic_time ();
  GstStructure *s;
  guint64 total;

  g_object_get (self->pay, "stats", &s, NULL);
  total = get_counter (s, "bytes") + get_counter (s, "overhead") +
      get_counter (s, "packets") * PACKET_HEADERS;
  gst_structure_free (s);
  GST_OBJECT_LOCK (self);
  if (self->sent_time && now < self->sent_time + MEASURE_TIME) {
    GST_OBJECT_UNLOCK (self);
    return;
  }
  if (self->sent_time)
    self->sent = 8.0 * (total - self->sent_bytes) * G_USEC_PER_SEC /
        (now - self->sent_time);
  self->sent_bytes = total;
  self->sent_time = now;
  GST_OBJECT_UNLOCK (self);
}

static void
gst_walloc_rtp_sink_post (GstWallocRtpSink * self, gdouble rate)
{
  GstStructure *s;

  GST_OBJECT_LOCK (self);
  s = gst_structure_new ("wallocrtpsink",
      "bitrate", G_TYPE_UINT, (guint) (rate / 1000),
      "fraction-lost", G_TYPE_DOUBLE, self->loss,
      "round-trip", G_TYPE_UINT64, self->rtt,
      "jitter", G_TYPE_UINT64, self->jitter, NULL);
  GST_OBJECT_UNLOCK (self);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self), s));
}

/* A receiver's RTCP has come: @source is the receiver. */
void
gst_walloc_rtp_sink_on_report (GObject * session, GObject * source,
    GstWallocRtpSink * self)
{
  walloc_rtp_report report;
  GstStructure *s = NULL;
  gboolean have = FALSE, adapt, is_new;
  guint lost = 0, seqnum = 0, jitter = 0, trip = 0;
  guint clock_rate = 0;
  gdouble rate;

  g_object_get (source, "stats", &s, NULL);
  if (!s)
    return;
  gst_structure_get_boolean (s, "have-rb", &have);
  gst_structure_get_uint (s, "rb-fractionlost", &lost);
  gst_structure_get_uint (s, "rb-exthighestseq", &seqnum);
  gst_structure_get_uint (s, "rb-jitter", &jitter);
  gst_structure_get_uint (s, "rb-round-trip", &trip);
  gst_structure_free (s);
  if (!have)
    return;
  g_object_get (self->pay, "stats", &s, NULL);
  gst_structure_get_uint (s, "clock-rate", &clock_rate);
  gst_structure_free (s);
  gst_walloc_rtp_sink_measure (self);

  GST_OBJECT_LOCK (self);
  is_new = self->reports == 0 || seqnum != self->last_seqnum;
  if (!is_new) {
    GST_OBJECT_UNLOCK (self);
    return;
  }
  self->last_seqnum = seqnum;
  self->reports++;
  self->loss = lost / 256.0;
  self->rtt = gst_util_uint64_scale (trip, GST_SECOND, 65536);
  self->jitter = clock_rate > 0 ? gst_util_uint64_scale (jitter, GST_SECOND,
      clock_rate) : 0;
  report.now = now_seconds ();
  report.loss = self->loss;
  report.rtt = trip ? trip / 65536.0 : -1;
  report.sent = self->sent;
  adapt = self->adapt;
  rate = walloc_rtp_rate_report (&self->rate, &report);
  GST_OBJECT_UNLOCK (self);

  GST_DEBUG_OBJECT (self, "loss %.3f, round trip %.3f s: %.0f bit/s",
      report.loss, report.rtt, rate);
  if (adapt)
    gst_walloc_rtp_sink_apply (self, rate);
  gst_walloc_rtp_sink_post (self, rate);
}

static void
gst_walloc_rtp_sink_check_end (GstWallocRtpSink * self)
{
  gboolean due;

  GST_OBJECT_LOCK (self);
  if (self->ended > 0 && self->ended < 4)
    self->ended++;
  due = self->ended == 3;
  GST_OBJECT_UNLOCK (self);
  /* once more where it was posted already: that changes nothing */
  if (due)
    gst_element_post_message (self->rtcp,
        gst_message_new_eos (GST_OBJECT (self->rtcp)));
}

static gboolean
gst_walloc_rtp_sink_on_tick (GstClock * clock, GstClockTime time,
    GstClockID id, gpointer user_data)
{
  GstWallocRtpSink *self = user_data;
  gdouble before, rate;
  gboolean adapt;
  guint64 packets;
  GstStructure *s;

  g_object_get (self->pay, "stats", &s, NULL);
  packets = get_counter (s, "packets");
  gst_structure_free (s);

  GST_OBJECT_LOCK (self);
  before = self->rate.rate;
  if (packets == self->tick_packets)
    walloc_rtp_rate_idle (&self->rate, now_seconds ());
  self->tick_packets = packets;
  rate = walloc_rtp_rate_silence (&self->rate, now_seconds (), SILENCE);
  adapt = self->adapt;
  GST_OBJECT_UNLOCK (self);
  /* the share of the payload in what goes out changes too */
  gst_walloc_rtp_sink_steer (self, adapt, rate);
  if (rate < before) {
    GST_WARNING_OBJECT (self, "no report for %.0f s: %.0f bit/s", SILENCE,
        rate);
    gst_walloc_rtp_sink_post (self, rate);
  }
  gst_walloc_rtp_sink_check_end (self);
  return TRUE;
}

/* New limits, or adapting begins or ends. */
void
gst_walloc_rtp_sink_update_rate (GstWallocRtpSink * self)
{
  gboolean adapt;
  gdouble rate;

  if (!self->complete)
    return;
  GST_OBJECT_LOCK (self);
  self->rate.min = self->min_bitrate * 1e3;
  self->rate.max = MAX (self->max_bitrate, self->min_bitrate) * 1e3;
  self->rate.rate = CLAMP (self->rate.rate, self->rate.min, self->rate.max);
  rate = self->rate.rate;
  adapt = self->adapt;
  GST_OBJECT_UNLOCK (self);
  gst_walloc_rtp_sink_steer (self, adapt, rate);
}

void
gst_walloc_rtp_sink_start_timer (GstWallocRtpSink * self)
{
  GstClock *clock = gst_system_clock_obtain ();

  self->clock_id = gst_clock_new_periodic_id (clock, gst_clock_get_time
      (clock) + GST_SECOND, GST_SECOND);
  gst_clock_id_wait_async (self->clock_id, gst_walloc_rtp_sink_on_tick,
      gst_object_ref (self), gst_object_unref);
  gst_object_unref (clock);
}

void
gst_walloc_rtp_sink_stop_timer (GstWallocRtpSink * self)
{
  if (!self->clock_id)
    return;
  gst_clock_id_unschedule (self->clock_id);
  gst_clock_id_unref (self->clock_id);
  self->clock_id = NULL;
}

GstStructure *
gst_walloc_rtp_sink_get_stats (GstWallocRtpSink * self)
{
  GstStructure *s, *pay = NULL;

  if (self->pay)
    g_object_get (self->pay, "stats", &pay, NULL);
  GST_OBJECT_LOCK (self);
  s = gst_structure_new ("application/x-wallocrtpsink-stats",
      "bitrate", G_TYPE_UINT, (guint) (self->rate.rate / 1000),
      "sent", G_TYPE_DOUBLE, MAX (0, self->sent),
      "reports", G_TYPE_UINT64, self->reports,
      "keyframe-requests", G_TYPE_UINT64, self->requests,
      "fraction-lost", G_TYPE_DOUBLE, self->loss,
      "round-trip", G_TYPE_UINT64, self->rtt,
      "jitter", G_TYPE_UINT64, self->jitter, NULL);
  GST_OBJECT_UNLOCK (self);
  if (pay) {
    gst_structure_set (s, "frames", G_TYPE_UINT64, get_counter (pay, "frames"),
        "packets", G_TYPE_UINT64, get_counter (pay, "packets"), "bytes",
        G_TYPE_UINT64, get_counter (pay, "bytes"), NULL);
    gst_structure_free (pay);
  }
  return s;
}

void
gst_walloc_rtp_sink_reset_rate (GstWallocRtpSink * self)
{
  GST_OBJECT_LOCK (self);
  walloc_rtp_rate_init (&self->rate, self->min_bitrate * 1e3,
      MAX (self->max_bitrate, self->min_bitrate) * 1e3,
      self->start_bitrate * 1e3, now_seconds ());
  self->reports = self->requests = 0;
  self->loss = 0;
  self->rtt = self->jitter = 0;
  self->sent = -1;
  self->sent_time = 0;
  self->tick_packets = 0;
  self->ended = 0;
  GST_OBJECT_UNLOCK (self);
  gst_walloc_rtp_sink_update_rate (self);
}
