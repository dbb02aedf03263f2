/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The typefinder of .wlc files. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <walloc/frame.h>

#include "gstwalloccommon.h"
#include "gstwallocelements.h"

/* docs/bitstream.md, section 1.1 */
#define KIND_OFFSET 6
#define KIND_MEDIA 3

/* The magic alone says little; a header whose checksum holds leaves no doubt.
 * A header longer than what can be peeked happens only in files cut short. */
static void
walloc_type_find (GstTypeFind * find, gpointer user_data)
{
  const guint8 *data;
  walloc_frame_info info;
  walloc_result result;
  const gchar *media = GST_WALLOC_VIDEO_MEDIA;
  guint probability;
  GstCaps *caps;

  data = gst_type_find_peek (find, 0, WALLOC_FRAME_PEEK);
  if (!data || walloc_frame_find (data, WALLOC_FRAME_PEEK, 0) != 0)
    return;

  result = walloc_frame_parse (data, WALLOC_FRAME_PEEK, &info, NULL);
  if (result == WALLOC_ERR_TRUNCATED
      && info.header_size >= WALLOC_FRAME_MIN_HEADER) {
    data = gst_type_find_peek (find, 0, info.header_size);
    if (data)
      result = walloc_frame_parse (data, info.header_size, &info, NULL);
  }

  switch (result) {
    case WALLOC_OK:
      probability = GST_TYPE_FIND_MAXIMUM;
      if (info.media == WALLOC_MEDIA_AUDIO)
        media = GST_WALLOC_AUDIO_MEDIA;
      break;
    case WALLOC_ERR_UNSUPPORTED:
      /* a later version */
      if ((data[KIND_OFFSET] & KIND_MEDIA) == WALLOC_MEDIA_AUDIO)
        media = GST_WALLOC_AUDIO_MEDIA;
      probability = GST_TYPE_FIND_LIKELY;
      break;
    case WALLOC_ERR_TRUNCATED:
      probability = GST_TYPE_FIND_POSSIBLE;
      break;
    default:
      return;
  }
  caps = gst_caps_new_empty_simple (media);
  gst_type_find_suggest (find, probability, caps);
  gst_caps_unref (caps);
}

static gboolean
register_type_find (GstPlugin * plugin)
{
  GstCaps *caps = gst_caps_from_string (GST_WALLOC_VIDEO_MEDIA "; "
      GST_WALLOC_AUDIO_MEDIA);
  gboolean ret;

  ret = gst_type_find_register (plugin, GST_WALLOC_VIDEO_MEDIA,
      GST_RANK_PRIMARY, walloc_type_find, "wlc", caps, NULL, NULL);
  gst_caps_unref (caps);

  return ret;
}

GST_TYPE_FIND_REGISTER_DEFINE_CUSTOM (walloc, register_type_find);
