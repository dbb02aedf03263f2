/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_AUDIO_CORRUPT_H__
#define __GST_AUDIO_CORRUPT_H__

#include <gst/audio/gstaudiofilter.h>

#include "sound.h"

G_BEGIN_DECLS

#define GST_TYPE_AUDIO_CORRUPT (gst_audio_corrupt_get_type ())
G_DECLARE_FINAL_TYPE (GstAudioCorrupt, gst_audio_corrupt, GST, AUDIO_CORRUPT,
    GstAudioFilter)

struct _GstAudioCorrupt
{
  GstAudioFilter parent;

  /* properties, protected by the object lock */
  sound_corruption_type type;
  guint severity;
  guint64 seed;
  gboolean changed;             /* type or severity */

  /* in the streaming thread */
  sound_corruption *corruption;
  guint64 next;                 /* position of the next sample */
  gboolean have_next;
};

G_END_DECLS

#endif /* __GST_AUDIO_CORRUPT_H__ */
