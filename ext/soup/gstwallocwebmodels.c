/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Model files for clients that decode. Finding one may read all files of some
 * folders, so a thread of its own does it, once for each model; requests wait
 * for it. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwallocmodel.h"
#include "gstwallocwebserver-private.h"

GST_DEBUG_CATEGORY_EXTERN (wallocwebsink_debug);
#define GST_CAT_DEFAULT wallocwebsink_debug

/* us after which a model that was not found is looked for again */
#define LOOK_AGAIN (2 * G_USEC_PER_SEC)

typedef struct
{
  guint64 id;
  gchar *name;                  /* the only file to look at, or NULL */
} Job;

typedef struct
{
  guint64 id;
  GBytes *bytes;                /* NULL: not there, or not yet */
  gboolean done;
  gint64 done_at;               /* monotonic, us */
  gchar *reason;
  GList *waiting;               /* messages */
} Entry;

struct _GstWallocWebModels
{
  GstWallocWebServer *server;
  GList *entries;               /* as many as a stream may use */
  GCancellable *gone;
};

static void
job_free (gpointer data)
{
  Job *job = data;

  g_free (job->name);
  g_free (job);
}

static void
look (GTask * task, gpointer source, gpointer data, GCancellable * cancellable)
{
  Job *job = data;
  GError *error = NULL;
  GstWallocModel *model = gst_walloc_model_open_by_id (job->id, job->name,
      &error);
  GMappedFile *file;

  if (!model) {
    g_task_return_error (task, error);
    return;
  }
  file = g_mapped_file_new (model->path, FALSE, &error);
  gst_walloc_model_unref (model);
  if (!file) {
    g_task_return_error (task, error);
    return;
  }
  /* a copy: a file that is cut while it is sent would end the process */
  g_task_return_pointer (task,
      g_bytes_new (g_mapped_file_get_contents (file),
          g_mapped_file_get_length (file)), (GDestroyNotify) g_bytes_unref);
  g_mapped_file_unref (file);
}

static void
answer (GstWallocWebModels * self, Entry * entry, SoupServerMessage * message)
{
  if (entry->bytes) {
    /* the id is a hash of what is in it */
    soup_message_headers_replace (soup_server_message_get_response_headers
        (message), "Cache-Control", "private, max-age=86400, immutable");
    gst_walloc_web_routes_answer (self->server, message, SOUP_STATUS_OK,
        "application/octet-stream", g_bytes_ref (entry->bytes));
  } else {
    gchar *text = g_strconcat (entry->reason, "\n", NULL);

    gst_walloc_web_routes_answer (self->server, message,
        SOUP_STATUS_NOT_FOUND, "text/plain; charset=utf-8",
        g_bytes_new_take (text, strlen (text)));
  }
}

/* The client went away, or has its answer. */
static void
forget (SoupServerMessage * message, Entry * entry)
{
  g_signal_handlers_disconnect_by_data (message, entry);
  entry->waiting = g_list_remove (entry->waiting, message);
  g_object_unref (message);
}

static void
on_found (GObject * source, GAsyncResult * result, gpointer data)
{
  GTask *task = G_TASK (result);
  GstWallocWebModels *self = data;
  GError *error = NULL;
  GBytes *bytes = g_task_propagate_pointer (task, &error);
  guint64 id = ((Job *) g_task_get_task_data (task))->id;
  GList *l;
  Entry *entry = NULL;

  /* nobody is there any more */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_clear_error (&error);
    return;
  }
  for (l = self->entries; l && !entry; l = l->next) {
    if (((Entry *) l->data)->id == id)
      entry = l->data;
  }
  entry->done = TRUE;
  entry->done_at = g_get_monotonic_time ();
  entry->bytes = bytes;
  if (error) {
    /* where was looked is nobody's business but this machine's */
    GST_WARNING ("%s", error->message);
    entry->reason = g_strdup ("The model of the stream was not found here.");
  }
  g_clear_error (&error);
  while (entry->waiting) {
    SoupServerMessage *message = entry->waiting->data;

    answer (self, entry, message);
    soup_server_message_unpause (message);
    forget (message, entry);
  }
}

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  while (entry->waiting)
    forget (entry->waiting->data, entry);
  g_clear_pointer (&entry->bytes, g_bytes_unref);
  g_free (entry->reason);
  g_free (entry);
}

/* Those that the stream uses no more, and those that may be there by now. */
static void
drop_old (GstWallocWebModels * self)
{
  gint64 before = g_get_monotonic_time () - LOOK_AGAIN;
  GList *l, *next;

  for (l = self->entries; l; l = next) {
    Entry *entry = l->data;

    next = l->next;
    if (!entry->done || (gst_walloc_web_stream_uses (&self->server->stream,
                entry->id) && (entry->bytes || entry->done_at > before)))
      continue;
    entry_free (entry);
    self->entries = g_list_delete_link (self->entries, l);
  }
}

static Entry *
find (GstWallocWebModels * self, guint64 id)
{
  Entry *entry;
  GList *l;
  GTask *task;
  Job *job;

  drop_old (self);
  for (l = self->entries; l; l = l->next) {
    entry = l->data;
    if (entry->id == id)
      return entry;
  }
  entry = g_new0 (Entry, 1);
  entry->id = id;
  self->entries = g_list_prepend (self->entries, entry);

  job = g_new0 (Job, 1);
  job->id = id;
  job->name = g_strdup (self->server->settings.model_file);
  task = g_task_new (NULL, self->gone, on_found, self);
  g_task_set_return_on_cancel (task, TRUE);
  g_task_set_task_data (task, job, job_free);
  g_task_run_in_thread (task, look);
  g_object_unref (task);

  return entry;
}

void
gst_walloc_web_models_answer (GstWallocWebModels * self, guint64 id,
    SoupServerMessage * message)
{
  Entry *entry = find (self, id);

  if (entry->done) {
    answer (self, entry, message);
    return;
  }
  soup_server_message_pause (message);
  entry->waiting = g_list_prepend (entry->waiting, g_object_ref (message));
  g_signal_connect (message, "disconnected", G_CALLBACK (forget), entry);
}

GstWallocWebModels *
gst_walloc_web_models_new (GstWallocWebServer * server)
{
  GstWallocWebModels *self = g_new0 (GstWallocWebModels, 1);

  self->server = server;
  self->gone = g_cancellable_new ();

  return self;
}

void
gst_walloc_web_models_free (GstWallocWebModels * self)
{
  /* threads that still look find out that nobody waits */
  g_cancellable_cancel (self->gone);
  g_object_unref (self->gone);
  g_list_free_full (self->entries, entry_free);
  g_free (self);
}
