/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "commands.h"
#include "job.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* a signal handler has nowhere else to write */
atomic_int stop_asked;

static void
on_signal (int number)
{
  stop_asked++;
}

void
stop_catch (void)
{
  struct sigaction action = {.sa_handler = on_signal };

  sigaction (SIGINT, &action, NULL);
  sigaction (SIGTERM, &action, NULL);
  /* whoever reads our output may go */
  signal (SIGPIPE, SIG_IGN);
}

int
complain (const char *format, ...)
{
  va_list args;
  char *raw, *text, *c;

  va_start (args, format);
  raw = g_strdup_vprintf (format, args);
  va_end (args);
  /* names of files and words of others are in it: a terminal obeys none */
  text = g_utf8_make_valid (raw, -1);
  for (c = text; *c != 0; c++)
    if (((unsigned char) *c < 0x20 && *c != '\n') || *c == 0x7f)
      *c = '?';
  /* in one write: several threads say things */
  fprintf (stderr, "walloc-queue: %s\n", text);
  g_free (text);
  g_free (raw);
  return 1;
}

int
complain_error (GError ** error)
{
  complain ("%s", *error != NULL ? (*error)->message : "unknown error");
  g_clear_error (error);
  return 1;
}

void
options_clear (broker_options * o)
{
  gst_nats_settings_clear (&o->server);
  g_free (o->name);
}

static int
check (const broker_options * o)
{
  if (!job_is_name (o->name, QUEUE_MAX_NAME, 0)) {
    complain ("--name: a queue's name is 1 to %d letters, digits, \"-\" and "
        "\"_\"", QUEUE_MAX_NAME);
    return 2;
  }
  if (o->replicas < 1 || o->replicas > 5) {
    complain ("--replicas: 1 to 5, not %d", o->replicas);
    return 2;
  }
  if (o->ack_wait < 1 || o->ack_wait > 86400) {
    complain ("--ack-wait: 1 to 86400 seconds, not %d", o->ack_wait);
    return 2;
  }
  return 0;
}

int
options_parse (int argc, char **argv, const char *what,
    const GOptionEntry * own, broker_options * o, char ***rest)
{
  gboolean help = FALSE;
  const GOptionEntry ours[] = {
    {"server", 's', 0, G_OPTION_ARG_STRING, &o->server.servers,
        "NATS servers, commas between; nats://127.0.0.1:4222, or NATS_URL of "
          "the environment", "URLS"},
    {"name", 'n', 0, G_OPTION_ARG_STRING, &o->name,
        "Name of the queue (default)", "NAME"},
    {"creds", 0, 0, G_OPTION_ARG_FILENAME, &o->server.credentials_file,
        "File with the user's JWT and seed", "FILE"},
    {"tls", 0, 0, G_OPTION_ARG_NONE, &o->server.tls, "Ask for TLS", NULL},
    {"tls-ca", 0, 0, G_OPTION_ARG_FILENAME, &o->server.tls_ca_file,
        "Trust these authorities (PEM)", "FILE"},
    {"tls-cert", 0, 0, G_OPTION_ARG_FILENAME, &o->server.tls_cert_file,
        "Certificate of this client (PEM)", "FILE"},
    {"tls-key", 0, 0, G_OPTION_ARG_FILENAME, &o->server.tls_key_file,
        "Key of this client (PEM)", "FILE"},
    {"replicas", 0, 0, G_OPTION_ARG_INT, &o->replicas,
        "Servers of a cluster that keep a queue that is made (1)", "N"},
    {"ack-wait", 0, 0, G_OPTION_ARG_INT, &o->ack_wait,
        "Seconds after which a job of a worker that is silent goes to "
          "another, of a queue that is made (30)", "S"},
    {"memory", 0, 0, G_OPTION_ARG_NONE, &o->memory,
        "Keep a queue that is made in the server's memory, not on disk", NULL},
    {"max-bytes", 0, 0, G_OPTION_ARG_INT64, &o->max_bytes,
        "The server keeps no more than that, of jobs and of results each, of "
          "a queue that is made (no limit)", "N"},
    {"help", 'h', 0, G_OPTION_ARG_NONE, &help, "Say this", NULL},
    {NULL}
  };
  GOptionContext *context = g_option_context_new (rest != NULL ?
      "[-- COMMAND [ARGUMENT...]]" : NULL);
  GError *error = NULL;
  char **words = g_new0 (char *, argc + 1), **first = words, *text;
  int i, n, status = 0;

  memset (o, 0, sizeof *o);
  gst_nats_settings_init (&o->server);
  o->server.max_reconnect = -1;
  o->replicas = 1;
  o->ack_wait = 30;
  for (n = 0; n < argc && strcmp (argv[n], "--") != 0; n++)
    words[n] = argv[n];
  if (rest != NULL)
    *rest = n < argc ? argv + n + 1 : argv + argc;
  text = g_strdup_printf ("walloc-queue %s: %s. See docs/queue.md.", argv[0],
      what);
  g_option_context_set_summary (context, text);
  g_free (text);
  g_option_context_set_help_enabled (context, FALSE);
  if (own != NULL)
    g_option_context_add_main_entries (context, own, NULL);
  g_option_context_add_main_entries (context, ours, NULL);
  i = n;
  if (!g_option_context_parse (context, &i, &first, &error)) {
    complain_error (&error);
    status = 2;
  } else if (help) {
    text = g_option_context_get_help (context, TRUE, NULL);
    fputs (text, stdout);
    g_free (text);
    status = -1;
  } else if (i > 1) {
    complain ("\"%s\" is not understood; walloc-queue %s --help tells what is",
        first[1], argv[0]);
    status = 2;
  } else if (n < argc && rest == NULL) {
    complain ("%s takes no command", argv[0]);
    status = 2;
  }
  g_option_context_free (context);
  g_free (words);
  if (o->name == NULL)
    o->name = g_strdup ("default");
  if (o->server.servers == NULL)
    o->server.servers = g_strdup (g_getenv ("NATS_URL"));
  if (o->server.name == NULL)
    o->server.name = g_strdup_printf ("walloc-queue %s", argv[0]);
  return status != 0 ? status : check (o);
}
