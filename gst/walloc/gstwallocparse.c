/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-wallocparse
 * @title: wallocparse
 * @short_description: Parser of WaLLoC streams
 * @see_also: wallocenc, wallocdec, wallocaudioenc, wallocaudiodec
 *
 * Cuts a byte stream into WaLLoC frames, finds the next frame after damage,
 * and takes caps, time stamps and durations from the headers. Files are
 * indexed by their headers alone, so seeking is exact.
 *
 * The time line of a byte stream starts at 0 with its first frame, and goes
 * on without a break where files were concatenated. A stream that a demuxer
 * gives without time stamps (`multipartdemux`) has those in its headers, so
 * that pictures and sound beside each other stay together.
 *
 * A frame that ends early (the next one begins inside it, or the stream ends)
 * is passed on marked with %GST_BUFFER_FLAG_CORRUPTED: what is whole of it
 * can still be decoded.
 *
 * A stream is one of pictures or one of sound, as its first frame says. Frames
 * of the other kind are left out, with a warning.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=test.wlc ! wallocparse ! wallocdec ! videoconvert ! autovideosink
 * ]| This line plays a file.
 *
 * Since: 0.1
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include <walloc/audio.h>

#include "gstwalloccommon.h"
#include "gstwallocelements.h"
#include "gstwallocparse.h"

GST_DEBUG_CATEGORY_STATIC (wallocparse_debug);
#define GST_CAT_DEFAULT wallocparse_debug

/* bytes to read for a header at first; most are much smaller */
#define HEADER_CHUNK 4096
#define SEARCH_CHUNK (64 * 1024)

/* the base class takes a skip of more than 2 MiB at once for a lost cause */
#define MAX_SKIP (1024 * 1024)

/* index entries of one file at most, about; and how long indexing may keep
 * the first picture waiting */
#define MAX_ENTRIES 16384
#define MAX_SCAN_TIME (2 * G_USEC_PER_SEC)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_WALLOC_VIDEO_MEDIA "; "
        GST_WALLOC_AUDIO_MEDIA));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS "; "
        GST_WALLOC_AUDIO_CODED_CAPS));

#define gst_walloc_parse_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstWallocParse, gst_walloc_parse, GST_TYPE_BASE_PARSE);

GST_ELEMENT_REGISTER_DEFINE (wallocparse, "wallocparse", GST_RANK_PRIMARY + 1,
    GST_TYPE_WALLOC_PARSE);

static void
gst_walloc_parse_reset (GstWallocParse * self)
{
  gst_clear_caps (&self->upstream_caps);
  self->upstream_time = self->upstream_stamps = FALSE;
  self->upstream_frames = FALSE;
  self->have_header = FALSE;
  self->sent_tags = FALSE;
  self->warned_unsupported = FALSE;
  self->have_media = FALSE;
  self->warned_media = FALSE;
  self->scanned = FALSE;
  g_clear_pointer (&self->timeline, gst_walloc_timeline_free);
}

static gboolean
gst_walloc_parse_start (GstBaseParse * parse)
{
  GstWallocParse *self = GST_WALLOC_PARSE (parse);

  gst_walloc_parse_reset (self);
  self->timeline = gst_walloc_timeline_new ();
  gst_base_parse_set_min_frame_size (parse, WALLOC_FRAME_MIN_HEADER);
  gst_base_parse_set_has_timing_info (parse, TRUE);

  return TRUE;
}

static gboolean
gst_walloc_parse_stop (GstBaseParse * parse)
{
  gst_walloc_parse_reset (GST_WALLOC_PARSE (parse));

  return TRUE;
}

static gboolean
gst_walloc_parse_set_sink_caps (GstBaseParse * parse, GstCaps * caps)
{
  GstWallocParse *self = GST_WALLOC_PARSE (parse);

  /* another kind of stream may begin here */
  if (self->upstream_caps && !gst_structure_has_name (gst_caps_get_structure
          (caps, 0), gst_structure_get_name (gst_caps_get_structure
              (self->upstream_caps, 0))))
    self->have_media = FALSE;
  /* the source caps are set when the next header is there */
  gst_caps_replace (&self->upstream_caps, caps);
  self->upstream_frames = g_strcmp0 (gst_structure_get_string
      (gst_caps_get_structure (caps, 0), "alignment"), "frame") == 0;
  self->have_header = FALSE;

  return TRUE;
}

static gboolean
gst_walloc_parse_sink_event (GstBaseParse * parse, GstEvent * event)
{
  GstWallocParse *self = GST_WALLOC_PARSE (parse);

  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT) {
    gboolean was_time = self->upstream_time;
    const GstSegment *segment;

    gst_event_parse_segment (event, &segment);
    self->upstream_time = segment->format == GST_FORMAT_TIME;
    self->upstream_stamps = FALSE;
    /* bytes keep theirs, which knows where frames are; segments of time count
     * bytes anew */
    if (self->timeline && (was_time || self->upstream_time)) {
      gst_walloc_timeline_free (self->timeline);
      self->timeline = gst_walloc_timeline_new ();
      if (self->upstream_time)
        gst_walloc_timeline_keep (self->timeline);
    }
  }

  return GST_BASE_PARSE_CLASS (parent_class)->sink_event (parse, event);
}

/* Bytes that the frame with the header @info announces. */
static guint64
frame_size (const walloc_frame_info * info)
{
  return (guint64) info->header_size + info->payload_size;
}

/* Offset in [@start, @end) of the first header that parses, or @end. Where
 * @data ends inside what may be one, *@needed is the size that would tell. */
static gsize
find_header (const guint8 * data, gsize size, gsize start, gsize end,
    gsize * needed)
{
  walloc_frame_info info;
  walloc_result result;

  *needed = 0;
  while (start < end) {
    start = walloc_frame_find (data, size, start);
    if (start >= end)
      break;
    result = walloc_frame_parse (data + start, size - start, &info, NULL);
    if (result == WALLOC_OK)
      return start;
    if (result == WALLOC_ERR_TRUNCATED && !*needed)
      *needed = start + MAX (info.header_size, WALLOC_FRAME_MIN_HEADER);
    start++;
  }
  return end;
}

/* Whether source caps made for the header @a also serve @b. */
static gboolean
same_caps (const walloc_frame_info * a, const walloc_frame_info * b)
{
  return a->media == b->media && a->rate == b->rate
      && a->audio_channels == b->audio_channels && a->mask == b->mask
      && a->columns == b->columns && a->whole == b->whole
      && a->width == b->width && a->height == b->height
      && a->model_id == b->model_id && a->fps_n == b->fps_n
      && a->fps_d == b->fps_d && a->par_n == b->par_n && a->par_d == b->par_d
      && a->has_colour == b->has_colour && (!a->has_colour
      || memcmp (&a->colour, &b->colour, sizeof (a->colour)) == 0);
}

/* What upstream says of the stream wins over its headers, except for what
 * may change from frame to frame. */
static gboolean
add_upstream_field (GQuark field, const GValue * value, gpointer user_data)
{
  static const gchar *const own[] = {
    "width", "height", "alignment", "parsed", "model-id", "rate", "channels",
    "channel-mask", NULL
  };

  if (!g_strv_contains (own, g_quark_to_string (field)))
    gst_structure_id_set_value (user_data, field, value);
  return TRUE;
}

static void
gst_walloc_parse_update_caps (GstWallocParse * self,
    const walloc_frame_info * info)
{
  GstBaseParse *parse = GST_BASE_PARSE (self);
  GstCaps *caps, *current;
  GstStructure *s;
  gint fps_n = 0, fps_d = 1;

  if (self->have_header && same_caps (&self->header, info))
    return;

  caps = gst_walloc_caps_from_header (info);
  s = gst_caps_get_structure (caps, 0);
  if (self->upstream_caps)
    gst_structure_foreach (gst_caps_get_structure (self->upstream_caps, 0),
        add_upstream_field, s);

  if (info->media == WALLOC_MEDIA_AUDIO) {
    guint samples = info->columns * WALLOC_AUDIO_COLUMN;

    /* the transform runs on: frames that come into the first samples behind
     * a seek are decoded too */
    gst_base_parse_set_frame_rate (parse, info->rate, samples,
        info->whole ? 0 : (WALLOC_AUDIO_DELAY + samples - 1) / samples, 0);
  } else if (gst_structure_get_fraction (s, "framerate", &fps_n, &fps_d)
      && fps_n > 0 && fps_d > 0)
    gst_base_parse_set_frame_rate (parse, fps_n, fps_d, 0, 0);
  else
    gst_base_parse_set_frame_rate (parse, 0, 0, 0, 0);

  current = gst_pad_get_current_caps (GST_BASE_PARSE_SRC_PAD (parse));
  if (!current || !gst_caps_is_equal (current, caps)) {
    GST_INFO_OBJECT (self, "caps %" GST_PTR_FORMAT, caps);
    gst_pad_set_caps (GST_BASE_PARSE_SRC_PAD (parse), caps);
  }
  gst_clear_caps (&current);
  gst_caps_unref (caps);

  self->header = *info;
  self->have_header = TRUE;
}

/* Pulls at most @size bytes; NULL at the end of the file or when flushing. */
static GstBuffer *
gst_walloc_parse_pull (GstWallocParse * self, guint64 offset, guint size)
{
  GstBuffer *buffer = NULL;

  if (gst_pad_pull_range (GST_BASE_PARSE_SINK_PAD (self), offset, size,
          &buffer) != GST_FLOW_OK)
    return NULL;
  return buffer;
}

/* Reads the header at @offset of the file. */
static gboolean
gst_walloc_parse_read_header (GstWallocParse * self, guint64 offset,
    walloc_frame_info * info)
{
  walloc_result result = WALLOC_ERR_TRUNCATED;
  guint size = HEADER_CHUNK;
  GstBuffer *buffer;
  GstMapInfo map;

  /* the first attempt may only tell how long the header is */
  while (result == WALLOC_ERR_TRUNCATED) {
    buffer = gst_walloc_parse_pull (self, offset, size);
    if (!buffer)
      return FALSE;
    if (!gst_buffer_map (buffer, &map, GST_MAP_READ)) {
      gst_buffer_unref (buffer);
      return FALSE;
    }
    result = walloc_frame_parse (map.data, map.size, info, NULL);
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);
    if (info->header_size <= size)
      break;
    size = info->header_size;
  }
  return result == WALLOC_OK;
}

/* Offset of the first good header at or after @offset; @end if there is
 * none. */
static guint64
gst_walloc_parse_search (GstWallocParse * self, guint64 offset, guint64 end,
    gint64 deadline)
{
  walloc_frame_info info;
  GstBuffer *buffer;
  GstMapInfo map;
  gsize at, size;

  while (offset < end && end - offset >= WALLOC_FRAME_MIN_HEADER
      && g_get_monotonic_time () < deadline) {
    buffer = gst_walloc_parse_pull (self, offset, SEARCH_CHUNK);
    if (!buffer)
      break;
    if (!gst_buffer_map (buffer, &map, GST_MAP_READ)) {
      gst_buffer_unref (buffer);
      break;
    }
    at = walloc_frame_find (map.data, map.size, 0);
    size = map.size;
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);

    offset += at;
    if (size - at >= WALLOC_FRAME_PEEK
        && gst_walloc_parse_read_header (self, offset, &info))
      return offset;
    offset++;
  }
  return end;
}

/* Reads all headers of the file: an index for exact seeking, and the
 * duration. Takes as much time as it takes to read 4 KiB per frame, and gives
 * up on files where that is long; the base class then searches by halving. */
static void
gst_walloc_parse_scan (GstWallocParse * self)
{
  GstBaseParse *parse = GST_BASE_PARSE (self);
  gint64 end = 0, deadline = g_get_monotonic_time () + MAX_SCAN_TIME;
  guint64 offset = 0, last_entry = 0, interval, behind;
  GstClockTime time, duration, total = GST_CLOCK_TIME_NONE;
  walloc_frame_info info, next;
  walloc_media media = WALLOC_MEDIA_VIDEO;
  guint frames = 0;

  self->scanned = TRUE;
  if (!gst_pad_peer_query_duration (GST_BASE_PARSE_SINK_PAD (parse),
          GST_FORMAT_BYTES, &end) || end <= 0)
    return;
  interval = end / MAX_ENTRIES;

  while (offset < (guint64) end && g_get_monotonic_time () < deadline) {
    if (!gst_walloc_parse_read_header (self, offset, &info)) {
      offset = gst_walloc_parse_search (self, offset + 1, end, deadline);
      continue;
    }
    behind = offset + frame_size (&info);
    if (frames == 0)
      media = info.media;
    time = info.media == media ? gst_walloc_timeline_map (self->timeline,
        offset, frame_size (&info), &info, &duration) : GST_CLOCK_TIME_NONE;
    if (GST_CLOCK_TIME_IS_VALID (time)) {
      if (info.type == WALLOC_FRAME_KEY && (frames == 0
              || offset - last_entry >= interval)) {
        gst_base_parse_add_index_entry (parse, offset, time, TRUE, TRUE);
        last_entry = offset;
      }
      total = GST_CLOCK_TIME_IS_VALID (duration) ?
          MIN (time + duration, G_MAXINT64) : time;
    }
    frames++;

    /* where the next frame is not in its place, this one may be cut short,
     * and then the next begins inside what should be its payload */
    if (behind >= (guint64) end
        || !gst_walloc_parse_read_header (self, behind, &next))
      behind = gst_walloc_parse_search (self, offset + info.header_size, end,
          deadline);
    offset = behind;
  }

  GST_INFO_OBJECT (self, "%u frames up to offset %" G_GUINT64_FORMAT " of %"
      G_GINT64_FORMAT ", %" GST_TIME_FORMAT, frames, offset, end,
      GST_TIME_ARGS (total));
  if (offset >= (guint64) end && GST_CLOCK_TIME_IS_VALID (total))
    gst_base_parse_set_duration (parse, GST_FORMAT_TIME, total, 0);
}

static const gchar *
media_name (walloc_media media)
{
  return media == WALLOC_MEDIA_AUDIO ? "sound" : "pictures";
}

/* What to do with the bytes at the start of a buffer. */
typedef enum
{
  FOUND_FRAME,                  /* info and size are set */
  FOUND_GARBAGE,                /* skip size bytes */
  FOUND_TOO_LITTLE              /* size bytes are needed */
} Found;

static Found
gst_walloc_parse_look (GstWallocParse * self, const guint8 * data, gsize size,
    gboolean is_all, walloc_frame_info * info, gsize * found_size,
    gboolean * is_cut)
{
  walloc_error text = { "" };
  walloc_result result;
  gsize offset, whole, needed;

  *is_cut = FALSE;
  offset = walloc_frame_find (data, size, 0);
  if (offset > 0) {
    *found_size = offset;
    return FOUND_GARBAGE;
  }

  result = walloc_frame_parse (data, size, info, &text);
  switch (result) {
    case WALLOC_OK:
      break;
    case WALLOC_ERR_TRUNCATED:
      *found_size = is_all ? 1 : MAX (info->header_size, size + 1);
      return is_all ? FOUND_GARBAGE : FOUND_TOO_LITTLE;
    case WALLOC_ERR_UNSUPPORTED:
      if (!self->warned_unsupported) {
        self->warned_unsupported = TRUE;
        GST_ELEMENT_WARNING (self, STREAM, FORMAT, (NULL),
            ("Frames are left out: %s", text.text));
      }
      *found_size = MIN (size, info->header_size);
      return FOUND_GARBAGE;
    default:
      GST_DEBUG_OBJECT (self, "no frame: %s", text.text);
      *found_size = 1;
      return FOUND_GARBAGE;
  }

  if (self->have_media && info->media != self->media) {
    if (!self->warned_media) {
      self->warned_media = TRUE;
      GST_ELEMENT_WARNING (self, STREAM, FORMAT, (NULL),
          ("Frames of %s in a stream of %s are left out: a file or connection "
              "carries one of both.", media_name (info->media),
              media_name (self->media)));
    }
    *found_size = MIN (size, info->header_size);
    return FOUND_GARBAGE;
  }

  whole = info->header_size + (gsize) info->payload_size;
  if (size < whole && !is_all) {
    *found_size = whole;
    return FOUND_TOO_LITTLE;
  }

  /* lost bytes let the next frame begin inside this one; when it stands in
   * its place there is no need to look. Upstream that sends frames loses none
   * in between, so a live one need not wait for the next to tell that its last
   * bytes only look like a header's first. */
  *found_size = MIN (whole, size);
  if (size < whole + 4 || memcmp (data + whole, "WLC1", 4) != 0) {
    *found_size = find_header (data, size, info->header_size, *found_size,
        &needed);
    if (*found_size == whole && needed && !is_all && !(self->upstream_frames
            && size == whole)) {
      *found_size = needed;
      return FOUND_TOO_LITTLE;
    }
  }
  *is_cut = *found_size < whole;

  return FOUND_FRAME;
}

/* Flags, times and caps of a frame that is about to be finished. */
static void
gst_walloc_parse_dress (GstWallocParse * self, GstBaseParseFrame * frame,
    const walloc_frame_info * info, gsize size, gboolean is_cut)
{
  GstBuffer *buffer = frame->buffer;

  gst_walloc_parse_update_caps (self, info);
  self->media = info->media;
  self->have_media = TRUE;

  if (info->trim_start || info->trim_end)
    gst_buffer_add_audio_clipping_meta (buffer, GST_FORMAT_DEFAULT,
        info->trim_start, info->trim_end);
  if (info->type == WALLOC_FRAME_KEY)
    GST_BUFFER_FLAG_UNSET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  else
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  if (is_cut)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_CORRUPTED);

  if (self->upstream_time && GST_CLOCK_TIME_IS_VALID (GST_BUFFER_DTS_OR_PTS
          (buffer)))
    self->upstream_stamps = TRUE;
  self->time = GST_CLOCK_TIME_NONE;
  if (!self->upstream_stamps) {
    GstClockTime duration;
    GstClockTime time = gst_walloc_timeline_map (self->timeline,
        frame->offset, size, info, &duration);

    self->time = time;
    if (GST_CLOCK_TIME_IS_VALID (time)) {
      GST_BUFFER_PTS (buffer) = time;
      GST_BUFFER_DTS (buffer) = time;
    }
    if (GST_CLOCK_TIME_IS_VALID (duration))
      GST_BUFFER_DURATION (buffer) = duration;
  }
}

static GstFlowReturn
gst_walloc_parse_handle_frame (GstBaseParse * parse,
    GstBaseParseFrame * frame, gint * skipsize)
{
  GstWallocParse *self = GST_WALLOC_PARSE (parse);
  walloc_frame_info info;
  gboolean is_all, is_cut;
  GstMapInfo map;
  gsize size;
  Found found;

  if (!self->scanned && GST_PAD_MODE (GST_BASE_PARSE_SINK_PAD (parse))
      == GST_PAD_MODE_PULL)
    gst_walloc_parse_scan (self);

  if (!gst_buffer_map (frame->buffer, &map, GST_MAP_READ)) {
    GST_ELEMENT_ERROR (self, RESOURCE, READ, (NULL),
        ("Cannot map an input buffer."));
    return GST_FLOW_ERROR;
  }
  /* in reverse, the rest of a frame comes with the next piece */
  is_all = GST_BASE_PARSE_DRAINING (parse) && parse->segment.rate > 0.0;
  found = gst_walloc_parse_look (self, map.data, map.size, is_all, &info,
      &size, &is_cut);
  gst_buffer_unmap (frame->buffer, &map);

  switch (found) {
    case FOUND_GARBAGE:
      *skipsize = MIN (size, MAX_SKIP);
      gst_base_parse_set_min_frame_size (parse, WALLOC_FRAME_MIN_HEADER);
      return GST_FLOW_OK;
    case FOUND_TOO_LITTLE:
      gst_base_parse_set_min_frame_size (parse, size);
      return GST_FLOW_OK;
    default:
      break;
  }

  GST_LOG_OBJECT (self, "frame of %" G_GSIZE_FORMAT " bytes at offset %"
      G_GUINT64_FORMAT "%s", size, frame->offset, is_cut ? ", cut" : "");
  gst_walloc_parse_dress (self, frame, &info, size, is_cut);
  gst_base_parse_set_min_frame_size (parse, WALLOC_FRAME_MIN_HEADER);

  return gst_base_parse_finish_frame (parse, frame, size);
}

static GstFlowReturn
gst_walloc_parse_pre_push_frame (GstBaseParse * parse,
    GstBaseParseFrame * frame)
{
  GstWallocParse *self = GST_WALLOC_PARSE (parse);

  if (!self->sent_tags) {
    GstTagList *tags = gst_tag_list_new (self->header.media ==
        WALLOC_MEDIA_AUDIO ? GST_TAG_AUDIO_CODEC : GST_TAG_VIDEO_CODEC,
        GST_WALLOC_CODEC_NAME, NULL);

    gst_base_parse_merge_tags (parse, tags, GST_TAG_MERGE_REPLACE);
    gst_tag_list_unref (tags);
    self->sent_tags = TRUE;
  }
  /* where upstream counts time, the base class has taken ours away */
  if (self->upstream_time && GST_CLOCK_TIME_IS_VALID (self->time)) {
    GST_BUFFER_PTS (frame->buffer) = self->time;
    GST_BUFFER_DTS (frame->buffer) = self->time;
  }
  frame->flags |= GST_BASE_PARSE_FRAME_FLAG_CLIP;

  return GST_FLOW_OK;
}

static void
gst_walloc_parse_finalize (GObject * object)
{
  gst_walloc_parse_reset (GST_WALLOC_PARSE (object));

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_walloc_parse_class_init (GstWallocParseClass * klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseParseClass *parse_class = GST_BASE_PARSE_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (wallocparse_debug, "wallocparse", 0,
      "WaLLoC parser");

  G_OBJECT_CLASS (klass)->finalize = gst_walloc_parse_finalize;

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "WaLLoC parser",
      "Codec/Parser/Video/Audio", "Cuts WaLLoC streams into frames",
      GST_PACKAGE_NAME);

  parse_class->start = GST_DEBUG_FUNCPTR (gst_walloc_parse_start);
  parse_class->stop = GST_DEBUG_FUNCPTR (gst_walloc_parse_stop);
  parse_class->set_sink_caps =
      GST_DEBUG_FUNCPTR (gst_walloc_parse_set_sink_caps);
  parse_class->sink_event = GST_DEBUG_FUNCPTR (gst_walloc_parse_sink_event);
  parse_class->handle_frame = GST_DEBUG_FUNCPTR (gst_walloc_parse_handle_frame);
  parse_class->pre_push_frame =
      GST_DEBUG_FUNCPTR (gst_walloc_parse_pre_push_frame);
}

static void
gst_walloc_parse_init (GstWallocParse * self)
{
  GST_PAD_SET_ACCEPT_INTERSECT (GST_BASE_PARSE_SINK_PAD (self));
  GST_PAD_SET_ACCEPT_TEMPLATE (GST_BASE_PARSE_SINK_PAD (self));
}
