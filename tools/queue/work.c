/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* walloc-queue work: takes jobs, does them in threads, says what came of it. A
 * job is acknowledged when the server has its result, not before. */
#include "commands.h"
#include "place.h"
#include "publisher.h"
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *
check (const work_options * w, gboolean command)
{
  if (w->jobs < 1 || w->jobs > 1024)
    return "--jobs is 1 to 1024";
  if (w->tries < 1 || w->tries > 1000)
    return "--tries is 1 to 1000";
  if (w->retry_delay < 0 || w->retry_delay > 3600)
    return "--retry-delay is 0 to 3600 seconds";
  if (w->run.timeout < 0)
    return "--timeout is 0 (none) or more seconds";
  if (w->to_latents != NULL && command)
    return "--to-latents takes no command";
  if (w->to_latents != NULL && (w->out != NULL || w->root == NULL))
    return "--to-latents needs --root, and has its folder itself";
  if (w->to_latents != NULL && (w->run.quality < 1 || w->run.quality > 100))
    return "--quality is 1 to 100";
  if (w->to_latents == NULL && !command)
    return "work takes --to-latents DIR, or a command behind \"--\"";
  if (w->lines && (w->run.from_stdin || w->run.to_stdout))
    return "--lines needs both of the command's ends for itself";
  if (strchr (w->suffix, '/') != NULL || strlen (w->suffix) > 32)
    return "--suffix is the end of a name, of 32 bytes at most";
  return command && !w->lines ? command_fault (&w->run, w->root != NULL,
      w->out != NULL) : NULL;
}

static void
usual (work_options * w)
{
  memset (w, 0, sizeof *w);
  w->jobs = (int) g_get_num_processors ();
  w->tries = 3;
  w->retry_delay = 2;
  w->run.quality = 50;
}

static void
clear (work_options * w)
{
  g_free (w->root);
  g_free (w->out);
  g_free (w->to_latents);
  g_free (w->suffix);
  g_free ((char *) w->run.model);
}

int
command_work (int argc, char **argv)
{
  work_options w;
  const GOptionEntry own[] = {
    {"root", 'r', 0, G_OPTION_ARG_FILENAME, &w.root,
        "Folder that the jobs' paths are below", "DIR"},
    {"out", 'o', 0, G_OPTION_ARG_FILENAME, &w.out,
        "Folder for outputs: {out}, or --stdout", "DIR"},
    {"suffix", 0, 0, G_OPTION_ARG_STRING, &w.suffix,
        "What outputs' names have behind the inputs' (none; .wlc of "
          "--to-latents)", "TEXT"},
    {"to-latents", 0, 0, G_OPTION_ARG_FILENAME, &w.to_latents,
        "Encode JPEG, PNG, PPM, PGM and Y4M files into this folder, without a "
          "command", "DIR"},
    {"model", 0, 0, G_OPTION_ARG_FILENAME, &w.run.model,
        "Model of --to-latents (photo-1)", "NAME"},
    {"quality", 0, 0, G_OPTION_ARG_INT, &w.run.quality,
        "Quality of --to-latents, 1 to 100 (50)", "N"},
    {"lines", 0, 0, G_OPTION_ARG_NONE, &w.lines,
        "The command stays, and answers a line for each", NULL},
    {"stdin", 0, 0, G_OPTION_ARG_NONE, &w.run.from_stdin,
        "The input is the command's standard input", NULL},
    {"stdout", 0, 0, G_OPTION_ARG_NONE, &w.run.to_stdout,
        "The command's standard output is the output", NULL},
    {"jobs", 'j', 0, G_OPTION_ARG_INT, &w.jobs,
        "So many at once (processors)", "N"},
    {"timeout", 0, 0, G_OPTION_ARG_INT, &w.run.timeout,
        "A job that takes longer has failed (0: none)", "S"},
    {"tries", 0, 0, G_OPTION_ARG_INT, &w.tries,
        "A job that fails so often is given up (3)", "N"},
    {"retry-delay", 0, 0, G_OPTION_ARG_INT, &w.retry_delay,
        "Before the second try; doubles (2)", "S"},
    {"again", 0, 0, G_OPTION_ARG_NONE, &w.again,
        "Make outputs anew that exist and are whole", NULL},
    {"no-sync", 0, 0, G_OPTION_ARG_NONE, &w.no_sync,
        "Do not wait until outputs are on the disk: faster, and what a power "
          "cut takes is not made again", NULL},
    {"drain", 0, 0, G_OPTION_ARG_NONE, &w.drain,
        "End when no job waits or runs", NULL},
    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &w.quiet,
        "No progress", NULL},
    {NULL}
  };
  broker_options o;
  char **rest;
  const char *fault;
  int status;

  usual (&w);
  status = options_parse (argc, argv, "does jobs", own, &o, &rest);
  if (w.suffix == NULL)
    w.suffix = g_strdup (w.to_latents != NULL ? ".wlc" : "");
  w.run.command = rest;
  if (status == 0 && (fault = check (&w, *rest != NULL)) != NULL) {
    complain ("%s", fault);
    status = 2;
  }
  if (status == 0) {
    stop_catch ();
    status = worker_run (&o, &w);
  }
  options_clear (&o);
  clear (&w);
  return status == -1 ? 0 : status;
}
