/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tries.h"

#include <jansson.h>
#include <string.h>

#define TEXT 96

static void
subject_of (const broker * b, guint64 job, char *subject, gsize room)
{
  g_snprintf (subject, room, "walloc.queue.%s.tries.%" G_GUINT64_FORMAT,
      b->name, job);
}

/* Anybody may have written it: what is no count is none. */
static int
count_of (const json_t * v, const char *name)
{
  return (int) CLAMP (json_integer_value (json_object_get (v, name)), 0,
      TRIES_MAX);
}

gboolean
tries_read (const broker * b, guint64 job, tries * t, GError ** error)
{
  char subject[128];
  natsMsg *msg = NULL;
  jsErrCode code = 0;
  natsStatus s;
  json_t *v;

  memset (t, 0, sizeof *t);
  subject_of (b, job, subject, sizeof subject);
  s = js_GetLastMsg (&msg, b->js, b->stream[QUEUE_TRIES], subject, NULL, &code);
  if (s == NATS_NOT_FOUND && code != JSStreamNotFoundErr)
    return TRUE;
  if (s != NATS_OK) {
    gst_nats_set_error (error, s, code, "ask how often a job was tried");
    return FALSE;
  }
  v = json_loadb (natsMsg_GetData (msg), (size_t) natsMsg_GetDataLength (msg),
      0, NULL);
  t->failed = count_of (v, "failed");
  t->lacking = count_of (v, "lacking");
  t->begun = count_of (v, "begun");
  json_decref (v);
  natsMsg_Destroy (msg);
  return TRUE;
}

static void
text_of (const tries * t, char text[TEXT])
{
  g_snprintf (text, TEXT, "{\"failed\":%d,\"lacking\":%d,\"begun\":%d}",
      t->failed, t->lacking, t->begun);
}

gboolean
tries_write (const broker * b, guint64 job, const tries * t, GError ** error)
{
  char subject[128], text[TEXT];
  jsErrCode code = 0;
  natsStatus s;

  subject_of (b, job, subject, sizeof subject);
  text_of (t, text);
  s = js_Publish (NULL, b->js, subject, text, (int) strlen (text), NULL, &code);
  if (s == NATS_OK)
    return TRUE;
  gst_nats_set_error (error, s, code, "store how often a job was tried");
  return FALSE;
}

void
tries_send (const broker * b, guint64 job, const tries * t)
{
  char subject[128], text[TEXT];

  subject_of (b, job, subject, sizeof subject);
  text_of (t, text);
  (void) natsConnection_PublishString (b->nc, subject, text);
}
