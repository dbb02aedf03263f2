/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where jobs read and write: files below two folders of the worker, whatever a
 * job calls them. Outputs are written aside and appear whole. */
#ifndef QUEUE_PLACE_H
#define QUEUE_PLACE_H

#include "runner.h"

typedef struct
{
  char *root, *out;             /* real paths; NULL: none */
  char *suffix;                 /* of outputs */
  char *aside;                  /* of this worker, below out */
  gint count;                   /* of names there; atomic */
  int lock;                     /* held as long as this worker lives */
  gboolean again;               /* outputs that exist are made again */
} places;

/* Opens the folders, makes out, and clears what workers left there that were
 * killed. FALSE with error. */
gboolean places_open (places * p, const char *root, const char *out,
    const char *suffix, GError ** error);
void places_close (places * p);

/* Finds the files of a job. *in and *out are set (NULL where there is no such
 * folder), to be freed; aside is where to write. FALSE with r filled; TRUE with r
 * RAN_OK already where the output is there, is whole and not older. */
gboolean places_find (places * p, const job * j, char **in, char **out,
    char **aside, run_result * r);

#endif
