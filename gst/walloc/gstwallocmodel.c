/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Models are found by name (encoder) or by the id that a stream carries
 * (decoder). Loaded models and the ids of all files ever looked at are kept
 * per process, keyed by path and checked against time and size of the file: a
 * replaced file is loaded anew, while elements that hold the old one keep it.
 * A model that nobody uses is freed at once. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <glib/gstdio.h>
#include <string.h>

#include "gstwalloccommon.h"
#include "gstwallocmodel.h"

GST_DEBUG_CATEGORY_STATIC (walloc_model_debug);
#define GST_CAT_DEFAULT walloc_model_debug

#define MODEL_SUFFIX ".wlm"

/* what is known of a file without having it loaded */
typedef struct
{
  gint64 mtime, size;
  guint64 id;
  gchar *problem;               /* not a model, because */
} Known;

static GMutex cache_lock;
static GHashTable *cache_models;        /* path -> GstWallocModel, no reference */
static GHashTable *cache_known; /* path -> Known */

static void
known_free (gpointer data)
{
  Known *known = data;

  g_free (known->problem);
  g_free (known);
}

static void
cache_init (void)
{
  static gsize once;

  if (g_once_init_enter (&once)) {
    GST_DEBUG_CATEGORY_INIT (walloc_model_debug, "wallocmodel", 0,
        "WaLLoC model files");
    cache_models = g_hash_table_new (g_str_hash, g_str_equal);
    cache_known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
        known_free);
    g_once_init_leave (&once, 1);
  }
}

static gboolean
file_stat (const gchar * path, gint64 * mtime, gint64 * size)
{
  GStatBuf st;

  if (g_stat (path, &st) != 0 || !S_ISREG (st.st_mode))
    return FALSE;
  *size = st.st_size;
  *mtime = (gint64) st.st_mtime * 1000000000;
#ifdef __linux__
  /* a file may be written twice in a second */
  *mtime += st.st_mtim.tv_nsec;
#endif
  return TRUE;
}

static void
model_free (GstWallocModel * model)
{
  walloc_model_unref (model->model);
  g_free (model->path);
  g_free (model);
}

static gint
error_code (walloc_result result)
{
  switch (result) {
    case WALLOC_ERR_NOT_FOUND:
      return GST_RESOURCE_ERROR_NOT_FOUND;
    case WALLOC_ERR_IO:
      return GST_RESOURCE_ERROR_OPEN_READ;
    case WALLOC_ERR_MEMORY:
    case WALLOC_ERR_LIMIT:
      return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
    default:
      return GST_RESOURCE_ERROR_READ;
  }
}

/* Loads the file or takes the copy that is there. Called with the lock. */
static GstWallocModel *
load_locked (const gchar * path, GError ** error)
{
  GstWallocModel *self;
  Known *known;
  walloc_model *model = NULL;
  walloc_error text = { "" };
  walloc_result result;
  gint64 mtime = 0, size = 0;

  if (!file_stat (path, &mtime, &size)) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
        "There is no model file \"%s\".", path);
    return NULL;
  }

  self = g_hash_table_lookup (cache_models, path);
  if (self && self->mtime == mtime && self->size == size) {
    self->refs++;
    return self;
  }

  result = walloc_model_load (path, NULL, &model, &text);

  known = g_new0 (Known, 1);
  known->mtime = mtime;
  known->size = size;
  if (result != WALLOC_OK)
    known->problem = g_strdup (*text.text ? text.text :
        walloc_strerror (result));
  g_hash_table_replace (cache_known, g_strdup (path), known);

  if (result != WALLOC_OK) {
    g_set_error (error, GST_RESOURCE_ERROR, error_code (result),
        "Cannot use the model file \"%s\": %s", path, known->problem);
    return NULL;
  }

  self = g_new0 (GstWallocModel, 1);
  self->refs = 1;
  self->model = model;
  self->path = g_strdup (path);
  self->mtime = mtime;
  self->size = size;
  walloc_model_get_info (model, &self->info);
  known->id = self->info.id;
  g_hash_table_replace (cache_models, self->path, self);
  GST_INFO ("loaded model \"%s\" from %s", self->info.name, path);

  return self;
}

static void
unref_locked (GstWallocModel * self)
{
  if (--self->refs)
    return;
  /* the entry may belong to a newer load of the same path */
  if (g_hash_table_lookup (cache_models, self->path) == self)
    g_hash_table_remove (cache_models, self->path);
  GST_INFO ("freeing model from %s", self->path);
  model_free (self);
}

GstWallocModel *
gst_walloc_model_ref (GstWallocModel * self)
{
  g_mutex_lock (&cache_lock);
  self->refs++;
  g_mutex_unlock (&cache_lock);

  return self;
}

/* NULL is fine. */
void
gst_walloc_model_unref (GstWallocModel * self)
{
  if (!self)
    return;
  g_mutex_lock (&cache_lock);
  unref_locked (self);
  g_mutex_unlock (&cache_lock);
}

/* Directories in the order in which they are searched. */
static gchar **
search_dirs (void)
{
  const gchar *path = g_getenv (GST_WALLOC_MODEL_PATH);
  GPtrArray *dirs = g_ptr_array_new ();
  gchar **parts = NULL;
  guint i;

  if (path)
    parts = g_strsplit (path, G_SEARCHPATH_SEPARATOR_S, -1);
  for (i = 0; parts && parts[i]; i++) {
    /* an empty part would mean the current directory, which surprises */
    if (*parts[i])
      g_ptr_array_add (dirs, g_strdup (parts[i]));
  }
  g_strfreev (parts);
  g_ptr_array_add (dirs, g_strdup (WALLOC_MODELS_DIR));
  g_ptr_array_add (dirs, NULL);

  return (gchar **) g_ptr_array_free (dirs, FALSE);
}

/**
 * gst_walloc_model_find:
 * @name: a file, or a name with or without @suffix
 * @suffix: of files, such as ".wlm"
 * @folder: (nullable): folder in the model directories to look in, too
 *
 * Returns: the path of what @name means: a file, or one of that name in the
 * model directories; %NULL with @error of the domain GST_RESOURCE_ERROR
 */
gchar *
gst_walloc_model_find (const gchar * name, const gchar * suffix,
    const gchar * folder, GError ** error)
{
  gchar **dirs, *path = NULL, *with_suffix, *places;
  gint64 mtime, size;
  guint i;

  if (strchr (name, G_DIR_SEPARATOR) || file_stat (name, &mtime, &size))
    return g_strdup (name);

  with_suffix = g_str_has_suffix (name, suffix) ? g_strdup (name) :
      g_strconcat (name, suffix, NULL);
  dirs = search_dirs ();
  for (i = 0; dirs[i] && !path; i++) {
    path = g_build_filename (dirs[i], with_suffix, NULL);
    if (folder && !file_stat (path, &mtime, &size)) {
      g_free (path);
      path = g_build_filename (dirs[i], folder, with_suffix, NULL);
    }
    if (!file_stat (path, &mtime, &size))
      g_clear_pointer (&path, g_free);
  }
  if (!path) {
    places = g_strjoinv (", ", dirs);
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
        "No model \"%s\" found. Looked in: %s%s%s%s. Set the property "
        "\"model-file\" to a model file, or the environment variable "
        GST_WALLOC_MODEL_PATH " to its directory.", with_suffix, places,
        folder ? " (and in \"" : "", folder ? folder : "",
        folder ? "\" in each)" : "");
    g_free (places);
  }
  g_strfreev (dirs);
  g_free (with_suffix);

  return path;
}

/**
 * gst_walloc_model_open:
 * @name: (nullable): path or name of a model, %NULL for the default one
 *
 * Returns: a reference, or %NULL with @error of the domain GST_RESOURCE_ERROR
 */
GstWallocModel *
gst_walloc_model_open (const gchar * name, GError ** error)
{
  GstWallocModel *self;
  gchar *path;

  cache_init ();
  path = gst_walloc_model_find (name ? name : GST_WALLOC_DEFAULT_MODEL,
      MODEL_SUFFIX, NULL, error);
  if (!path)
    return NULL;

  g_mutex_lock (&cache_lock);
  self = load_locked (path, error);
  g_mutex_unlock (&cache_lock);
  g_free (path);

  return self;
}

/* What the file @path is, loading it only if it is new. Returns a reference
 * if it is the model @id; adds a remark about it to @seen otherwise. */
static GstWallocModel *
try_file_locked (const gchar * path, guint64 id, GString * seen)
{
  GstWallocModel *self;
  Known *known;
  gint64 mtime, size;
  gchar text[GST_WALLOC_ID_SIZE], *base;

  if (!file_stat (path, &mtime, &size))
    return NULL;

  known = g_hash_table_lookup (cache_known, path);
  if (!known || known->mtime != mtime || known->size != size
      || (!known->problem && known->id == id)) {
    self = load_locked (path, NULL);
    if (self && self->info.id == id)
      return self;
    if (self)
      unref_locked (self);
    known = g_hash_table_lookup (cache_known, path);
  }

  base = g_path_get_basename (path);
  if (!known || known->problem) {
    g_string_append_printf (seen, "%s%s: unusable", seen->len ? ", " : "",
        base);
  } else {
    gst_walloc_id_to_string (known->id, text);
    g_string_append_printf (seen, "%s%s: %s", seen->len ? ", " : "", base,
        text);
  }
  g_free (base);

  return NULL;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar * const *) a, *(const gchar * const *) b);
}

/* All model files of @dir are tried in the order of their names. */
static GstWallocModel *
try_dir_locked (const gchar * dir, guint64 id, GString * places)
{
  GstWallocModel *self = NULL;
  GPtrArray *names;
  GString *seen;
  const gchar *name;
  GDir *handle;
  guint i;

  if (places->len)
    g_string_append (places, "; ");
  g_string_append (places, dir);

  handle = g_dir_open (dir, 0, NULL);
  if (!handle) {
    g_string_append (places, " (no such directory)");
    return NULL;
  }

  names = g_ptr_array_new_with_free_func (g_free);
  while ((name = g_dir_read_name (handle))) {
    if (g_str_has_suffix (name, MODEL_SUFFIX))
      g_ptr_array_add (names, g_strdup (name));
  }
  g_dir_close (handle);
  g_ptr_array_sort (names, compare_names);

  seen = g_string_new (NULL);
  for (i = 0; i < names->len && !self; i++) {
    gchar *path = g_build_filename (dir, g_ptr_array_index (names, i), NULL);

    self = try_file_locked (path, id, seen);
    g_free (path);
  }
  g_string_append_printf (places, " (%s)", seen->len ? seen->str : "no models");
  g_string_free (seen, TRUE);
  g_ptr_array_unref (names);

  return self;
}

/**
 * gst_walloc_model_open_by_id:
 * @id: the model id that a stream carries
 * @name: (nullable): the only model to consider, %NULL to search all
 *
 * Returns: a reference, or %NULL with @error of the domain GST_RESOURCE_ERROR
 */
GstWallocModel *
gst_walloc_model_open_by_id (guint64 id, const gchar * name, GError ** error)
{
  GstWallocModel *self = NULL;
  gchar wanted[GST_WALLOC_ID_SIZE], has[GST_WALLOC_ID_SIZE];
  GString *places;
  gchar **dirs;
  guint i;

  cache_init ();
  gst_walloc_id_to_string (id, wanted);

  if (name) {
    self = gst_walloc_model_open (name, error);
    if (self && self->info.id != id) {
      gst_walloc_id_to_string (self->info.id, has);
      g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
          "The stream needs the model %s, but \"%s\" is the model %s. Set "
          "\"model-file\" to the model that the stream was made with, or "
          "leave it unset to have the model directories searched.", wanted,
          self->path, has);
      gst_walloc_model_unref (self);
      self = NULL;
    }
    return self;
  }

  places = g_string_new (NULL);
  dirs = search_dirs ();
  g_mutex_lock (&cache_lock);
  for (i = 0; dirs[i] && !self; i++)
    self = try_dir_locked (dirs[i], id, places);
  g_mutex_unlock (&cache_lock);
  g_strfreev (dirs);

  if (!self) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
        "The stream needs the model %s, which was not found. Looked in: %s. "
        "Set the property \"model-file\" to the model that the stream was "
        "made with, or " GST_WALLOC_MODEL_PATH " to its directory.", wanted,
        places->str);
  }
  g_string_free (places, TRUE);

  return self;
}
