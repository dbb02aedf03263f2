/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <math.h>
#include <string.h>

#include "gstspectralaudio.h"

/* Samples that time stamps may be off without there being a gap; and a
 * millisecond, which is what Matroska and FLV round them to. */
#define SLACK 2
/* Longest gap that is kept in the line; after a longer one it begins anew. */
#define LONGEST (1 << 18)
/* Samples that a stream may wait for another: half half an hour at 8 kHz, and of
 * all channels together 256 MiB. What comes later pushes out what came first. */
#define MOST (1 << 24)
#define MOST_OF_ALL (1 << 26)

typedef struct
{
  GArray *samples;              /* gfloat, interleaved; NaN: there is none */
  gint64 first;                 /* time of the first one */
  gboolean begun;
  guint64 dropped;              /* not yet counted */
} Line;

struct _GstSpectralAudio
{
  GstAudioInfo info;
  guint channels, bands;
  gint64 slack;
  InspectSpectrum *spectrum;
  Line line[GST_SPECTRAL_STREAMS];
  gfloat *one[GST_SPECTRAL_STREAMS];    /* a block of one channel */
  guint64 not_numbers;
};

GstSpectralAudio *
gst_spectral_audio_new (const GstAudioInfo * info, InspectWindow window,
    guint bands)
{
  GstSpectralAudio *a = g_new0 (GstSpectralAudio, 1);
  guint i;

  a->info = *info;
  a->channels = (guint) GST_AUDIO_INFO_CHANNELS (info);
  a->bands = bands;
  a->slack = SLACK + GST_AUDIO_INFO_RATE (info) / 1000;
  a->spectrum = inspect_spectrum_new (GST_SPECTRAL_BLOCK, 1, window, bands, 0);
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++) {
    a->line[i].samples = g_array_new (FALSE, FALSE, sizeof (gfloat));
    a->one[i] = g_new (gfloat, GST_SPECTRAL_BLOCK);
  }
  if (!a->spectrum) {
    gst_spectral_audio_free (a);
    return NULL;
  }
  return a;
}

void
gst_spectral_audio_free (GstSpectralAudio * a)
{
  guint i;

  if (!a)
    return;
  inspect_spectrum_free (a->spectrum);
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++) {
    g_array_unref (a->line[i].samples);
    g_free (a->one[i]);
  }
  g_free (a);
}

static guint
length (const GstSpectralAudio * a, const Line * line)
{
  return line->samples->len / a->channels;
}

guint64
gst_spectral_audio_waiting (const GstSpectralAudio * a,
    GstSpectralStream stream)
{
  return length (a, &a->line[stream]);
}

gint64
gst_spectral_audio_end (const GstSpectralAudio * a, GstSpectralStream stream)
{
  return a->line[stream].first + length (a, &a->line[stream]);
}

static gboolean
is_missing (const GstSpectralAudio * a, const Line * line, guint i)
{
  return isnan (g_array_index (line->samples, gfloat, i * a->channels));
}

static void
drop (GstSpectralAudio * a, Line * line, guint count, gboolean unmatched)
{
  guint i;

  if (count == 0)
    return;
  for (i = 0; unmatched && i < count; i++)
    line->dropped += !is_missing (a, line, i);
  g_array_remove_range (line->samples, 0, count * a->channels);
  line->first += count;
}

void
gst_spectral_audio_push (GstSpectralAudio * a, GstSpectralStream stream,
    const GstAudioBuffer * buffer, gint64 first)
{
  Line *line = &a->line[stream];
  guint n = (guint) buffer->n_samples, have = length (a, line), skip = 0, i;
  guint old = line->samples->len;
  guint most = MIN (MOST, MOST_OF_ALL / a->channels);
  gint64 gap = first - (line->first + have);
  gfloat *to;

  /* a line that is empty for a moment goes on where it was all the same */
  if (!line->begun || gap > LONGEST || (have == 0 && ABS (gap) > a->slack)) {
    line->begun = TRUE;
    drop (a, line, have, TRUE);
    line->first = first;
    old = 0;
  } else if (gap > a->slack) {
    /* what was lost is not compared with silence */
    g_array_set_size (line->samples, old + (guint) gap * a->channels);
    for (i = old; i < line->samples->len; i++)
      g_array_index (line->samples, gfloat, i) = NAN;
    old = line->samples->len;
  } else if (gap < -a->slack) {
    /* what is there twice counts once */
    skip = (guint) MIN (-gap, (gint64) n);
    line->dropped += skip;
  }
  n = (n - skip) * a->channels;
  g_array_set_size (line->samples, old + n);
  to = (gfloat *) line->samples->data + old;
  if (GST_AUDIO_INFO_FORMAT (&a->info) == GST_AUDIO_FORMAT_F32) {
    const gfloat *in = (const gfloat *) buffer->planes[0] + skip * a->channels;

    for (i = 0; i < n; i++) {
      to[i] = in[i];
      if (!isfinite (to[i])) {
        to[i] = 0;
        a->not_numbers++;
      }
    }
  } else {
    const gint16 *in = (const gint16 *) buffer->planes[0] + skip * a->channels;

    for (i = 0; i < n; i++)
      to[i] = in[i] / 32768.0f;
  }
  if (length (a, line) > most)
    drop (a, line, length (a, line) - most, TRUE);
}

static void
compare (GstSpectralAudio * a, GstSpectralError error, guint count,
    GstSpectralResult * result)
{
  const gfloat *from =
      (gfloat *) a->line[gst_spectral_pairs[error].from].samples->data;
  const gfloat *of =
      (gfloat *) a->line[gst_spectral_pairs[error].of].samples->data;
  GstSpectralDifference *d = &result->error[error];
  guint i;

  for (i = 0; i < count * a->channels; i++) {
    gdouble s = from[i], t = of[i];

    d->square[0] += (t - s) * (t - s);
    d->from_power += s * s;
    d->of_power += t * t;
    d->dot += s * t;
  }
  d->samples[0] += (gdouble) count *a->channels;
}

/* Spectra of a block of each stream, channel by channel. */
static gboolean
measure_block (GstSpectralAudio * a, const gboolean * have,
    GstSpectralResult * result)
{
  InspectWanted wanted[GST_SPECTRAL_MAX_WANTED];
  guint c, i, k, n = gst_spectral_result_wanted (result,
      (const gfloat * const *) a->one, wanted);

  for (c = 0; c < a->channels; c++) {
    for (k = 0; k < GST_SPECTRAL_STREAMS; k++)
      if (have[k]) {
        const gfloat *in = (gfloat *) a->line[k].samples->data + c;

        for (i = 0; i < GST_SPECTRAL_BLOCK; i++)
          a->one[k][i] = in[(gsize) i * a->channels];
      }
    if (!inspect_spectrum_add (a->spectrum, wanted, n))
      return FALSE;
  }
  gst_spectral_result_scale (result, 1.0 / a->channels);
  return TRUE;
}

static void
count_dropped (GstSpectralAudio * a, GstSpectralResult * result)
{
  guint i;

  for (i = 0; i < GST_SPECTRAL_STREAMS; i++) {
    result->unmatched[i] += a->line[i].dropped;
    a->line[i].dropped = 0;
  }
  result->not_numbers += a->not_numbers;
  a->not_numbers = 0;
}

static gboolean
any_missing (const GstSpectralAudio * a, const gboolean * have, guint at)
{
  guint i;

  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (have[i] && is_missing (a, &a->line[i], at))
      return TRUE;
  return FALSE;
}

gboolean
gst_spectral_audio_next (GstSpectralAudio * a, const gboolean * have,
    gboolean rest, gboolean measure, GstSpectralResult * result,
    gint64 * first, guint * count)
{
  gint64 start = G_MININT64;
  guint n = GST_SPECTRAL_BLOCK, i, k;
  gboolean gap;

  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (have[i]) {
      if (length (a, &a->line[i]) == 0)
        return FALSE;
      start = MAX (start, a->line[i].first);
    }
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (have[i]) {
      Line *line = &a->line[i];

      if (line->first < start)
        drop (a, line, (guint) MIN (start - line->first,
                (gint64) length (a, line)), TRUE);
      n = MIN (n, length (a, line));
    }
  if (n == 0)
    return gst_spectral_audio_next (a, have, rest, measure, result, first,
        count);
  /* up to the first sample that one of them does not have, or, from one on, to
   * the first that all have */
  gap = any_missing (a, have, 0);
  for (i = 1; i < n && any_missing (a, have, i) == gap; i++);
  if (gap) {
    for (k = 0; k < GST_SPECTRAL_STREAMS; k++)
      if (have[k])
        drop (a, &a->line[k], i, TRUE);
    return gst_spectral_audio_next (a, have, rest, measure, result, first,
        count);
  }
  if (i == n && n < GST_SPECTRAL_BLOCK && !rest)
    return FALSE;
  n = i;

  result->planes = 1;
  result->plane_names[0] = "all";
  result->frames = 1;
  result->measured = measure && n == GST_SPECTRAL_BLOCK;
  for (i = 0; i < GST_SPECTRAL_ERRORS; i++)
    if (have[gst_spectral_pairs[i].from] && have[gst_spectral_pairs[i].of]) {
      result->have[i] = TRUE;
      compare (a, i, n, result);
    }
  if (result->measured && !measure_block (a, have, result)) {
    /* without memory for one channel those before it do not count */
    gst_spectral_result_scale (result, 0);
    result->measured = 0;
  }
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (have[i])
      drop (a, &a->line[i], n, FALSE);
  count_dropped (a, result);
  *first = start;
  *count = n;
  return TRUE;
}

gboolean
gst_spectral_audio_fits (const GstSpectralAudio * a, const GstAudioInfo * info)
{
  return GST_AUDIO_INFO_FORMAT (&a->info) == GST_AUDIO_INFO_FORMAT (info)
      && GST_AUDIO_INFO_RATE (&a->info) == GST_AUDIO_INFO_RATE (info)
      && GST_AUDIO_INFO_CHANNELS (&a->info) == GST_AUDIO_INFO_CHANNELS (info);
}

void
gst_spectral_audio_cut (GstSpectralAudio * a, GstSpectralStream stream)
{
  Line *line = &a->line[stream];

  drop (a, line, length (a, line), TRUE);
  line->begun = FALSE;
}

void
gst_spectral_audio_drain (GstSpectralAudio * a, GstSpectralResult * result)
{
  guint i;

  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    drop (a, &a->line[i], length (a, &a->line[i]), TRUE);
  count_dropped (a, result);
}
