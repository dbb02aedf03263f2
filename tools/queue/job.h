/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a message of the queue says. Parsing needs nothing but jansson, trusts
 * nothing, and knows no commands: a job names things, a worker decides what is
 * done with them (docs/design/queue.md). */
#ifndef QUEUE_JOB_H
#define QUEUE_JOB_H

#include <jansson.h>
#include <stddef.h>

#define JOB_VERSION 1
#define JOB_MAX_SIZE 65536      /* bytes of a message */
#define JOB_MAX_KEY 64
#define JOB_MAX_PATH 4000       /* leaves room for a folder before it */
#define JOB_MAX_NAME 255        /* of a part of a path, as file systems have it */
#define JOB_ERROR 256

typedef struct
{
  char key[JOB_MAX_KEY + 1];    /* letters, digits, "-", "_" and "." */
  const char *path;             /* below a worker's folder, or NULL */
  const json_t *data;           /* anything, or NULL */
  json_t *whole;                /* what the others are parts of */
} job;

/* Reads {"v": 1, "key": "...", "path": "...", "data": ...}; path and data may
 * lack. 1; or 0 with what is wrong in error. job_clear() in both cases. */
int job_parse (const char *text, size_t size, job * j, char error[JOB_ERROR]);
void job_clear (job * j);

/* The message of a job, to be freed; NULL with error where it would not be
 * read back. path and data may be NULL. */
char *job_text (const char *key, const char *path, json_t * data,
    char error[JOB_ERROR]);

/* Why a path is none below a folder, or NULL: parts "..", "." or none, a "/"
 * at its beginning, control characters, greater lengths than above. */
const char *job_path_fault (const char *path);

/* Whether it is a name of keys or queues of 1 to most characters. */
int job_is_name (const char *text, size_t most, int dots);

#endif
