/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages of a queue. What is taken for a job has a key that is a name and a
 * path that leads below a folder, and is written as something that is read the
 * same again. */
#include "../../tools/queue/job.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);

static void
require (int condition)
{
  if (!condition)
    abort ();
}

static void
check_path (const char *path)
{
  char *copy = strdup (path), *part, *rest = NULL;
  size_t n = 0;

  require (copy != NULL && path[0] != 0 && path[0] != '/');
  for (part = strtok_r (copy, "/", &rest); part != NULL;
      part = strtok_r (NULL, "/", &rest)) {
    require (strcmp (part, ".") != 0 && strcmp (part, "..") != 0);
    require (strlen (part) <= JOB_MAX_NAME);
    n += strlen (part) + 1;
  }
  /* no empty parts were passed over */
  require (n == strlen (path) + 1);
  free (copy);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  char error[JOB_ERROR] = "", *text;
  job j, again;

  if (job_parse ((const char *) data, size, &j, error)) {
    require (size <= JOB_MAX_SIZE && j.key[0] != 0);
    require (strlen (j.key) == strspn (j.key, "abcdefghijklmnopqrstuvwxyz"
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."));
    if (j.path != NULL)
      check_path (j.path);
    text = job_text (j.key, j.path, (json_t *) j.data, error);
    /* escapes may make it longer than a job may be */
    if (text != NULL) {
      require (job_parse (text, strlen (text), &again, error));
      require (strcmp (again.key, j.key) == 0);
      require ((again.path == NULL) == (j.path == NULL));
      require (j.path == NULL || strcmp (again.path, j.path) == 0);
      require (json_equal (again.data, j.data) || j.data == NULL);
      job_clear (&again);
      free (text);
    }
  } else {
    require (error[0] != 0 && strlen (error) < JOB_ERROR);
  }
  job_clear (&j);
  return 0;
}
