/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares streams of sound sample by sample: samples are put in lines of
 * equal time first, whatever buffers they come in. */
#ifndef __GST_SPECTRAL_AUDIO_H__
#define __GST_SPECTRAL_AUDIO_H__

#include <gst/audio/audio.h>

#include "gstspectralresult.h"

G_BEGIN_DECLS

/* Samples that a spectrum is of. */
#define GST_SPECTRAL_BLOCK 2048

typedef struct _GstSpectralAudio GstSpectralAudio;

/* NULL: no memory. */
GstSpectralAudio * gst_spectral_audio_new     (const GstAudioInfo * info,
                                               InspectWindow window,
                                               guint bands);
void               gst_spectral_audio_free    (GstSpectralAudio * a);

/* Samples of a stream that are not yet compared. */
guint64            gst_spectral_audio_waiting (const GstSpectralAudio * a,
                                               GstSpectralStream stream);

/* Where a stream's next sample would be. */
gint64             gst_spectral_audio_end     (const GstSpectralAudio * a,
                                               GstSpectralStream stream);

/* Adds samples; @first: running time of the first, in samples (one that is off
 * by no more than 2 and a millisecond from where the stream was follows on
 * without a gap). */
void               gst_spectral_audio_push    (GstSpectralAudio * a,
                                               GstSpectralStream stream,
                                               const GstAudioBuffer * buffer,
                                               gint64 first);

/* Compares the next block of the streams in @have; fewer samples than a block
 * only with @rest. What one stream has before the others begin is dropped and
 * counted. FALSE: there is nothing to compare. @first: of the block. */
gboolean           gst_spectral_audio_next    (GstSpectralAudio * a,
                                               const gboolean * have,
                                               gboolean rest,
                                               gboolean measure,
                                               GstSpectralResult * result,
                                               gint64 * first, guint * count);

/* Whether it is for sound of that format. */
gboolean           gst_spectral_audio_fits    (const GstSpectralAudio * a,
                                               const GstAudioInfo * info);

/* Drops what is left of a stream, which is counted, and begins it anew. */
void               gst_spectral_audio_cut     (GstSpectralAudio * a,
                                               GstSpectralStream stream);

/* Drops all that is left and counts it. */
void               gst_spectral_audio_drain   (GstSpectralAudio * a,
                                               GstSpectralResult * result);

G_END_DECLS

#endif /* __GST_SPECTRAL_AUDIO_H__ */
