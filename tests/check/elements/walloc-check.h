/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of the elements share: pictures, frames, messages. */
#ifndef TESTS_WALLOC_CHECK_H
#define TESTS_WALLOC_CHECK_H

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>
#include <walloc/frame.h>

#define FPS 25
#define FRAME_TIME (GST_SECOND / FPS)

/* all formats of the elements */
static const gchar *const check_formats[] G_GNUC_UNUSED = {
  "GRAY8", "I420", "NV12", "Y42B", "Y444", "RGB", "BGR", "RGBx", "BGRx",
  "xRGB", "xBGR"
};

/* The trained model where it is there, else the one made for tests. */
static inline const gchar *
check_model (void)
{
  static const gchar trained[] = TEST_MODELS_DIR "/photo-1.wlm";

  if (g_file_test (trained, G_FILE_TEST_EXISTS))
    return trained;
  return TEST_GOLDEN_DIR "/models/ordered-test.wlm";
}

static inline GstCaps *
check_caps (const gchar * format, gint width, gint height)
{
  return gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING, format,
      "width", G_TYPE_INT, width, "height", G_TYPE_INT, height,
      "framerate", GST_TYPE_FRACTION, FPS, 1, NULL);
}

/* Sample of the test picture: smooth, with an edge, moving with @n. */
static inline guint8
check_sample (guint component, guint x, guint y, guint n)
{
  gdouble v = 128 + 60 * sin ((x + 2 * n) * 0.11 + component)
      + 40 * cos (y * 0.07 - component);

  if ((x + n) / 24 % 2)
    v += 20;
  return (guint8) CLAMP (v, 16, 235);
}

/* Fills the pixels; what pads the strides gets 0xAA. */
static inline void
check_paint (GstVideoFrame * frame, guint n)
{
  guint c, x, y;

  for (c = 0; c < GST_VIDEO_FRAME_N_PLANES (frame); c++) {
    gint stride = GST_VIDEO_FRAME_PLANE_STRIDE (frame, c);
    guint8 *data = GST_VIDEO_FRAME_PLANE_DATA (frame, c);
    gint rows = GST_VIDEO_FRAME_COMP_HEIGHT (frame, MIN (c,
            GST_VIDEO_FRAME_N_COMPONENTS (frame) - 1));

    memset (data, 0xAA, (gsize) stride * rows);
  }
  for (c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS (frame); c++) {
    guint8 *data = GST_VIDEO_FRAME_COMP_DATA (frame, c);
    gint stride = GST_VIDEO_FRAME_COMP_STRIDE (frame, c);
    gint step = GST_VIDEO_FRAME_COMP_PSTRIDE (frame, c);
    guint sx = 1 << GST_VIDEO_FORMAT_INFO_W_SUB (frame->info.finfo, c);
    guint sy = 1 << GST_VIDEO_FORMAT_INFO_H_SUB (frame->info.finfo, c);

    for (y = 0; y < (guint) GST_VIDEO_FRAME_COMP_HEIGHT (frame, c); y++)
      for (x = 0; x < (guint) GST_VIDEO_FRAME_COMP_WIDTH (frame, c); x++)
        data[(gssize) y * stride + (gssize) x * step] =
            check_sample (c, x * sx, y * sy, n);
  }
}

/* A picture of @caps: number @n at 25 pictures a second. */
static inline GstBuffer *
check_picture (GstCaps * caps, guint n)
{
  GstVideoInfo info;
  GstVideoFrame frame;
  GstBuffer *buffer;

  fail_unless (gst_video_info_from_caps (&info, caps));
  buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL);
  fail_unless (gst_video_frame_map (&frame, &info, buffer, GST_MAP_WRITE));
  check_paint (&frame, n);
  gst_video_frame_unmap (&frame);
  GST_BUFFER_PTS (buffer) = n * FRAME_TIME;
  GST_BUFFER_DURATION (buffer) = FRAME_TIME;

  return buffer;
}

/* PSNR over all samples of two pictures of the same caps. */
static inline gdouble
check_psnr (GstCaps * caps, GstBuffer * a, GstBuffer * b)
{
  GstVideoInfo info;
  GstVideoFrame fa, fb;
  gdouble sum = 0;
  guint64 count = 0;
  guint c, x, y;

  fail_unless (gst_video_info_from_caps (&info, caps));
  fail_unless (gst_video_frame_map (&fa, &info, a, GST_MAP_READ));
  fail_unless (gst_video_frame_map (&fb, &info, b, GST_MAP_READ));
  for (c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS (&fa); c++) {
    const guint8 *pa = GST_VIDEO_FRAME_COMP_DATA (&fa, c);
    const guint8 *pb = GST_VIDEO_FRAME_COMP_DATA (&fb, c);
    gint step = GST_VIDEO_FRAME_COMP_PSTRIDE (&fa, c);

    for (y = 0; y < (guint) GST_VIDEO_FRAME_COMP_HEIGHT (&fa, c); y++) {
      for (x = 0; x < (guint) GST_VIDEO_FRAME_COMP_WIDTH (&fa, c); x++) {
        gint d = pa[y * GST_VIDEO_FRAME_COMP_STRIDE (&fa, c) + x * step]
            - pb[y * GST_VIDEO_FRAME_COMP_STRIDE (&fb, c) + x * step];

        sum += d * d;
        count++;
      }
    }
  }
  gst_video_frame_unmap (&fa);
  gst_video_frame_unmap (&fb);

  return sum > 0 ? 10 * log10 (255.0 * 255.0 * count / sum) : 99.0;
}

/* An encoder in a harness, with the test's model; @props may be NULL. */
static inline GstHarness *
check_encoder (const gchar * props)
{
  gchar *launch = g_strdup_printf ("wallocenc name=enc model-file=\"%s\" %s",
      check_model (), props ? props : "");
  GstHarness *h = gst_harness_new_parse (launch);

  g_free (launch);
  return h;
}

/* A decoder in a harness; model found by id in the path. */
static inline GstHarness *
check_decoder (const gchar * props)
{
  gchar *launch = g_strdup_printf ("wallocdec name=dec %s", props ? props : "");
  GstHarness *h = gst_harness_new_parse (launch);

  g_free (launch);
  return h;
}

/* @count coded frames of the test picture; the caps of the last in @coded. */
static inline GPtrArray *
check_encode (const gchar * format, gint width, gint height, guint count,
    const gchar * props, GstCaps ** coded)
{
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  GstHarness *h = check_encoder (props);
  GstCaps *caps = check_caps (format, width, height);
  guint i;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  for (i = 0; i < count; i++) {
    GstBuffer *out = gst_harness_push_and_pull (h, check_picture (caps, i));

    fail_unless (out != NULL);
    g_ptr_array_add (frames, out);
  }
  if (coded)
    *coded = gst_pad_get_current_caps (h->sinkpad);
  gst_caps_unref (caps);
  gst_harness_teardown (h);

  return frames;
}

static inline void
check_parse_header (GstBuffer * buffer, walloc_frame_info * info)
{
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  fail_unless_equals_int (walloc_frame_parse (map.data, map.size, info, NULL),
      WALLOC_OK);
  fail_unless_equals_uint64 ((guint64) info->header_size + info->payload_size,
      map.size);
  gst_buffer_unmap (buffer, &map);
}

/* A copy of @frame with the header @info says, payload untouched. */
static inline GstBuffer *
check_rewrite (GstBuffer * frame, const walloc_frame_info * changed)
{
  walloc_frame_info info = *changed;
  guint8 *header = g_malloc (WALLOC_FRAME_MAX_HEADER);
  GstBuffer *copy;
  GstMapInfo map;
  guint old;

  fail_unless (gst_buffer_map (frame, &map, GST_MAP_READ));
  old = info.header_size;
  fail_unless_equals_int (walloc_frame_rewrite (map.data, &info, header,
          WALLOC_FRAME_MAX_HEADER, NULL), WALLOC_OK);
  copy = gst_buffer_new_allocate (NULL, info.header_size + map.size - old,
      NULL);
  gst_buffer_fill (copy, 0, header, info.header_size);
  gst_buffer_fill (copy, info.header_size, map.data + old, map.size - old);
  gst_buffer_unmap (frame, &map);
  g_free (header);
  gst_buffer_copy_into (copy, frame, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);

  return copy;
}

/* CRC-32 of header bytes, bit by bit: for headers that no writer would make. */
static inline guint32
check_crc32 (const guint8 * data, gsize size)
{
  guint32 crc = 0xffffffffu;
  gsize i;
  guint k;

  for (i = 0; i < size; i++) {
    crc ^= data[i];
    for (k = 0; k < 8; k++)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

/* A copy of @frame with a byte of the header set and the checksum made good. */
static inline GstBuffer *
check_forge (GstBuffer * frame, guint offset, guint8 value)
{
  GstBuffer *copy = gst_buffer_copy_deep (frame);
  GstMapInfo map;
  guint32 crc;
  guint size;

  fail_unless (gst_buffer_map (copy, &map, GST_MAP_READWRITE));
  size = map.data[4] | map.data[5] << 8;
  fail_unless (offset + 4 < size && size <= map.size);
  map.data[offset] = value;
  crc = GUINT32_TO_LE (check_crc32 (map.data, size - 4));
  memcpy (map.data + size - 4, &crc, 4);
  gst_buffer_unmap (copy, &map);

  return copy;
}

static inline GstBuffer *
check_wrap (GBytes * bytes)
{
  GstBuffer *buffer = gst_buffer_new_wrapped_bytes (bytes);

  g_bytes_unref (bytes);
  return buffer;
}

/* All frames one after another in one buffer. */
static inline GstBuffer *
check_join (GPtrArray * frames)
{
  GByteArray *bytes = g_byte_array_new ();
  guint i;

  for (i = 0; i < frames->len; i++) {
    GstMapInfo map;

    gst_buffer_map (g_ptr_array_index (frames, i), &map, GST_MAP_READ);
    g_byte_array_append (bytes, map.data, map.size);
    gst_buffer_unmap (g_ptr_array_index (frames, i), &map);
  }
  return check_wrap (g_byte_array_free_to_bytes (bytes));
}

/* A bus for the element in a harness: messages stay on it. */
static inline GstBus *
check_bus (GstHarness * h)
{
  GstBus *bus = gst_bus_new ();

  gst_element_set_bus (h->element, bus);
  return bus;
}

/* Pops a message of @type and returns its error and debug text. Fails if
 * there is none. */
static inline GError *
check_message (GstBus * bus, GstMessageType type, gchar ** debug)
{
  GstMessage *message = gst_bus_pop_filtered (bus, type);
  GError *error = NULL;

  fail_unless (message != NULL, "no %s message",
      gst_message_type_get_name (type));
  if (type == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, debug);
  else
    gst_message_parse_warning (message, &error, debug);
  gst_message_unref (message);

  return error;
}

/* Fails unless there is a message of the type, domain and code whose text or
 * debug text has @words in it. */
static inline void
check_assert_message (GstBus * bus, GstMessageType type, GQuark domain,
    gint code, const gchar * words)
{
  gchar *debug = NULL;
  GError *error = check_message (bus, type, &debug);

  fail_unless (g_error_matches (error, domain, code), "got %s %d: %s (%s)",
      g_quark_to_string (error->domain), error->code, error->message, debug);
  fail_unless (strstr (error->message, words) || (debug
          && strstr (debug, words)), "\"%s\" not in: %s (%s)", words,
      error->message, debug);
  g_error_free (error);
  g_free (debug);
}

static inline guint64
check_stat (GstElement * element, const gchar * field)
{
  GstStructure *s = NULL;
  guint64 value = 0;

  g_object_get (element, "stats", &s, NULL);
  fail_unless (s != NULL);
  fail_unless (gst_structure_get_uint64 (s, field, &value), "no field %s",
      field);
  gst_structure_free (s);

  return value;
}

/* Sets the directories of models; gives back what was there, for
 * check_restore_path(). */
static inline gchar *
check_set_path (const gchar * path)
{
  gchar *old = g_strdup (g_getenv ("GST_WALLOC_MODEL_PATH"));

  g_setenv ("GST_WALLOC_MODEL_PATH", path, TRUE);
  return old;
}

static inline void
check_restore_path (gchar * old)
{
  if (old)
    g_setenv ("GST_WALLOC_MODEL_PATH", old, TRUE);
  else
    g_unsetenv ("GST_WALLOC_MODEL_PATH");
  g_free (old);
}

/* Bytes of two buffers are the same. */
static inline gboolean
check_same (GstBuffer * a, GstBuffer * b)
{
  GstMapInfo map;
  gboolean same;

  if (gst_buffer_get_size (a) != gst_buffer_get_size (b))
    return FALSE;
  gst_buffer_map (a, &map, GST_MAP_READ);
  same = gst_buffer_memcmp (b, 0, map.data, map.size) == 0;
  gst_buffer_unmap (a, &map);

  return same;
}

#endif
