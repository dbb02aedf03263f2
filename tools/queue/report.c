/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* walloc-queue status, results, failed, retry, remove. */
#include "commands.h"
#include "job.h"
#include "publisher.h"
#include "reader.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 300
/* between two looks at how many are left */
#define LOOK (G_TIME_SPAN_SECOND)

static int
open_queue (int argc, char **argv, const char *what, const GOptionEntry * own,
    broker_options * o, broker * b)
{
  GError *error = NULL;
  int status = options_parse (argc, argv, what, own, o, NULL);

  memset (b, 0, sizeof *b);
  if (status == 0) {
    stop_catch ();
    if (!broker_open (b, o, FALSE, &error))
      status = complain_error (&error);
  }
  return status;
}

/* Whoever reads only the beginning wants no message. */
static int
cannot_print (void)
{
  return errno == EPIPE ? 1 : complain ("stdout: %s", g_strerror (errno));
}

static int
close_queue (broker_options * o, broker * b, int status)
{
  broker_close (b);
  options_clear (o);
  if (fflush (stdout) != 0 && status == 0)
    status = cannot_print ();
  return status == -1 ? 0 : status;
}

static void
print_clock (double s)
{
  guint n = (guint) MIN (s, 3.6e8);

  if (n >= 3600)
    printf ("%u:%02u:%02u", n / 3600, n / 60 % 60, n % 60);
  else
    printf ("%u:%02u", n / 60, n % 60);
}

static void
print_counts (const broker * b, const broker_counts * c, double rate,
    gboolean as_json, gboolean live)
{
  guint64 left = c->waiting + c->running;

  if (as_json) {
    printf ("{\"queue\": \"%s\", \"all\": %" G_GUINT64_FORMAT
        ", \"waiting\": %" G_GUINT64_FORMAT ", \"running\": %"
        G_GUINT64_FORMAT ", \"done\": %" G_GUINT64_FORMAT ", \"failed\": %"
        G_GUINT64_FORMAT "}", b->name, c->all, c->waiting, c->running,
        c->done, c->failed);
  } else {
    printf ("%s%" G_GUINT64_FORMAT " jobs: %" G_GUINT64_FORMAT " waiting, %"
        G_GUINT64_FORMAT " running, %" G_GUINT64_FORMAT " done, %"
        G_GUINT64_FORMAT " failed", live ? "\r" : "", c->all, c->waiting,
        c->running, c->done, c->failed);
    if (rate > 0) {
      printf (", %.3g/s", rate);
      if (left > 0) {
        printf (", ");
        print_clock ((double) left / rate);
        printf (" left");
      }
    }
  }
  fputs (live ? "\x1b[K" : "\n", stdout);
  fflush (stdout);
}

int
command_status (int argc, char **argv)
{
  gboolean as_json = FALSE, follow = FALSE;
  const GOptionEntry own[] = {
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "As JSON", NULL},
    {"follow", 'f', 0, G_OPTION_ARG_NONE, &follow,
        "Until no job waits or runs; exit status 1 if some failed", NULL},
    {NULL}
  };
  broker_options o;
  broker b;
  broker_counts c;
  GError *error = NULL;
  guint64 first = 0;
  gint64 begin = g_get_monotonic_time ();
  gboolean live = isatty (STDOUT_FILENO), good;
  double rate = 0;
  int status = open_queue (argc, argv, "how far a queue is", own, &o, &b);

  live = live && follow && !as_json;
  while (status == 0) {
    good = broker_count (&b, &c, &error);
    if (good && first == 0)
      first = c.done + c.failed + 1;
    if (good)
      rate = (double) (c.done + c.failed + 1 - first) * 1e6 /
          (double) MAX (g_get_monotonic_time () - begin, 1);
    if (good)
      print_counts (&b, &c, rate, as_json, live);
    /* while it follows, a server may be away for a moment */
    if (!good && (!follow || g_error_matches (error, GST_NATS_ERROR,
                GST_NATS_ERROR_NO_STREAM)))
      status = complain_error (&error);
    g_clear_error (&error);
    if (!follow || status != 0 || (good && c.waiting + c.running == 0))
      break;
    if (stop_asked > 0)
      status = 130;
    else
      g_usleep (live ? LOOK / 2 : LOOK);
  }
  if (live)
    fputc ('\n', stdout);
  if (follow && status == 0)
    status = c.failed > 0;
  return close_queue (&o, &b, status);
}

/* Whoever reads our output may be killed while there is nothing to write. */
static gboolean
reader_is_gone (void)
{
  struct pollfd out = {.fd = STDOUT_FILENO };

  return poll (&out, 1, 0) > 0 && (out.revents & POLLERR) != 0;
}

/* Calls each with every message until the last; or until told to stop, or with
 * wait until no job waits or runs and all is read. 0, or an exit status. */
static int
read_all (const broker * b, queue_stream which, gboolean wait,
    int (*each) (const char *text, size_t size, guint64 sequence,
        void *user_data), void *user_data)
{
  GError *error = NULL;
  reader *r = NULL;
  natsMsg *msg = NULL;
  guint64 seen = 0, last = 0, behind;
  broker_counts c;
  int status = 0;

  if (!broker_last (b, which, &last, &error) ||
      (r = reader_new (b, which, &error)) == NULL)
    return complain_error (&error);
  while (status == 0 && stop_asked == 0 && (wait || seen < last)) {
    msg = reader_next (r, WAIT_MS, &seen, &behind);
    if (msg != NULL) {
      /* those behind it were taken away */
      if (!wait && behind == 0)
        last = seen;
      status = each (natsMsg_GetData (msg),
          (size_t) natsMsg_GetDataLength (msg), seen, user_data);
      natsMsg_Destroy (msg);
    } else if (reader_is_gone ()) {
      status = 1;
    } else if (!broker_count (b, &c, &error) ||
        !broker_last (b, which, &last, &error)) {
      if (g_error_matches (error, GST_NATS_ERROR, GST_NATS_ERROR_NO_STREAM))
        status = complain_error (&error);
      g_clear_error (&error);
    } else if ((which == QUEUE_FAILED ? c.failed : c.done) == 0 && !wait) {
      break;
    } else if (wait && c.waiting + c.running == 0 && seen >= last) {
      break;
    }
  }
  reader_free (r);
  return status != 0 ? status : stop_asked > 0 ? 130 : 0;
}

static int
print_line (const char *text, size_t size, guint64 sequence, void *user_data)
{
  gboolean *flush = user_data;

  fwrite (text, size, 1, stdout);
  fputc ('\n', stdout);
  if ((*flush && fflush (stdout) != 0) || ferror (stdout))
    return cannot_print ();
  return 0;
}

int
command_results (int argc, char **argv)
{
  gboolean wait = FALSE;
  const GOptionEntry own[] = {
    {"wait", 'w', 0, G_OPTION_ARG_NONE, &wait,
        "As they come, until no job waits or runs", NULL},
    {NULL}
  };
  broker_options o;
  broker b;
  int status = open_queue (argc, argv, "prints results, each once", own, &o,
      &b);

  if (status == 0)
    status = read_all (&b, QUEUE_RESULTS, wait, print_line, &wait);
  return close_queue (&o, &b, status);
}

static const char *
text_of (const json_t * v, const char *name)
{
  const char *text = json_string_value (json_object_get (v, name));

  return text != NULL ? text : "?";
}

static int
print_failed (const char *text, size_t size, guint64 sequence, void *user_data)
{
  json_t *v = json_loadb (text, size, 0, NULL);
  const json_t *j = json_object_get (v, "job");
  const char *what = json_string_value (json_object_get (j, "path"));
  char *line, *c;

  if (what == NULL)
    what = json_string_value (json_object_get (v, "key"));
  if (what == NULL)
    what = "(a message that is no job)";
  line = g_strdup_printf ("%s: %s (%s, %d tries, %s)", what,
      text_of (v, "error"), text_of (v, "kind"),
      (int) json_integer_value (json_object_get (v, "tries")),
      text_of (v, "worker"));
  /* anybody may have sent it: a terminal obeys nothing of it */
  for (c = line; *c != 0; c++)
    if ((unsigned char) *c < 0x20 || *c == 0x7f)
      *c = '?';
  puts (line);
  g_free (line);
  json_decref (v);
  return ferror (stdout) ? cannot_print () : 0;
}

int
command_failed (int argc, char **argv)
{
  gboolean as_json = FALSE, flush = FALSE;
  const GOptionEntry own[] = {
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "As lines of JSON", NULL},
    {NULL}
  };
  broker_options o;
  broker b;
  int status = open_queue (argc, argv, "jobs that were given up", own, &o, &b);

  if (status == 0)
    status = read_all (&b, QUEUE_FAILED, FALSE, as_json ? print_line :
        print_failed, &flush);
  return close_queue (&o, &b, status);
}

typedef struct
{
  const broker *b;
  publisher *p;
  GMutex lock;
  GArray *stored;               /* sequences of jobs that are queued again */
  guint64 hopeless;
  char why[256];
} retrying;

static void
on_stored (publish_result result, const char *why, void *closure,
    void *user_data)
{
  retrying *r = closure;
  guint64 *sequence = user_data;

  g_mutex_lock (&r->lock);
  if (result != PUBLISH_REFUSED)
    g_array_append_val (r->stored, *sequence);
  else
    g_strlcpy (r->why, why, sizeof r->why);
  g_mutex_unlock (&r->lock);
  g_free (sequence);
}

static int
retry_one (const char *text, size_t size, guint64 sequence, void *user_data)
{
  retrying *r = user_data;
  json_t *v = json_loadb (text, size, 0, NULL);
  const json_t *j = json_object_get (v, "job");
  const char *key = json_string_value (json_object_get (j, "key"));
  char id[JOB_MAX_KEY + 32], *job_again = NULL;

  if (key == NULL || strlen (key) > JOB_MAX_KEY ||
      (job_again = json_dumps (j, JSON_COMPACT)) == NULL) {
    r->hopeless++;
  } else {
    /* asked for twice, as after a stop, it is queued once */
    g_snprintf (id, sizeof id, "%s.%" G_GUINT64_FORMAT, key, sequence);
    publisher_send (r->p, QUEUE_JOBS, id, job_again, strlen (job_again),
        g_memdup2 (&sequence, sizeof sequence));
  }
  free (job_again);
  json_decref (v);
  return 0;
}

static int
forget (retrying * r, guint64 * done)
{
  jsErrCode code;
  GError *error = NULL;
  natsStatus s;
  guint i;

  /* not before it is queued: a stop between costs nothing */
  for (i = 0; i < r->stored->len; i++) {
    code = 0;
    s = js_DeleteMsg (r->b->js, r->b->stream[QUEUE_FAILED],
        g_array_index (r->stored, guint64, i), NULL, &code);
    if (s != NATS_OK && code != JSNoMessageFoundErr &&
        code != JSSequenceNotFoundErr) {
      gst_nats_set_error (&error, s, code, "take it from those that failed");
      return complain_error (&error);
    }
    (*done)++;
  }
  return 0;
}

int
command_retry (int argc, char **argv)
{
  broker_options o;
  broker b;
  retrying r = { 0 };
  GError *error = NULL;
  guint64 done = 0;
  int status = open_queue (argc, argv, "queues jobs again that were given up",
      NULL, &o, &b);

  if (status != 0)
    return close_queue (&o, &b, status);
  g_mutex_init (&r.lock);
  r.b = &b;
  r.stored = g_array_new (FALSE, FALSE, sizeof (guint64));
  r.p = publisher_new (&b, 1024, on_stored, &r, &error);
  if (r.p == NULL) {
    status = complain_error (&error);
  } else {
    status = read_all (&b, QUEUE_FAILED, FALSE, retry_one, &r);
    while (!publisher_flush (r.p, 250) && stop_asked < 2);
    publisher_free (r.p);
    if (forget (&r, &done) != 0)
      status = 1;
    printf ("%" G_GUINT64_FORMAT " queued again\n", done);
  }
  if (r.hopeless > 0)
    status = complain ("%" G_GUINT64_FORMAT " messages are no jobs and stay "
        "where they are", r.hopeless);
  if (r.why[0] != 0)
    status = complain ("some were not taken: %s", r.why);
  g_array_free (r.stored, TRUE);
  g_mutex_clear (&r.lock);
  return close_queue (&o, &b, status);
}

int
command_remove (int argc, char **argv)
{
  broker_options o;
  broker b;
  GError *error = NULL;
  int status = open_queue (argc, argv, "removes a queue, its results too",
      NULL, &o, &b);

  if (status == 0 && !broker_remove (&b, &error))
    status = complain_error (&error);
  return close_queue (&o, &b, status);
}
