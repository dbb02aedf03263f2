/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* WaLLoC over real UDP on loopback, and through netsim: loss, reordering,
 * duplicates, delay; who joins late; a sender that begins again; a rate that
 * follows reports. Nothing waits for a fixed time: conditions, with generous
 * limits. */
#include "rtp-check.h"

#include <gio/gio.h>

/* ThreadSanitizer makes all of it ten times as slow: fewer frames, more time */
#ifdef __SANITIZE_THREAD__
#define SLOW 1
#else
#define SLOW 0
#endif

#define LIMIT ((SLOW ? 200 : 40) * (gint64) G_USEC_PER_SEC)

/* Frames that came out, by their bytes. */
typedef struct
{
  GMutex lock;
  GPtrArray *frames;            /* GstBuffer */
} Taken;

static void
taken_init (Taken * t)
{
  g_mutex_init (&t->lock);
  t->frames = buffers_new ();
}

static void
taken_clear (Taken * t)
{
  g_ptr_array_unref (t->frames);
  g_mutex_clear (&t->lock);
}

static guint
taken_count (Taken * t)
{
  guint count;

  g_mutex_lock (&t->lock);
  count = t->frames->len;
  g_mutex_unlock (&t->lock);
  return count;
}

static GstPadProbeReturn
take (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Taken *t = user_data;

  g_mutex_lock (&t->lock);
  g_ptr_array_add (t->frames, gst_buffer_ref (GST_PAD_PROBE_INFO_BUFFER
          (info)));
  g_mutex_unlock (&t->lock);
  return GST_PAD_PROBE_OK;
}

/* Collects what leaves pad @pad of the element @name. */
static void
watch (GstElement * pipeline, const gchar * name, const gchar * pad, Taken * t)
{
  GstElement *e = gst_bin_get_by_name (GST_BIN (pipeline), name);
  GstPad *p = gst_element_get_static_pad (e, pad);

  gst_pad_add_probe (p, GST_PAD_PROBE_TYPE_BUFFER, take, t, NULL);
  gst_object_unref (p);
  gst_object_unref (e);
}

static GstElement *
launch (const gchar * text)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (text, &error);

  fail_unless (error == NULL, "%s: %s", text, error ? error->message : "");
  return pipeline;
}

static void
stop (GstElement * pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

/* Fails on errors on the bus of @pipeline. */
static void
check_errors (GstElement * pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);

  if (message) {
    GError *error;
    gchar *debug;

    gst_message_parse_error (message, &error, &debug);
    fail ("%s (%s)", error->message, debug);
  }
  gst_object_unref (bus);
}

/* Runs @pipeline to its end. */
static void
run (GstElement * pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, LIMIT * 1000,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message != NULL, "no end");
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    GError *error;
    gchar *debug;

    gst_message_parse_error (message, &error, &debug);
    fail ("%s (%s)", error->message, debug);
  }
  gst_message_unref (message);
  gst_object_unref (bus);
}

static guint64
stat_in (GstElement * pipeline, const gchar * name, const gchar * field)
{
  GstElement *e = gst_bin_get_by_name (GST_BIN (pipeline), name);
  GstStructure *s;
  guint64 value = 0;
  guint small;

  g_object_get (e, "stats", &s, NULL);
  if (!gst_structure_get_uint64 (s, field, &value)) {
    fail_unless (gst_structure_get_uint (s, field, &small), "no %s", field);
    value = small;
  }
  gst_structure_free (s);
  gst_object_unref (e);
  return value;
}

#define WAIT_FOR(condition) G_STMT_START { \
  gint64 end_ = g_get_monotonic_time () + LIMIT; \
  while (!(condition)) { \
    fail_unless (g_get_monotonic_time () < end_, #condition); \
    g_usleep (10000); \
  } \
} G_STMT_END

/* live: 100 pictures a second */
#define CAMERA SOURCE ("ball", "100")
#define SOURCE(pattern, rate) \
  "videotestsrc is-live=true pattern=" pattern " num-buffers=%u ! " \
  "video/x-raw,format=I420,width=160,height=120,framerate=" rate "/1 ! "

static const struct
{
  const gchar *name, *props;
  gdouble loss;                 /* of packets */
  gboolean whole;               /* every frame comes through */
} networks[] = {
  {"quiet", "drop-probability=0", 0, TRUE},
  {"1 %", "drop-probability=0.01", 0.01, FALSE},
  {"5 %", "drop-probability=0.05", 0.05, FALSE},
  {"20 %", "drop-probability=0.2", 0.2, FALSE},
  {"twice", "duplicate-probability=0.3", 0, TRUE},
  {"late", "delay-probability=0.3 min-delay=1 max-delay=60 "
        "allow-reordering=true", 0, TRUE},
};

/* Key frames through each network at once: what comes out is to the byte what
 * went in, or is marked; where nothing is lost, all of it comes. */
GST_START_TEST (test_netsim)
{
  const guint count = SLOW ? 60 : 150, n = G_N_ELEMENTS (networks);
  GstElement *pipelines[G_N_ELEMENTS (networks)];
  Taken in[G_N_ELEMENTS (networks)], out[G_N_ELEMENTS (networks)];
  gchar *source = g_strdup_printf ("videotestsrc is-live=true pattern=ball "
      "num-buffers=%u ! video/x-raw,format=I420,width=160,height=120,"
      "framerate=%u/1 !", count, SLOW ? 15 : 100);
  guint i, k, m;

  for (i = 0; i < n; i++) {
    gchar *text = g_strdup_printf ("%s wallocenc quality=60 slice-rows=3 "
        "name=enc ! rtpwallocpay mtu=600 ! netsim %s ! rtpjitterbuffer "
        "latency=2000 do-lost=true ! rtpwallocdepay name=depay ! wallocdec "
        "decoder=linear name=dec ! fakesink sync=false", source,
        networks[i].props);

    pipelines[i] = launch (text);
    taken_init (&in[i]);
    taken_init (&out[i]);
    watch (pipelines[i], "enc", "src", &in[i]);
    watch (pipelines[i], "depay", "src", &out[i]);
    gst_element_set_state (pipelines[i], GST_STATE_PLAYING);
    g_free (text);
  }
  for (i = 0; i < n; i++) {
    guint damaged = 0;

    run (pipelines[i]);
    fail_unless_equals_int (in[i].frames->len, count);
    fail_unless (out[i].frames->len <= count);
    for (k = m = 0; k < out[i].frames->len; k++) {
      GstBuffer *frame = nth (out[i].frames, k);

      if (GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_CORRUPTED)) {
        damaged++;
        continue;
      }
      while (m < count && !same_bytes (nth (in[i].frames, m), frame))
        m++;
      fail_unless (m < count, "%s: frame %u is none of those sent",
          networks[i].name, k);
    }
    if (networks[i].whole) {
      /* the end overtakes what netsim still holds back, and what comes behind
       * the first packet that came is too late */
      for (k = 10, m = 0; k < count - 40; k++, m++) {
        while (m < out[i].frames->len && !same_bytes (nth (in[i].frames, k),
                nth (out[i].frames, m)))
          m++;
        fail_unless (m < out[i].frames->len && (k == 10 || m <= k),
            "%s: frame %u of %u; %u packets lost", networks[i].name, k,
            out[i].frames->len, (guint) stat_in (pipelines[i], "depay",
                "lost-packets"));
      }
    } else if (networks[i].loss >= 0.05) {
      fail_unless (damaged > 0, "%s", networks[i].name);
      /* two copies of each header: p^2 of the frames are lost, or a bit more
       * where both are in a row; five times as many would be no accident */
      fail_unless (count - out[i].frames->len <= 3 + 5 * count *
          networks[i].loss * networks[i].loss, "%s: %u came", networks[i].name,
          out[i].frames->len);
    }
    fail_unless_equals_uint64 (stat_in (pipelines[i], "depay", "frames"),
        out[i].frames->len);
    fail_unless_equals_uint64 (stat_in (pipelines[i], "depay",
            "damaged-frames"), damaged);
    stop (pipelines[i]);
    taken_clear (&in[i]);
    taken_clear (&out[i]);
  }
  g_free (source);
}

GST_END_TEST;

/* Sound through a link that loses packets keeps its length. */
GST_START_TEST (test_sound_loss)
{
  const guint rate = 44100, buffers = 100, samples = 441;
  GstElement *pipeline = launch ("audiotestsrc is-live=true wave=pink-noise "
      "samplesperbuffer=441 num-buffers=100 ! "
      "audio/x-raw,rate=44100,channels=1 ! wallocaudioenc frame-size=512 ! "
      "rtpwallocpay ! netsim drop-probability=0.1 ! rtpjitterbuffer "
      "latency=200 do-lost=true ! rtpwallocdepay name=depay ! "
      "wallocaudiodec name=dec ! fakesink sync=false");
  guint64 total = 0;
  Taken out;
  guint i;

  taken_init (&out);
  watch (pipeline, "dec", "src", &out);
  run (pipeline);
  for (i = 0; i < out.frames->len; i++)
    total += GST_BUFFER_DURATION (nth (out.frames, i));
  total = gst_util_uint64_scale_round (total, rate, GST_SECOND);
  /* first and last frames may be among what is lost */
  fail_unless (total >= buffers * samples * 8 / 10
      && total <= buffers * samples + 4096, "%u samples", (guint) total);
  stop (pipeline);
  taken_clear (&out);
}

GST_END_TEST;

/* A receiver that takes any ports, in READY. */
static GstElement *
receiver (const gchar * props, guint * port, guint * rtcp_port)
{
  gchar *text = g_strdup_printf ("wallocrtpsrc name=src port=0 latency=100 %s "
      "! wallocdec decoder=linear ! fakesink sync=false", props);
  GstElement *pipeline = launch (text), *src;

  fail_unless (gst_element_set_state (pipeline, GST_STATE_READY) ==
      GST_STATE_CHANGE_SUCCESS);
  src = gst_bin_get_by_name (GST_BIN (pipeline), "src");
  g_object_get (src, "current-port", port, "current-rtcp-port", rtcp_port,
      NULL);
  fail_unless (*port > 0 && *rtcp_port > 0);
  gst_object_unref (src);
  g_free (text);
  return pipeline;
}

static GstElement *
sender (const gchar * encoder, guint count, guint port, guint rtcp_port,
    const gchar * props)
{
  gchar *text = g_strdup_printf (CAMERA "%s name=enc ! wallocrtpsink name=sink "
      "port=%u rtcp-port=%u %s", count, encoder, port, rtcp_port, props);
  GstElement *pipeline = launch (text);

  g_free (text);
  return pipeline;
}

/* Every frame over UDP, to the byte; reports come back. Then the sender begins
 * again, with another SSRC. */
GST_START_TEST (test_udp)
{
  GstElement *rx, *tx;
  guint port, rtcp_port, count = 200, i, before;
  Taken in, out;

  rx = receiver ("", &port, &rtcp_port);
  taken_init (&out);
  watch (rx, "src", "src", &out);
  gst_element_set_state (rx, GST_STATE_PLAYING);

  tx = sender ("wallocenc quality=40", count, port, rtcp_port,
      "max-bitrate=100000 start-bitrate=100000");
  taken_init (&in);
  watch (tx, "enc", "src", &in);
  gst_element_set_state (tx, GST_STATE_PLAYING);
  WAIT_FOR (taken_count (&out) == count);
  WAIT_FOR (stat_in (tx, "sink", "reports") > 0);
  for (i = 0; i < count; i++)
    fail_unless (same_bytes (nth (in.frames, i), nth (out.frames, i)), "%u", i);
  fail_unless_equals_uint64 (stat_in (rx, "src", "lost-packets"), 0);
  check_errors (tx);
  stop (tx);
  taken_clear (&in);

  before = taken_count (&out);
  tx = sender ("wallocenc quality=40", 100, port, rtcp_port, "");
  gst_element_set_state (tx, GST_STATE_PLAYING);
  WAIT_FOR (taken_count (&out) >= before + 50);
  check_errors (tx);
  check_errors (rx);
  stop (tx);
  stop (rx);
  taken_clear (&out);
}

GST_END_TEST;

static guint
last_width (Taken * t)
{
  walloc_frame_info info;

  g_mutex_lock (&t->lock);
  check_parse_header (nth (t->frames, t->frames->len - 1), &info);
  g_mutex_unlock (&t->lock);
  return info.width;
}

/* A second sender is not listened to, and does no harm, until the first one is
 * silent. */
GST_START_TEST (test_two_senders)
{
  GstElement *rx, *tx, *other;
  guint port, rtcp_port, i, before;
  walloc_frame_info info;
  Taken in, out;
  gchar *text;

  rx = receiver ("", &port, &rtcp_port);
  taken_init (&in);
  taken_init (&out);
  watch (rx, "src", "src", &out);
  gst_element_set_state (rx, GST_STATE_PLAYING);
  tx = sender ("wallocenc quality=40", 100000, port, rtcp_port, "");
  gst_element_set_state (tx, GST_STATE_PLAYING);
  WAIT_FOR (taken_count (&out) >= 10);

  text = g_strdup_printf ("videotestsrc is-live=true ! video/x-raw,width=96,"
      "height=64,framerate=100/1 ! wallocenc name=enc ! wallocrtpsink port=%u "
      "rtcp-port=%u", port, rtcp_port);
  other = launch (text);
  g_free (text);
  watch (other, "enc", "src", &in);
  gst_element_set_state (other, GST_STATE_PLAYING);
  WAIT_FOR (taken_count (&in) >= 100);
  before = taken_count (&out);
  WAIT_FOR (taken_count (&out) >= before + 100);
  g_mutex_lock (&out.lock);
  for (i = before = 0; i < out.frames->len; i++) {
    check_parse_header (nth (out.frames, i), &info);
    before += info.width == 160;
  }
  /* if this machine stands still for long, the second one may have a turn */
  fail_unless (before > i / 2, "%u of %u", before, i);
  g_mutex_unlock (&out.lock);
  check_errors (rx);

  stop (tx);
  /* what waits of the first one may still come */
  WAIT_FOR (last_width (&out) == 96);
  check_errors (rx);
  stop (other);
  stop (rx);
  taken_clear (&in);
  taken_clear (&out);
}

GST_END_TEST;

static GstPadProbeReturn
drop_end (GstPad * pad, GstPadProbeInfo * info, gpointer data)
{
  return GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS ?
      GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

/* The session may never end RTCP, where the receiver leaves at the same time:
 * the sender ends all the same. */
GST_START_TEST (test_end_without_bye)
{
  GstElement *tx = launch ("videotestsrc num-buffers=5 ! video/x-raw,"
      "width=96,height=64 ! wallocenc ! wallocrtpsink port=9"), *session;
  GValue value = G_VALUE_INIT;
  GstBus *bus = gst_element_get_bus (tx);
  GstMessage *message;
  GstIterator *it;
  GstPad *pad;

  it = gst_bin_iterate_all_by_element_factory_name (GST_BIN (tx), "rtpbin");
  fail_unless_equals_int (gst_iterator_next (it, &value), GST_ITERATOR_OK);
  session = g_value_get_object (&value);
  pad = gst_element_get_static_pad (session, "send_rtcp_src_0");
  fail_unless (pad != NULL);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, drop_end, NULL,
      NULL);
  gst_object_unref (pad);
  g_value_unset (&value);
  gst_iterator_free (it);
  gst_element_set_state (tx, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 40 * GST_SECOND,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
  gst_message_unref (message);
  gst_object_unref (bus);
  stop (tx);
}

GST_END_TEST;

static guint
count_jitter_buffers (GstElement * src)
{
  GstIterator *it = gst_bin_iterate_all_by_element_factory_name (GST_BIN (src),
      "rtpjitterbuffer");
  GValue value = G_VALUE_INIT;
  guint count = 0;

  while (gst_iterator_next (it, &value) == GST_ITERATOR_OK) {
    count++;
    g_value_reset (&value);
  }
  gst_iterator_free (it);
  g_value_unset (&value);
  return count;
}

/* Four packets each of @count senders from SSRC @first on, whose payload begins
 * with @begin. */
static void
send_forged (GSocket * socket, GSocketAddress * to, guint first, guint count,
    guint8 begin)
{
  guint8 packet[RTP_HEADER + WALLOC_RTP_HEADER + 4] = { 0x80, 96 };
  guint i, k;

  packet[RTP_HEADER] = begin;
  for (i = first; i < first + count; i++) {
    for (k = 0; k < 4; k++) {
      packet[3] = k;
      GST_WRITE_UINT32_BE (packet + 8, i);
      fail_unless (g_socket_send_to (socket, to, (const gchar *) packet,
              sizeof (packet), NULL, NULL) > 0);
    }
    /* not more than the socket keeps */
    g_usleep (1000);
  }
}

/* Packets of ever other senders take no more threads and memory than so many,
 * and none if they are not ours; and a real one is heard all the same. */
GST_START_TEST (test_many_senders)
{
  GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM,
      G_SOCKET_PROTOCOL_UDP, NULL);
  guint port, rtcp_port, before;
  GstElement *rx, *tx, *src;
  GSocketAddress *to;
  Taken out;

  rx = receiver ("", &port, &rtcp_port);
  taken_init (&out);
  watch (rx, "src", "src", &out);
  gst_element_set_state (rx, GST_STATE_PLAYING);
  to = g_inet_socket_address_new_from_string ("127.0.0.1", port);
  src = gst_bin_get_by_name (GST_BIN (rx), "src");
  send_forged (socket, to, 1000, 80, 0xff);
  send_forged (socket, to, 1, 1, 0);
  WAIT_FOR (count_jitter_buffers (src) > 0);
  fail_unless_equals_int (count_jitter_buffers (src), 1);
  send_forged (socket, to, 2, 100, 0);
  WAIT_FOR (count_jitter_buffers (src) == 64);
  g_usleep (500000);
  fail_unless_equals_int (count_jitter_buffers (src), 64);

  tx = sender ("wallocenc quality=40", 400, port, rtcp_port, "");
  gst_element_set_state (tx, GST_STATE_PLAYING);
  WAIT_FOR (taken_count (&out) >= 10);
  fail_unless (count_jitter_buffers (src) <= 64);
  /* and goes on being heard, whatever else comes */
  send_forged (socket, to, 500, 100, 0);
  fail_unless (count_jitter_buffers (src) <= 64);
  before = taken_count (&out);
  WAIT_FOR (taken_count (&out) >= before + 10);
  check_errors (tx);
  check_errors (rx);
  stop (tx);
  gst_object_unref (src);
  stop (rx);
  taken_clear (&out);
  g_object_unref (to);
  g_object_unref (socket);
}

GST_END_TEST;

/* Who comes late to a stream whose next key frame is far asks for one. */
GST_START_TEST (test_late_joiner)
{
  GstElement *rx, *tx;
  guint port, rtcp_port;
  walloc_frame_info info;
  Taken in, out;

  /* takes the ports; the others come when the stream is well under way */
  rx = receiver ("wait-for-keyframe=true", &port, &rtcp_port);
  taken_init (&out);
  watch (rx, "src", "src", &out);

  tx = sender ("wallocenc quality=40 key-int-max=5000", 100000, port,
      rtcp_port, "");
  taken_init (&in);
  watch (tx, "enc", "src", &in);
  gst_element_set_state (tx, GST_STATE_PLAYING);
  WAIT_FOR (taken_count (&in) >= 50);
  /* what the socket has kept is not what a late joiner sees */
  gst_element_set_state (rx, GST_STATE_NULL);
  gst_util_set_object_arg (G_OBJECT (rx), "name", "late");
  {
    GstElement *src = gst_bin_get_by_name (GST_BIN (rx), "src");

    g_object_set (src, "port", port, "rtcp-port", rtcp_port, NULL);
    gst_object_unref (src);
  }
  gst_element_set_state (rx, GST_STATE_PLAYING);
  WAIT_FOR (taken_count (&out) >= 20);
  check_parse_header (nth (out.frames, 0), &info);
  fail_unless_equals_int (info.type, WALLOC_FRAME_KEY);
  fail_unless (stat_in (rx, "src", "waiting") > 0);
  fail_unless (stat_in (rx, "src", "keyframe-requests") > 0);
  fail_unless (stat_in (tx, "sink", "keyframe-requests") > 0);
  check_errors (tx);
  check_errors (rx);
  stop (tx);
  stop (rx);
  taken_clear (&in);
  taken_clear (&out);
}

GST_END_TEST;

typedef struct
{
  GRand *rand;
  gint loss;                    /* per mille, atomic */
} Loss;

static GstPadProbeReturn
lose_list (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Loss *loss = user_data;
  gint share = g_atomic_int_get (&loss->loss);

  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    GstBufferList *list = gst_buffer_list_make_writable
        (GST_PAD_PROBE_INFO_BUFFER_LIST (info));
    guint i = 0;

    while (i < gst_buffer_list_length (list)) {
      if (g_rand_int_range (loss->rand, 0, 1000) < share)
        gst_buffer_list_remove (list, i, 1);
      else
        i++;
    }
    GST_PAD_PROBE_INFO_DATA (info) = list;
    return GST_PAD_PROBE_OK;
  }
  return g_rand_int_range (loss->rand, 0, 1000) < share ?
      GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

/* Loses packets of RTP behind the session, so that it does not know. */
static void
make_lossy (GstElement * tx, Loss * loss)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (tx), "sink");
  GstIterator *it = gst_bin_iterate_all_by_element_factory_name (GST_BIN
      (sink), "udpsink");
  GValue value = G_VALUE_INIT;
  gboolean found = FALSE;

  while (gst_iterator_next (it, &value) == GST_ITERATOR_OK) {
    GstElement *udp = g_value_get_object (&value);
    GstPad *pad = gst_element_get_static_pad (udp, "sink");
    GstPad *peer = gst_pad_get_peer (pad);

    if (g_str_has_prefix (GST_PAD_NAME (peer), "send_rtp_src")
        || g_str_has_prefix (GST_PAD_NAME (peer), "src")) {
      gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
          GST_PAD_PROBE_TYPE_BUFFER_LIST, lose_list, loss, NULL);
      found = TRUE;
    }
    gst_object_unref (peer);
    gst_object_unref (pad);
    g_value_reset (&value);
  }
  g_value_unset (&value);
  gst_iterator_free (it);
  gst_object_unref (sink);
  fail_unless (found);
}

/* Reports of 30 % loss lower the rate and leave layers out; when all gets
 * through again, it grows. */
GST_START_TEST (test_rate)
{
  GstElement *rx, *tx, *sink;
  guint port, rtcp_port, low;
  Loss loss = { g_rand_new_with_seed (5), 300 };
  GstBus *bus;
  GstMessage *message;
  gchar *text;
  Taken out;

  rx = receiver ("", &port, &rtcp_port);
  taken_init (&out);
  watch (rx, "src", "src", &out);
  gst_element_set_state (rx, GST_STATE_PLAYING);
  /* noise: more than the rate, or the rate would be of no concern */
  text = g_strdup_printf (SOURCE ("snow", "25") "wallocenc quality=85 "
      "slice-rows=4 ! wallocrtpsink name=sink port=%u rtcp-port=%u "
      "start-bitrate=4000 max-bitrate=5000 min-bitrate=200", 100000, port,
      rtcp_port);
  tx = launch (text);
  g_free (text);
  make_lossy (tx, &loss);
  gst_element_set_state (tx, GST_STATE_PLAYING);

  WAIT_FOR (stat_in (tx, "sink", "bitrate") < 3000);
  WAIT_FOR (stat_in (rx, "src", "damaged-frames") + stat_in (rx, "src",
          "lost-frames") > 0);
  bus = gst_element_get_bus (tx);
  for (;;) {
    message = gst_bus_timed_pop_filtered (bus, LIMIT * 1000,
        GST_MESSAGE_ELEMENT);
    fail_unless (message != NULL);
    if (gst_message_has_name (message, "wallocrtpsink"))
      break;
    gst_message_unref (message);
  }
  fail_unless (gst_structure_has_field_typed (gst_message_get_structure
          (message), "bitrate", G_TYPE_UINT));
  fail_unless (gst_structure_has_field_typed (gst_message_get_structure
          (message), "fraction-lost", G_TYPE_DOUBLE));
  gst_message_unref (message);
  gst_object_unref (bus);

  g_atomic_int_set (&loss.loss, 0);
  low = stat_in (tx, "sink", "bitrate");
  WAIT_FOR (stat_in (tx, "sink", "bitrate") > low
      || (low = MIN (low, stat_in (tx, "sink", "bitrate")), FALSE));
  sink = gst_bin_get_by_name (GST_BIN (tx), "sink");
  g_object_set (sink, "max-bitrate", 300, NULL);
  fail_unless (stat_in (tx, "sink", "bitrate") <= 300);
  gst_object_unref (sink);
  check_errors (tx);
  check_errors (rx);
  stop (tx);
  stop (rx);
  g_rand_free (loss.rand);
  taken_clear (&out);
}

GST_END_TEST;

/* Hosts by name, and by addresses of either kind; one that does not exist. */
GST_START_TEST (test_hosts)
{
  static const struct
  {
    const gchar *address, *host;
  } rows[] = {
    {"127.0.0.1", "localhost"}, {"localhost", "127.0.0.1"}, {"::1", "::1"}
  };
  GstElement *rx, *tx;
  guint port, rtcp_port, i;
  GSocket *socket;
  GError *error;
  GstBus *bus;

  for (i = 0; i < G_N_ELEMENTS (rows); i++) {
    gchar *text = g_strdup_printf ("address=%s", rows[i].address);
    gchar *more = g_strdup_printf ("host=%s", rows[i].host);

    if (i == 2) {
      GInetAddress *inet = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV6);
      GSocketAddress *where = g_inet_socket_address_new (inet, 0);

      socket = g_socket_new (G_SOCKET_FAMILY_IPV6, G_SOCKET_TYPE_DATAGRAM,
          G_SOCKET_PROTOCOL_UDP, NULL);
      if (!socket || !g_socket_bind (socket, where, FALSE, NULL)) {
        g_print ("no IPv6: not tested\n");
        g_free (text);
        text = NULL;
      }
      g_clear_object (&socket);
      g_object_unref (where);
      g_object_unref (inet);
    }
    if (text) {
      rx = receiver (text, &port, &rtcp_port);
      tx = sender ("wallocenc quality=40", 100000, port, rtcp_port, more);
      gst_element_set_state (rx, GST_STATE_PLAYING);
      gst_element_set_state (tx, GST_STATE_PLAYING);
      WAIT_FOR (stat_in (rx, "src", "frames") >= 5);
      WAIT_FOR (stat_in (tx, "sink", "reports") > 0);
      check_errors (tx);
      check_errors (rx);
      stop (tx);
      stop (rx);
    }
    g_free (more);
    g_free (text);
  }

  tx = gst_element_factory_make ("wallocrtpsink", NULL);
  bus = gst_bus_new ();
  gst_element_set_bus (tx, bus);
  g_object_set (tx, "host", "no such.invalid", NULL);
  fail_unless_equals_int (gst_element_set_state (tx, GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  error = check_message (bus, GST_MESSAGE_ERROR, NULL);
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR,
          GST_RESOURCE_ERROR_NOT_FOUND));
  g_clear_error (&error);
  gst_element_set_state (tx, GST_STATE_NULL);
  gst_element_set_bus (tx, NULL);
  gst_object_unref (bus);
  gst_object_unref (tx);
}

GST_END_TEST;

/* Ports that are taken, addresses that are none. */
GST_START_TEST (test_bad_sockets)
{
  GstElement *rx, *e;
  guint port, rtcp_port, i;

  rx = receiver ("", &port, &rtcp_port);
  for (i = 0; i < 4; i++) {
    GstBus *bus;
    GError *error;

    e = gst_element_factory_make (i < 3 ? "wallocrtpsrc" : "wallocrtpsink",
        NULL);
    bus = gst_bus_new ();
    gst_element_set_bus (e, bus);
    if (i == 0)
      g_object_set (e, "port", port, "rtcp-port", 0, NULL);
    else if (i == 1)
      g_object_set (e, "port", 0, "rtcp-port", rtcp_port, NULL);
    else if (i == 2)
      g_object_set (e, "address", "no.such.place", NULL);
    else
      g_object_set (e, "bind-address", "192.0.2.77", NULL);
    fail_unless_equals_int (gst_element_set_state (e, GST_STATE_PAUSED),
        GST_STATE_CHANGE_FAILURE);
    error = check_message (bus, GST_MESSAGE_ERROR, NULL);
    fail_unless (g_error_matches (error, GST_RESOURCE_ERROR, i == 2 ?
            GST_RESOURCE_ERROR_SETTINGS : GST_RESOURCE_ERROR_OPEN_READ));
    g_clear_error (&error);
    gst_element_set_state (e, GST_STATE_NULL);
    gst_element_set_bus (e, NULL);
    gst_object_unref (bus);
    gst_object_unref (e);
  }
  stop (rx);
}

GST_END_TEST;

static Suite *
rtpnetwork_suite (void)
{
  static const gchar *const needed[] = {
    "rtpbin", "netsim", "udpsrc", "videotestsrc", NULL
  };
  Suite *s = suite_create ("rtpnetwork");
  TCase *tc = tcase_create ("general");
  guint i;

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  for (i = 0; needed[i]; i++) {
    GstElementFactory *factory = gst_element_factory_find (needed[i]);

    if (!factory) {
      g_print ("no %s: nothing is tested\n", needed[i]);
      return s;
    }
    gst_object_unref (factory);
  }
  tcase_add_test (tc, test_netsim);
  tcase_add_test (tc, test_sound_loss);
  tcase_add_test (tc, test_udp);
  tcase_add_test (tc, test_two_senders);
  tcase_add_test (tc, test_end_without_bye);
  tcase_add_test (tc, test_many_senders);
  tcase_add_test (tc, test_late_joiner);
  tcase_add_test (tc, test_rate);
  tcase_add_test (tc, test_hosts);
  tcase_add_test (tc, test_bad_sockets);

  return s;
}

GST_CHECK_MAIN (rtpnetwork);
