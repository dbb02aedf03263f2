/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "record.h"

#define SUFFIX ".wlc"
#define DIGITS 6

/* One at a time is used, by the thread of the stream. */
typedef struct
{
  const SensorRecording *what;
  gint file;                    /* -1: none is open */
  gint64 begun;                 /* when that was opened, us */
  gint64 size;                  /* of whole frames in it */
  gchar *path;
} Recorder;

static gchar *
path_of (const SensorRecording * what, gint number)
{
  gchar *file = g_strdup_printf ("%s-%0*d" SUFFIX, what->name, DIGITS, number);
  gchar *path = g_build_filename (what->folder, file, NULL);

  g_free (file);

  return path;
}

/* The number of a file of this name, or -1. */
static gint64
number_of (const gchar * file, const gchar * name)
{
  gsize length = strlen (name);
  gchar *end = NULL;
  guint64 number;

  if (strncmp (file, name, length) != 0 || file[length] != '-'
      || strspn (file + length + 1, "0123456789") < DIGITS)
    return -1;
  number = g_ascii_strtoull (file + length + 1, &end, 10);
  if (strcmp (end, SUFFIX) != 0 || number >= G_MAXINT)
    return -1;
  return (gint64) number;
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  const gint x = *(const gint *) a, y = *(const gint *) b;

  return x < y ? -1 : x > y;
}

/* Numbers of the files that are there, in order. */
static GArray *
list (const gchar * folder, const gchar * name)
{
  GArray *numbers = g_array_new (FALSE, FALSE, sizeof (gint));
  GDir *dir = g_dir_open (folder, 0, NULL);
  const gchar *file;

  while (dir && (file = g_dir_read_name (dir))) {
    gint number = (gint) number_of (file, name);

    if (number >= 0)
      g_array_append_val (numbers, number);
  }
  if (dir)
    g_dir_close (dir);
  g_array_sort (numbers, compare);

  return numbers;
}

/* The oldest that are too many. */
static void
prune (const SensorRecording * what)
{
  GArray *numbers = list (what->folder, what->name);
  guint i;

  for (i = 0; what->files && i + what->files < numbers->len; i++) {
    gchar *path = path_of (what, g_array_index (numbers, gint, i));

    if (g_unlink (path) != 0)
      g_printerr ("%s: cannot be removed: %s\n", path, g_strerror (errno));
    g_free (path);
  }
  g_array_unref (numbers);
}

static gboolean
failed (GstElement * sink, const gchar * path)
{
  const gchar *why = g_strerror (errno);

  if (errno == ENOSPC)
    GST_ELEMENT_ERROR (sink, RESOURCE, NO_SPACE_LEFT,
        ("%s: the disk is full", path), (NULL));
  else
    GST_ELEMENT_ERROR (sink, RESOURCE, WRITE, ("%s: %s", path, why), (NULL));
  return FALSE;
}

/* It ends with a whole frame, or is not there at all: a full disk may have taken
 * a part of one. */
static void
close_file (Recorder * r)
{
  if (r->file >= 0) {
    if (r->size == 0)
      g_unlink (r->path);
    else if (ftruncate (r->file, r->size) != 0)
      g_printerr ("%s: %s\n", r->path, g_strerror (errno));
    close (r->file);
  }
  r->file = -1;
  g_clear_pointer (&r->path, g_free);
}

static gboolean
open_next (Recorder * r, GstElement * sink)
{
  GArray *numbers = list (r->what->folder, r->what->name);
  gint next = numbers->len == 0 ? 0 :
      g_array_index (numbers, gint, numbers->len - 1) + 1;

  g_array_unref (numbers);
  close_file (r);
  r->path = path_of (r->what, next);
  r->size = 0;
  r->begun = g_get_monotonic_time ();
  /* no other's file is written over */
  r->file = g_open (r->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (r->file < 0)
    return failed (sink, r->path);
  prune (r->what);

  return TRUE;
}

static gboolean
write_frame (Recorder * r, GstElement * sink, GstBuffer * buffer)
{
  GstMapInfo map;
  gboolean ok = TRUE;
  gsize at;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return TRUE;
  /* at once: what is killed loses no frame that came */
  for (at = 0; ok && at < map.size;) {
    gssize n = write (r->file, map.data + at, map.size - at);

    if (n > 0)
      at += (gsize) n;
    else if (n == 0 || errno != EINTR)
      ok = failed (sink, r->path);
  }
  if (ok)
    r->size += (gint64) map.size;
  gst_buffer_unmap (buffer, &map);

  return ok;
}

/* A file is cut by the clock of this machine: a group's server gets frames of
 * several nodes, whose time stamps do not belong together. */
static void
record (Recorder * r, GstElement * sink, GstBuffer * buffer)
{
  gboolean key = !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  gboolean due = r->file < 0 || g_get_monotonic_time () - r->begun >=
      r->what->seconds * G_USEC_PER_SEC;

  if (r->file < 0 && !key)
    return;
  if ((key && due && !open_next (r, sink)) || !write_frame (r, sink, buffer))
    close_file (r);
}

/* Called in the stream's thread. */
static GstPadProbeReturn
arrived (GstPad * pad, GstPadProbeInfo * info, gpointer recorder)
{
  GstElement *sink = gst_pad_get_parent_element (pad);
  GstBufferList *list;
  guint i;

  if (!sink)
    return GST_PAD_PROBE_OK;
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    list = GST_PAD_PROBE_INFO_BUFFER_LIST (info);
    for (i = 0; i < gst_buffer_list_length (list); i++)
      record (recorder, sink, gst_buffer_list_get (list, i));
  } else {
    record (recorder, sink, GST_PAD_PROBE_INFO_BUFFER (info));
  }
  gst_object_unref (sink);

  return GST_PAD_PROBE_OK;
}

static void
recorder_free (gpointer recorder)
{
  close_file (recorder);
  g_free (recorder);
}

void
sensor_record (GstElement * sink, const SensorRecording * recording)
{
  Recorder *r = g_new0 (Recorder, 1);
  GstPad *pad = gst_element_get_static_pad (sink, "sink");

  r->what = recording;
  r->file = -1;
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER
      | GST_PAD_PROBE_TYPE_BUFFER_LIST, arrived, r, recorder_free);
  gst_object_unref (pad);
}
