/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
job_is_name (const char *text, size_t most, int dots)
{
  size_t n = strspn (text, "abcdefghijklmnopqrstuvwxyz"
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

  return n > 0 && n <= most && text[n] == 0 &&
      (dots || strchr (text, '.') == NULL);
}

const char *
job_path_fault (const char *path)
{
  const char *part, *end;
  size_t n;

  if (*path == 0)
    return "is empty";
  if (*path == '/')
    return "begins with \"/\"";
  if (strlen (path) > JOB_MAX_PATH)
    return "is too long";
  for (part = path; *part != 0; part++)
    if ((unsigned char) *part < 0x20 || *part == 0x7f)
      return "has control characters";
  for (part = path;; part = end + 1) {
    end = strchr (part, '/');
    n = end != NULL ? (size_t) (end - part) : strlen (part);
    if (n == 0)
      return "has an empty part";
    if (n > JOB_MAX_NAME)
      return "has a part that is too long";
    if (n <= 2 && strncmp (part, "..", n) == 0)
      return n == 2 ? "leads upwards (\"..\")" : "has a part \".\"";
    if (end == NULL)
      return NULL;
  }
}

static int
fail (char error[JOB_ERROR], const char *what, const char *why)
{
  snprintf (error, JOB_ERROR, "%s%s%s", what, *why ? " " : "", why);
  return 0;
}

int
job_parse (const char *text, size_t size, job * j, char error[JOB_ERROR])
{
  json_error_t where;
  const json_t *v;
  const char *fault;

  memset (j, 0, sizeof *j);
  if (size > JOB_MAX_SIZE) {
    snprintf (error, JOB_ERROR, "the job has %zu bytes; %d are the limit",
        size, JOB_MAX_SIZE);
    return 0;
  }
  j->whole = json_loadb (text, size, JSON_REJECT_DUPLICATES, &where);
  if (j->whole == NULL) {
    snprintf (error, JOB_ERROR, "the job is no JSON: %.150s (byte %d)",
        where.text, where.position);
    return 0;
  }
  if (!json_is_object (j->whole))
    return fail (error, "the job is no JSON object", "");
  v = json_object_get (j->whole, "v");
  if (!json_is_integer (v))
    return fail (error, "the job has no version \"v\"", "");
  if (json_integer_value (v) != JOB_VERSION) {
    snprintf (error, JOB_ERROR, "the job is of version %lld, this program "
        "knows %d", (long long) json_integer_value (v), JOB_VERSION);
    return 0;
  }
  v = json_object_get (j->whole, "key");
  if (!json_is_string (v) || !job_is_name (json_string_value (v),
          JOB_MAX_KEY, 1))
    return fail (error, "the job's \"key\" must be 1 to 64 letters, digits, "
        "\"-\", \"_\" and \".\"", "");
  snprintf (j->key, sizeof j->key, "%s", json_string_value (v));
  v = json_object_get (j->whole, "path");
  if (v != NULL && !json_is_string (v))
    return fail (error, "the job's \"path\" is no text", "");
  if (v != NULL) {
    fault = job_path_fault (json_string_value (v));
    if (fault != NULL)
      return fail (error, "the job's \"path\"", fault);
    j->path = json_string_value (v);
  }
  j->data = json_object_get (j->whole, "data");
  return 1;
}

void
job_clear (job * j)
{
  json_decref (j->whole);
  memset (j, 0, sizeof *j);
}

char *
job_text (const char *key, const char *path, json_t * data,
    char error[JOB_ERROR])
{
  json_t *whole = json_object ();
  char *text = NULL;
  job j;

  json_object_set_new (whole, "v", json_integer (JOB_VERSION));
  json_object_set_new (whole, "key", json_string (key));
  if (path != NULL && json_object_set_new (whole, "path",
          json_string (path)) != 0) {
    fail (error, "the name is not UTF-8", "");
  } else {
    if (data != NULL)
      json_object_set (whole, "data", data);
    text = json_dumps (whole, JSON_COMPACT);
    if (text == NULL) {
      fail (error, "the job cannot be written as JSON", "");
    } else {
      /* read as a worker will, so that what cannot be done is never queued */
      if (!job_parse (text, strlen (text), &j, error)) {
        free (text);
        text = NULL;
      }
      job_clear (&j);
    }
  }
  json_decref (whole);
  return text;
}
