/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What walloc-queue does by its first word. Each has the other words, returns an
 * exit status: 0; 1: something went wrong, said on stderr; 2: bad usage; 130:
 * stopped. */
#ifndef QUEUE_COMMANDS_H
#define QUEUE_COMMANDS_H

#include "broker.h"

#include <stdatomic.h>

int command_add (int argc, char **argv);
int command_work (int argc, char **argv);
int command_status (int argc, char **argv);
int command_results (int argc, char **argv);
int command_failed (int argc, char **argv);
int command_retry (int argc, char **argv);
int command_remove (int argc, char **argv);

/* Options of all commands. Reads those and own (ended by an empty entry); what
 * stands behind "--" is left alone, and *rest set to it (NULL: not allowed). 0, or
 * the exit status: 2, or -1 when help was asked for. */
int options_parse (int argc, char **argv, const char *what,
    const GOptionEntry * own, broker_options * o, char ***rest);
void options_clear (broker_options * o);

/* Prints "walloc-queue: ..." and returns 1. */
int complain (const char *format, ...) G_GNUC_PRINTF (1, 2);
int complain_error (GError ** error);

/* SIGINT and SIGTERM from here on set this to how often they came. */
extern atomic_int stop_asked;
void stop_catch (void);

#endif
