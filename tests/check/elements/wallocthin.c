/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocthin, and the policy that it shares with other elements. */
#include "walloc-check.h"

#include "gst/walloc/gstwallocthinner.h"

#define FRAME_SECONDS (1.0 / FPS)

/* A frame of one slice whose layers have so many bytes each, ending at
 * channels 4, 8, 12, 16; number @n of the stream. */
static GstBuffer *
make_frame (walloc_frame_type type, guint layers, const guint32 * sizes,
    guint n)
{
  walloc_frame_info info;
  guint8 header[200];
  GstBuffer *buffer;
  guint32 total = 0;
  GstMapInfo map;
  guint i;

  walloc_frame_info_init (&info);
  info.width = info.height = 64;
  info.format = WALLOC_FORMAT_I420;
  info.step_index = 80;
  /* a single one has more than encoders put into the first of several */
  info.channels = layers == 1 ? 16 : 4 * layers;
  info.slice_rows = 8;
  info.type = type;
  info.sequence = n % 256;
  info.slices = type != WALLOC_FRAME_REPEAT;
  info.layers = layers;
  for (i = 0; i < layers; i++) {
    info.layer_end[i] = layers == 1 ? 16 : 4 * (i + 1);
    total += info.slices ? sizes[i] : 0;
  }
  info.pts = n * FRAME_TIME;
  fail_unless_equals_int (walloc_frame_write (header, sizeof (header), &info,
          sizes, NULL), WALLOC_OK);
  buffer = gst_buffer_new_allocate (NULL, info.header_size + total, NULL);
  gst_buffer_fill (buffer, 0, header, info.header_size);
  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  for (i = 0; i < total; i++)
    map.data[info.header_size + i] = i * 7 + n;
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = n * FRAME_TIME;
  GST_BUFFER_DURATION (buffer) = FRAME_TIME;
  GST_BUFFER_OFFSET (buffer) = n;
  if (type != WALLOC_FRAME_KEY)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);

  return buffer;
}

static const guint32 three[] = { 1000, 2000, 3000, 4000 };

static GstHarness *
thin_harness (const gchar * props)
{
  GstHarness *h = gst_harness_new ("wallocthin");
  gchar **words = g_strsplit (props ? props : "", " ", -1), **w;

  for (w = words; *w; w++) {
    gchar **pair = g_strsplit (*w, "=", 2);

    gst_util_set_object_arg (G_OBJECT (h->element), pair[0], pair[1]);
    g_strfreev (pair);
  }
  g_strfreev (words);
  gst_harness_set_src_caps_str (h,
      "video/x-walloc, alignment=frame, parsed=true, width=64, height=64, "
      "framerate=25/1");
  return h;
}

static guint
layers_of (GstBuffer * buffer)
{
  walloc_frame_info info;

  check_parse_header (buffer, &info);
  return info.layers;
}

/* Pushes a frame of three layers; layers of what comes out, 0 if nothing. */
static guint
push (GstHarness * h, walloc_frame_type type, const guint32 * sizes, guint n)
{
  GstBuffer *out;
  guint layers;

  fail_unless_equals_int (gst_harness_push (h, make_frame (type, 3, sizes,
              n)), GST_FLOW_OK);
  out = gst_harness_try_pull (h);
  if (!out)
    return 0;
  fail_unless_equals_uint64 (GST_BUFFER_PTS (out), n * FRAME_TIME);
  layers = layers_of (out);
  gst_buffer_unref (out);

  return layers;
}

/* What the policy says of a frame of three layers. */
static guint
decide (GstWallocThinner * t, walloc_frame_type type, const gsize * sizes,
    guint n)
{
  walloc_frame_info info;

  walloc_frame_info_init (&info);
  info.type = type;
  info.layers = 3;
  info.layer_end[0] = 4;
  info.layer_end[1] = 8;
  info.layer_end[2] = info.channels = 12;
  return gst_walloc_thinner_decide (t, &info, sizes, n * FRAME_TIME,
      FRAME_TIME);
}

/* 200, 400 and 800 kbit/s */
static const gsize steady[] = { 1000, 2000, 4000, 0 };

GST_START_TEST (test_policy_steady)
{
  static const struct
  {
    guint kbits, layers;
  } rows[] = {
    {100, 1}, {250, 1}, {390, 1}, {430, 2}, {600, 2}, {790, 2}, {850, 3},
    {5000, 3}
  };
  guint r, i;

  for (r = 0; r < G_N_ELEMENTS (rows); r++) {
    guint changes = 0, last = 0, layers = 0;
    GstWallocThinner t;

    gst_walloc_thinner_init (&t);
    t.bitrate = rows[r].kbits * 1000;
    for (i = 0; i < 3000; i++) {
      layers = decide (&t, WALLOC_FRAME_KEY, steady, i);
      /* the bucket never runs over, but where one layer is too much */
      if (rows[r].kbits > 200)
        fail_unless (gst_walloc_thinner_delay (&t) <= t.max_delay);
      changes += i > 0 && layers != last;
      last = layers;
    }
    fail_unless_equals_int (layers, rows[r].layers);
    fail_unless (changes <= 2, "%u changes at %u", changes, rows[r].kbits);
  }
}

GST_END_TEST;

/* content whose rate goes up and down around the limit: few changes, and the
 * rate is kept over any two seconds and the bucket's one */
GST_START_TEST (test_policy_varied)
{
  gdouble bits[1000], sum;
  guint i, k, changes = 0, last = 0;
  GstWallocThinner t;

  gst_walloc_thinner_init (&t);
  t.bitrate = 500000;
  for (i = 0; i < G_N_ELEMENTS (bits); i++) {
    gdouble scale = 1 + 0.4 * sin (i * 0.05) + (i / 130 % 2 ? 0.5 : 0);
    gsize sizes[4] = { 1000 * scale, 2000 * scale, 4000 * scale, 0 };
    guint layers = decide (&t, WALLOC_FRAME_KEY, sizes, i);

    fail_unless (layers >= 1);
    bits[i] = 8.0 * sizes[layers - 1];
    changes += i > 0 && layers != last;
    last = layers;
  }
  for (i = 0; i + 50 <= G_N_ELEMENTS (bits); i++) {
    for (k = 0, sum = 0; k < 50; k++)
      sum += bits[i + k];
    fail_unless (sum <= 3 * 500000.0, "%.0f bits in two seconds", sum);
  }
  fail_unless (changes < 40, "%u changes", changes);
}

GST_END_TEST;

GST_START_TEST (test_policy_comes_back)
{
  GstWallocThinner t;
  guint i = 0;

  gst_walloc_thinner_init (&t);
  t.bitrate = 250000;
  while (decide (&t, WALLOC_FRAME_KEY, steady, i++) != 1)
    fail_unless (i < 100);
  t.bitrate = 900000;
  while (decide (&t, WALLOC_FRAME_KEY, steady, i++) != 3)
    fail_unless (i < 250);
  /* and at once without a limit */
  t.bitrate = 250000;
  while (decide (&t, WALLOC_FRAME_KEY, steady, i++) != 1)
    fail_unless (i < 500);
  t.bitrate = 0;
  fail_unless_equals_int (decide (&t, WALLOC_FRAME_KEY, steady, i), 3);
}

GST_END_TEST;

/* a dropped layer may only come back at a key frame */
GST_START_TEST (test_policy_predicted)
{
  GstWallocThinner t;
  guint i, at_key = 0, layers, last = 3;

  gst_walloc_thinner_init (&t);
  t.max_layers = 1;
  fail_unless_equals_int (decide (&t, WALLOC_FRAME_KEY, steady, 0), 1);
  t.max_layers = 0;
  fail_unless_equals_int (decide (&t, WALLOC_FRAME_PREDICTED, steady, 1), 1);
  fail_unless_equals_int (decide (&t, WALLOC_FRAME_PREDICTED, steady, 2), 1);
  fail_unless_equals_int (decide (&t, WALLOC_FRAME_KEY, steady, 3), 3);
  t.max_layers = 2;
  fail_unless_equals_int (decide (&t, WALLOC_FRAME_PREDICTED, steady, 4), 2);
  t.max_layers = 0;
  fail_unless_equals_int (decide (&t, WALLOC_FRAME_REPEAT, steady, 5), 3);
  fail_unless_equals_int (decide (&t, WALLOC_FRAME_PREDICTED, steady, 6), 2);

  /* with a rate that wavers, too */
  gst_walloc_thinner_reset (&t);
  for (i = 0; i < 1500; i++, last = layers) {
    gboolean key = i % 25 == 0;

    t.bitrate = i / 300 % 2 ? 900000 : 250000;
    layers = decide (&t, key ? WALLOC_FRAME_KEY : WALLOC_FRAME_PREDICTED,
        steady, i);
    fail_unless (layers > 0);
    if (layers > last) {
      fail_unless (key, "more layers at frame %u", i);
      at_key++;
    }
  }
  fail_unless (at_key >= 2);
}

GST_END_TEST;

/* the encoder may divide channels in another way from frame to frame */
GST_START_TEST (test_policy_other_division)
{
  walloc_frame_info info;
  GstWallocThinner t;

  gst_walloc_thinner_init (&t);
  t.max_layers = 1;
  fail_unless_equals_int (decide (&t, WALLOC_FRAME_KEY, steady, 0), 1);
  walloc_frame_info_init (&info);
  info.type = WALLOC_FRAME_PREDICTED;
  info.layers = 2;
  info.layer_end[0] = 5;
  info.layer_end[1] = info.channels = 12;
  /* four channels are known, and the first layer needs five */
  fail_unless_equals_int (gst_walloc_thinner_decide (&t, &info, steady,
          GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE), 0);
  info.layer_end[0] = 4;
  fail_unless_equals_int (gst_walloc_thinner_decide (&t, &info, steady,
          GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE), 0);
  info.type = WALLOC_FRAME_KEY;
  fail_unless_equals_int (gst_walloc_thinner_decide (&t, &info, steady,
          GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE), 1);
}

GST_END_TEST;

GST_START_TEST (test_policy_drops_frames)
{
  gboolean alive = FALSE;
  GstWallocThinner t;
  gdouble bits = 0;
  guint i, kept = 0;

  /* one layer alone is twice the rate */
  gst_walloc_thinner_init (&t);
  t.bitrate = 100000;
  t.drop_frames = TRUE;
  for (i = 0; i < 1000; i++) {
    guint layers = decide (&t, WALLOC_FRAME_KEY, steady, i);

    fail_unless (layers <= 1 || i < 50);
    if (layers) {
      kept++;
      bits += 8.0 * steady[layers - 1];
    }
  }
  fail_unless (fabs (bits / 40 / 100000 - 1) < 0.05, "%.0f bit/s", bits / 40);
  fail_unless (kept > 450 && kept < 550);

  /* and what is predicted from what is not there goes, too */
  gst_walloc_thinner_reset (&t);
  for (i = 0; i < 1000; i++) {
    gboolean key = i % 10 == 0;
    guint layers = decide (&t, key ? WALLOC_FRAME_KEY :
        WALLOC_FRAME_PREDICTED, steady, i);

    if (key)
      alive = layers > 0;
    else if (!alive)
      fail_unless_equals_int (layers, 0);
    alive = layers > 0;
  }

  /* a frame that no bucket holds passes when it is empty */
  gst_walloc_thinner_reset (&t);
  t.bitrate = 1000;
  for (i = 0, kept = 0; i < 1000; i++)
    kept += decide (&t, WALLOC_FRAME_KEY, steady, i) > 0;
  fail_unless (kept >= 5 && kept <= 7, "%u", kept);
}

GST_END_TEST;

GST_START_TEST (test_policy_late)
{
  GstWallocThinner t;
  guint i;

  gst_walloc_thinner_init (&t);
  fail_unless_equals_int (decide (&t, WALLOC_FRAME_KEY, steady, 0), 3);
  /* any number of reports within half a second */
  for (i = 1; i < 10; i++) {
    gst_walloc_thinner_late (&t);
    decide (&t, WALLOC_FRAME_KEY, steady, i);
  }
  fail_unless_equals_int (decide (&t, WALLOC_FRAME_KEY, steady, i), 2);
  for (; i < 100; i++) {
    gst_walloc_thinner_late (&t);
    fail_unless (decide (&t, WALLOC_FRAME_KEY, steady, i) >= 1);
  }
  fail_unless_equals_int (decide (&t, WALLOC_FRAME_KEY, steady, i), 1);
  for (; i < 300; i++)
    decide (&t, WALLOC_FRAME_KEY, steady, i);
  fail_unless_equals_int (decide (&t, WALLOC_FRAME_KEY, steady, i), 3);
}

GST_END_TEST;

GST_START_TEST (test_policy_without_times)
{
  walloc_frame_info info;
  GstWallocThinner t;
  guint i;

  gst_walloc_thinner_init (&t);
  t.bitrate = 300000;
  walloc_frame_info_init (&info);
  info.layers = 3;
  info.layer_end[0] = 4;
  info.layer_end[1] = 8;
  info.layer_end[2] = info.channels = 12;
  /* 30 frames a second by default: 240, 480 and 960 kbit/s */
  for (i = 0; i < 300; i++)
    gst_walloc_thinner_decide (&t, &info, steady, GST_CLOCK_TIME_NONE,
        GST_CLOCK_TIME_NONE);
  fail_unless_equals_int (t.chosen, 1);
  /* the same time again and again, and times that fall */
  for (i = 0; i < 300; i++)
    fail_unless (gst_walloc_thinner_decide (&t, &info, steady,
            GST_SECOND * (i % 3), 0) >= 1);
  /* 5 frames a second by the header: 40, 80 and 160 kbit/s */
  gst_walloc_thinner_reset (&t);
  info.fps_n = 5;
  for (i = 0; i < 300; i++)
    gst_walloc_thinner_decide (&t, &info, steady, GST_CLOCK_TIME_NONE,
        GST_CLOCK_TIME_NONE);
  fail_unless_equals_int (t.chosen, WALLOC_FRAME_MAX_LAYERS);
}

GST_END_TEST;

/* nothing to do: the same buffers, whatever is in them */
GST_START_TEST (test_passes_untouched)
{
  GstHarness *h = thin_harness (NULL);
  GstBuffer *in = make_frame (WALLOC_FRAME_PREDICTED, 3, three, 0), *out;
  GstBus *bus = check_bus (h);

  gst_buffer_ref (in);
  out = gst_harness_push_and_pull (h, in);
  fail_unless (out == in);
  gst_buffer_unref (in);
  gst_buffer_unref (out);

  in = gst_buffer_new_wrapped (g_strdup ("no frame"), 8);
  gst_buffer_ref (in);
  out = gst_harness_push_and_pull (h, in);
  fail_unless (out == in);
  gst_buffer_unref (in);
  gst_buffer_unref (out);

  in = gst_buffer_new ();
  fail_unless_equals_int (gst_harness_push (h, in), GST_FLOW_OK);
  gst_buffer_unref (gst_harness_pull (h));
  fail_if (gst_bus_have_pending (bus));
  fail_unless_equals_uint64 (check_stat (h->element, "frames"), 3);
  fail_unless_equals_uint64 (check_stat (h->element, "thinned"), 0);
  fail_unless_equals_uint64 (check_stat (h->element, "dropped"), 0);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_keeps_layers)
{
  guint keep;

  for (keep = 1; keep <= 4; keep++) {
    gchar *props = g_strdup_printf ("layers=%u", keep);
    GstHarness *h = thin_harness (props);
    GstBuffer *in = make_frame (WALLOC_FRAME_PREDICTED, 4, three, 9), *out;
    guint8 *expected = g_malloc (20000);
    walloc_frame_info info;
    GstMapInfo map;

    fail_unless (gst_buffer_map (in, &map, GST_MAP_READ));
    fail_unless_equals_int (walloc_frame_thin (map.data, map.size, keep,
            expected, 20000, &info, NULL), WALLOC_OK);
    gst_buffer_unmap (in, &map);
    out = gst_harness_push_and_pull (h, in);
    fail_unless_equals_uint64 (gst_buffer_get_size (out),
        (guint64) info.header_size + info.payload_size);
    fail_unless_equals_int (gst_buffer_memcmp (out, 0, expected,
            gst_buffer_get_size (out)), 0);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), 9 * FRAME_TIME);
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (out), FRAME_TIME);
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET (out), 9);
    fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DELTA_UNIT));
    fail_unless_equals_uint64 (check_stat (h->element, "thinned"), keep < 4);
    fail_unless_equals_uint64 (check_stat (h->element, "bytes-out"),
        gst_buffer_get_size (out));
    gst_buffer_unref (out);
    g_free (expected);
    g_free (props);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

GST_START_TEST (test_changes_while_playing)
{
  GstHarness *h = thin_harness (NULL);

  fail_unless_equals_int (push (h, WALLOC_FRAME_KEY, three, 0), 3);
  g_object_set (h->element, "layers", 1, NULL);
  fail_unless_equals_int (push (h, WALLOC_FRAME_KEY, three, 1), 1);
  g_object_set (h->element, "layers", 2, NULL);
  fail_unless_equals_int (push (h, WALLOC_FRAME_PREDICTED, three, 2), 1);
  fail_unless_equals_int (push (h, WALLOC_FRAME_KEY, three, 3), 2);
  g_object_set (h->element, "layers", 0, NULL);
  fail_unless_equals_int (push (h, WALLOC_FRAME_KEY, three, 4), 3);
  /* a second at 20 kbit/s holds no two layers: one layer in one frame */
  g_object_set (h->element, "bitrate", 20, NULL);
  fail_unless_equals_int (push (h, WALLOC_FRAME_KEY, three, 5), 1);
  g_object_set (h->element, "bitrate", 0, NULL);
  fail_unless_equals_int (push (h, WALLOC_FRAME_PREDICTED, three, 6), 1);
  fail_unless_equals_int (push (h, WALLOC_FRAME_KEY, three, 7), 3);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_drops_and_asks)
{
  GstHarness *h = thin_harness ("bitrate=100 drop-frames=true "
      "max-delay=80000000");
  guint i, asked = 0, dropped = 0;
  gboolean discont = FALSE;
  GstEvent *event;

  for (i = 0; i < 50; i++) {
    GstBuffer *out;

    fail_unless_equals_int (gst_harness_push (h, make_frame (i % 10 ?
                WALLOC_FRAME_PREDICTED : WALLOC_FRAME_KEY, 3, three, i)),
        GST_FLOW_OK);
    out = gst_harness_try_pull (h);
    if (!out) {
      dropped++;
      discont = TRUE;
      continue;
    }
    fail_unless_equals_int (layers_of (out), 1);
    fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (out,
            GST_BUFFER_FLAG_DISCONT) != 0, discont);
    discont = FALSE;
    gst_buffer_unref (out);
  }
  fail_unless (dropped > 20 && dropped < 50, "%u dropped", dropped);
  fail_unless_equals_uint64 (check_stat (h->element, "dropped"), dropped);
  while ((event = gst_harness_try_pull_upstream_event (h))) {
    asked += gst_video_event_is_force_key_unit (event);
    gst_event_unref (event);
  }
  /* once for each run of frames that are left out */
  fail_unless (asked >= 4 && asked <= 6, "asked %u times", asked);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_one_layer_warns_once)
{
  GstHarness *h = thin_harness ("layers=2");
  GstBus *bus = check_bus (h);
  guint i;

  for (i = 0; i < 3; i++) {
    GstBuffer *in = make_frame (WALLOC_FRAME_KEY, 1, three, i), *out;

    gst_buffer_ref (in);
    out = gst_harness_push_and_pull (h, in);
    fail_unless (in == out);
    gst_buffer_unref (in);
    gst_buffer_unref (out);
  }
  check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
      GST_STREAM_ERROR_FORMAT, "wallocenc layers=3");
  fail_if (gst_bus_have_pending (bus));
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_garbage_warns_once)
{
  GstHarness *h = thin_harness ("bitrate=100");
  GstBus *bus = check_bus (h);
  guint i;

  for (i = 0; i < 3; i++) {
    GstBuffer *in = gst_buffer_new_wrapped (g_strnfill (500, 'W'), 500);

    fail_unless_equals_int (gst_harness_push (h, in), GST_FLOW_OK);
    gst_buffer_unref (gst_harness_pull (h));
  }
  check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
      GST_STREAM_ERROR_FORMAT, "wallocparse");
  fail_if (gst_bus_have_pending (bus));
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* What the encoder made, with fewer layers: smaller, softer and whole. */
GST_START_TEST (test_decodes)
{
  GPtrArray *frames = check_encode ("I420", 160, 120, 3,
      "quality=90 layers=3", NULL);
  GstCaps *caps = check_caps ("I420", 160, 120);
  gdouble better = 99, psnr[3];
  gsize smaller = G_MAXSIZE, bytes[3];
  guint keep, i;

  for (keep = 3; keep >= 1; keep--) {
    gchar *props = g_strdup_printf ("layers=%u", keep);
    GstHarness *thin = thin_harness (props);
    GstHarness *dec = check_decoder ("decoder=linear max-errors=0");

    gst_harness_set_src_caps_str (dec, "video/x-walloc, alignment=frame, "
        "parsed=true, width=160, height=120, framerate=25/1");
    bytes[keep - 1] = 0;
    psnr[keep - 1] = 0;
    for (i = 0; i < frames->len; i++) {
      GstBuffer *picture = check_picture (caps, i), *coded, *out;

      coded = gst_harness_push_and_pull (thin, gst_buffer_ref
          (g_ptr_array_index (frames, i)));
      fail_unless_equals_int (layers_of (coded), keep);
      bytes[keep - 1] += gst_buffer_get_size (coded);
      out = gst_harness_push_and_pull (dec, coded);
      fail_unless (out != NULL);
      fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
      psnr[keep - 1] += check_psnr (caps, picture, out) / frames->len;
      gst_buffer_unref (picture);
      gst_buffer_unref (out);
    }
    fail_unless (bytes[keep - 1] < smaller && psnr[keep - 1] < better
        && psnr[keep - 1] > 20, "%u layers: %" G_GSIZE_FORMAT " bytes, %.2f dB",
        keep, bytes[keep - 1], psnr[keep - 1]);
    smaller = bytes[keep - 1];
    better = psnr[keep - 1];
    g_free (props);
    gst_harness_teardown (thin);
    gst_harness_teardown (dec);
  }
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
}

GST_END_TEST;

/* A picture that stands still but for a square of 24 pixels. */
static GstBuffer *
square_picture (GstCaps * caps, guint n)
{
  GstBuffer *buffer = check_picture (caps, 0);
  GstMapInfo map;
  guint x, y;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READWRITE));
  for (y = 40; y < 64; y++)
    for (x = 0; x < 24; x++)
      map.data[y * 160 + x + 4 * n] = 40 + 7 * (x ^ y);
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = n * FRAME_TIME;

  return buffer;
}

/* Predicted frames with fewer layers: what is left has all that it builds on,
 * whenever the layers go, and they come back with a key frame. */
GST_START_TEST (test_decodes_predicted)
{
  GstHarness *enc = check_encoder ("quality=90 layers=3 key-int-max=8");
  GstCaps *caps = check_caps ("I420", 160, 120);
  GstHarness *thin = thin_harness (NULL);
  GstHarness *dec = check_decoder ("decoder=linear max-errors=0");
  guint i, predicted = 0, keep = 3;

  gst_harness_set_src_caps_str (dec, "video/x-walloc, alignment=frame, "
      "parsed=true, width=160, height=120, framerate=25/1");
  gst_harness_set_src_caps (enc, gst_caps_ref (caps));
  for (i = 0; i < 24; i++) {
    GstBuffer *picture = square_picture (caps, i), *coded, *out;
    walloc_frame_info info;
    gdouble psnr;

    if (i == 4)
      g_object_set (thin->element, "layers", 1, NULL);
    else if (i == 12)
      g_object_set (thin->element, "layers", 0, NULL);
    coded = gst_harness_push_and_pull (enc, gst_buffer_ref (picture));
    check_parse_header (coded, &info);
    if (i == 4)
      keep = 1;
    else if (i >= 12 && info.type == WALLOC_FRAME_KEY)
      keep = 3;
    predicted += info.type == WALLOC_FRAME_PREDICTED;
    coded = gst_harness_push_and_pull (thin, coded);
    if (info.type != WALLOC_FRAME_REPEAT)
      fail_unless_equals_int (layers_of (coded), keep);
    out = gst_harness_push_and_pull (dec, coded);
    fail_unless (out != NULL);
    fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
    psnr = check_psnr (caps, picture, out);
    fail_unless (psnr > (keep == 3 ? 30 : 20), "%.2f dB at frame %u", psnr, i);
    gst_buffer_unref (picture);
    gst_buffer_unref (out);
  }
  fail_unless (predicted > 10, "%u predicted frames", predicted);
  gst_caps_unref (caps);
  gst_harness_teardown (enc);
  gst_harness_teardown (thin);
  gst_harness_teardown (dec);
}

GST_END_TEST;

/* a frame that is cut at any byte: passes where nothing is to be left out */
GST_START_TEST (test_cut_frames)
{
  static const guint32 small[] = { 20, 20, 20 };
  GstHarness *h = thin_harness (NULL);
  GstBuffer *whole = make_frame (WALLOC_FRAME_KEY, 3, small, 0), *cut;
  gsize size = gst_buffer_get_size (whole), i;
  walloc_frame_info info;
  guint pass;

  check_parse_header (whole, &info);
  for (pass = 0; pass < 2; pass++) {
    g_object_set (h->element, "layers", pass, NULL);
    for (i = 1; i < size; i++) {
      cut = gst_buffer_copy_region (whole, GST_BUFFER_COPY_ALL |
          GST_BUFFER_COPY_DEEP, 0, i);
      fail_unless_equals_int (gst_harness_push (h, cut), GST_FLOW_OK);
      cut = gst_harness_try_pull (h);
      if (pass == 1 && i >= info.header_size) {
        fail_unless (cut == NULL);
      } else {
        fail_unless (cut != NULL);
        fail_unless_equals_uint64 (gst_buffer_get_size (cut), i);
        gst_buffer_unref (cut);
      }
    }
  }
  /* what is predicted from one that is not there is not shown */
  fail_unless_equals_int (push (h, WALLOC_FRAME_PREDICTED, three, 1), 0);
  fail_unless_equals_int (push (h, WALLOC_FRAME_KEY, three, 2), 1);
  fail_unless_equals_int (push (h, WALLOC_FRAME_PREDICTED, three, 3), 1);
  gst_buffer_unref (whole);
  gst_harness_teardown (h);
}

GST_END_TEST;

static void
send_qos (GstHarness * h, GstClockTimeDiff diff)
{
  gst_harness_push_upstream_event (h, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW,
          1.5, diff, GST_SECOND));
}

GST_START_TEST (test_qos)
{
  GstHarness *h = thin_harness ("qos=true");
  GstEvent *event;
  guint i;

  fail_unless_equals_int (push (h, WALLOC_FRAME_KEY, three, 0), 3);
  for (i = 1; i < 60; i++) {
    send_qos (h, GST_SECOND / 10);
    push (h, WALLOC_FRAME_KEY, three, i);
  }
  fail_unless_equals_int (push (h, WALLOC_FRAME_KEY, three, i++), 1);
  /* the events went on */
  event = gst_harness_pull_upstream_event (h);
  while (GST_EVENT_TYPE (event) != GST_EVENT_QOS) {
    gst_event_unref (event);
    event = gst_harness_pull_upstream_event (h);
  }
  gst_event_unref (event);
  /* early ones change nothing */
  for (; i < 300; i++) {
    send_qos (h, -GST_SECOND / 10);
    push (h, WALLOC_FRAME_KEY, three, i);
  }
  fail_unless_equals_int (push (h, WALLOC_FRAME_KEY, three, i++), 3);
  g_object_set (h->element, "qos", FALSE, NULL);
  for (; i < 400; i++) {
    send_qos (h, GST_SECOND / 10);
    fail_unless_equals_int (push (h, WALLOC_FRAME_KEY, three, i), 3);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_flush_empties_bucket)
{
  GstHarness *h = thin_harness ("bitrate=100");
  guint i;

  for (i = 0; i < 50; i++)
    push (h, WALLOC_FRAME_KEY, three, i);
  fail_unless (check_stat (h->element, "delay") > GST_SECOND / 2);
  fail_unless_equals_int (push (h, WALLOC_FRAME_KEY, three, 50), 1);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  fail_unless_equals_uint64 (check_stat (h->element, "delay"), 0);
  {
    GstSegment segment;

    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_harness_push_event (h, gst_event_new_segment (&segment));
  }
  fail_unless_equals_int (push (h, WALLOC_FRAME_KEY, three, 60), 3);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_refuses_other_caps)
{
  static const gchar *const bad[] = {
    "audio/x-walloc, alignment=frame, parsed=false", "video/x-raw",
    "video/x-walloc, alignment=frame, parsed=false", "video/x-h264"
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bad); i++) {
    GstHarness *h = gst_harness_new ("wallocthin");
    GstCaps *caps = gst_caps_from_string (bad[i]);

    fail_if (gst_pad_query_accept_caps (GST_PAD_PEER (h->srcpad), caps));
    gst_caps_unref (caps);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

GST_START_TEST (test_eos_with_nothing)
{
  GstHarness *h = thin_harness ("layers=1");
  GstEvent *event;

  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  while ((event = gst_harness_pull_event (h))) {
    gboolean eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;

    gst_event_unref (event);
    if (eos)
      break;
  }
  fail_unless_equals_uint64 (check_stat (h->element, "frames"), 0);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_flow_errors_go_up)
{
  GstHarness *h = thin_harness ("layers=1");

  gst_pad_set_active (h->sinkpad, FALSE);
  fail_unless_equals_int (gst_harness_push (h, make_frame (WALLOC_FRAME_KEY,
              3, three, 0)), GST_FLOW_FLUSHING);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A predicted frame may have more channels than the key frame: they are new to
 * the encoder, too. Only what was left out stays out. */
GST_START_TEST (test_more_channels_later)
{
  static const gsize sizes[WALLOC_FRAME_MAX_LAYERS] = { 100, 200, 300, 0 };
  walloc_frame_info info;
  GstWallocThinner t;

  gst_walloc_thinner_init (&t);
  walloc_frame_info_init (&info);
  info.fps_n = 25;
  info.fps_d = 1;
  info.layers = 2;
  info.layer_end[0] = 4;
  info.layer_end[1] = 8;
  fail_unless_equals_int (gst_walloc_thinner_decide (&t, &info, sizes,
          GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE), 2);
  info.type = WALLOC_FRAME_PREDICTED;
  info.layers = 3;
  info.layer_end[2] = 12;
  fail_unless_equals_int (gst_walloc_thinner_decide (&t, &info, sizes,
          GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE), 3);
  t.max_layers = 2;
  fail_unless_equals_int (gst_walloc_thinner_decide (&t, &info, sizes,
          GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE), 2);
  t.max_layers = 0;
  fail_unless_equals_int (gst_walloc_thinner_decide (&t, &info, sizes,
          GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE), 2);
}

GST_END_TEST;

static Suite *
walloc_thin_suite (void)
{
  Suite *s = suite_create ("wallocthin");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_policy_steady);
  tcase_add_test (tc, test_policy_varied);
  tcase_add_test (tc, test_policy_comes_back);
  tcase_add_test (tc, test_policy_predicted);
  tcase_add_test (tc, test_policy_other_division);
  tcase_add_test (tc, test_policy_drops_frames);
  tcase_add_test (tc, test_policy_late);
  tcase_add_test (tc, test_policy_without_times);
  tcase_add_test (tc, test_passes_untouched);
  tcase_add_test (tc, test_keeps_layers);
  tcase_add_test (tc, test_changes_while_playing);
  tcase_add_test (tc, test_drops_and_asks);
  tcase_add_test (tc, test_one_layer_warns_once);
  tcase_add_test (tc, test_garbage_warns_once);
  tcase_add_test (tc, test_decodes);
  tcase_add_test (tc, test_decodes_predicted);
  tcase_add_test (tc, test_cut_frames);
  tcase_add_test (tc, test_qos);
  tcase_add_test (tc, test_flush_empties_bucket);
  tcase_add_test (tc, test_refuses_other_caps);
  tcase_add_test (tc, test_eos_with_nothing);
  tcase_add_test (tc, test_flow_errors_go_up);
  tcase_add_test (tc, test_more_channels_later);

  return s;
}

GST_CHECK_MAIN (walloc_thin);
