/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
# include <config.h>
#endif

#include "models.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL_PATH "GST_WALLOC_MODEL_PATH"
#define DEFAULT_MODEL "photo-1"
#define SUFFIX ".wlm"
#define PATH_ROOM 4096

/* Directory number i of the list, empty parts skipped; 0 past the last. */
static int
directory (unsigned i, char *path)
{
  const char *at = getenv (MODEL_PATH), *end;
  size_t n;

  while (at != NULL && *at != 0) {
    end = strchr (at, ':');
    n = end != NULL ? (size_t) (end - at) : strlen (at);
    if (n > 0 && n < PATH_ROOM / 2 && i-- == 0) {
      memcpy (path, at, n);
      path[n] = 0;
      return 1;
    }
    at += n + (end != NULL);
  }
  if (i > 0)
    return 0;
  snprintf (path, PATH_ROOM, "%s", WALLOC_MODELS_DIR);
  return 1;
}

static int
exists (const char *path)
{
  FILE *file = fopen (path, "rb");

  if (file != NULL)
    fclose (file);
  return file != NULL;
}

static int
has_suffix (const char *name)
{
  size_t n = strlen (name);

  return n >= strlen (SUFFIX) &&
      strcmp (name + n - strlen (SUFFIX), SUFFIX) == 0;
}

static walloc_model *
load (const char *path)
{
  walloc_model *model = NULL;
  walloc_error error = { "" };

  if (walloc_model_load (path, NULL, &model, &error) != WALLOC_OK)
    fprintf (stderr, "walloc: %s: %s\n", path, error.text);
  return model;
}

walloc_model *
models_open (const char *name)
{
  char folder[PATH_ROOM], path[2 * PATH_ROOM];
  unsigned i;

  if (name != NULL && (strchr (name, '/') != NULL || exists (name)))
    return load (name);
  if (name == NULL)
    name = DEFAULT_MODEL;
  for (i = 0; directory (i, folder); i++) {
    snprintf (path, sizeof path, "%s/%s%s", folder, name,
        has_suffix (name) ? "" : SUFFIX);
    if (exists (path))
      return load (path);
  }
  fprintf (stderr, "walloc: no model \"%s\" found. Looked in:", name);
  for (i = 0; directory (i, folder); i++)
    fprintf (stderr, " %s", folder);
  fprintf (stderr, ". Give a file with --model, or set " MODEL_PATH
      " to its directory.\n");
  return NULL;
}

walloc_model *
models_find (uint64_t id)
{
  char folder[PATH_ROOM], path[2 * PATH_ROOM];
  struct dirent *entry;
  walloc_model *model;
  walloc_model_info info;
  unsigned i;
  DIR *dir;

  for (i = 0; directory (i, folder); i++) {
    dir = opendir (folder);
    while (dir != NULL && (entry = readdir (dir)) != NULL) {
      if (!has_suffix (entry->d_name))
        continue;
      snprintf (path, sizeof path, "%s/%s", folder, entry->d_name);
      model = load (path);
      if (model == NULL)
        continue;
      walloc_model_get_info (model, &info);
      if (info.id == id) {
        closedir (dir);
        return model;
      }
      walloc_model_unref (model);
    }
    if (dir != NULL)
      closedir (dir);
  }
  fprintf (stderr, "walloc: the stream needs model %016llx, which is in none "
      "of:", (unsigned long long) id);
  for (i = 0; directory (i, folder); i++)
    fprintf (stderr, " %s", folder);
  fprintf (stderr, ". Give its file with --model, or set " MODEL_PATH
      " to its directory.\n");
  return NULL;
}
