/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files below a folder, one after another, in memory that does not grow
 * with their number. */
#ifndef QUEUE_TREE_H
#define QUEUE_TREE_H

#include <glib.h>
#include <sys/stat.h>

#define TREE_MAX_DEPTH 128

typedef struct tree tree;

/* patterns: of file names, as fnmatch() has them; NULL or empty: all. */
tree *tree_open (const char *folder, char **patterns, GError ** error);

/* The next file's path below the folder, valid until the next call, and what it
 * is; NULL at the end. */
const char *tree_next (tree * t, struct stat *what);

/* What was left out: symbolic links and special files; hidden ones (names that
 * begin with a dot); folders that could not be read, and the first of them. */
guint64 tree_special (const tree * t);
guint64 tree_hidden (const tree * t);
guint64 tree_unread (const tree * t, const char **first);

void tree_close (tree * t);

#endif
