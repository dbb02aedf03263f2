/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* walloc-queue: many small jobs over many machines, by a NATS server. */
#include "commands.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct
{
  const char *name;
  int (*run) (int argc, char **argv);
  const char *what;
} commands[] = {
  {"add", command_add, "add the files of a folder, or lines, as jobs"},
  {"work", command_work, "do jobs, until stopped or until there are none"},
  {"status", command_status, "how many wait, run, are done, failed"},
  {"results", command_results, "results, each once, as lines of JSON"},
  {"failed", command_failed, "jobs that were given up, and why"},
  {"retry", command_retry, "queue jobs again that were given up"},
  {"remove", command_remove, "remove the queue with all that it knows"},
};

int
main (int argc, char **argv)
{
  size_t i;

  setlocale (LC_ALL, "");
  /* numbers in JSON have points */
  setlocale (LC_NUMERIC, "C");
  for (i = 0; argc > 1 && i < G_N_ELEMENTS (commands); i++)
    if (strcmp (argv[1], commands[i].name) == 0)
      return commands[i].run (argc - 1, argv + 1);
  if (argc > 1 && strcmp (argv[1], "--help") != 0)
    complain ("there is no command \"%s\"", argv[1]);
  printf ("usage: walloc-queue COMMAND [OPTIONS]\n\n");
  for (i = 0; i < G_N_ELEMENTS (commands); i++)
    printf ("  %-8s  %s\n", commands[i].name, commands[i].what);
  printf ("\nwalloc-queue COMMAND --help tells the options.\n");
  return argc > 1 && strcmp (argv[1], "--help") == 0 ? 0 : 2;
}
