/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Networks are kept per process, keyed by path and checked against time and
 * size of the file, as models are: a replaced file is loaded anew, while
 * elements that hold the old one keep it. A file is read without the cache's
 * lock: who asks for the same one waits for that load, and nobody else does.
 *
 * A walloc_task works for one thread at a time, and preparing it for a size
 * takes long. So a network has instances, which elements take for the time of
 * a run: as many streams as are analysed one after the other share one. A new
 * one is made only where all are in use, or prepared for another size; there
 * are never more than elements that use the network, and two: a stream may be
 * coded at three sizes, and change from frame to frame. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <glib/gstdio.h>

#include "gstcompressednetwork.h"
#include "gstwallocmodel.h"

GST_DEBUG_CATEGORY_STATIC (compressed_network_debug);
#define GST_CAT_DEFAULT compressed_network_debug

#define SUFFIX ".onnx"
#define FOLDER "tasks"
/* instances beyond one for each user */
#define SPARE 2

struct _GstCompressedNetwork
{
  guint refs;                   /* changed with cache_lock, read by all */
  gchar *path;
  gint64 mtime, size;
  gboolean loading;             /* cache_changed tells when that is over */
  GError *problem;              /* why it is of no use */
  GBytes *bytes;
  GstCompressedInstance *first; /* whose strings info has; never freed alone */
  walloc_task_info info;

  GMutex lock;
  GQueue idle;                  /* of GstCompressedInstance, newest first */
  guint instances;              /* idle or not */
};

static GMutex cache_lock;
static GCond cache_changed;
static GHashTable *cache;       /* path -> GstCompressedNetwork, no reference */

static void
cache_init (void)
{
  static gsize once;

  if (g_once_init_enter (&once)) {
    GST_DEBUG_CATEGORY_INIT (compressed_network_debug, "compressednetwork", 0,
        "Task networks on latents");
    cache = g_hash_table_new (g_str_hash, g_str_equal);
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
  *mtime += st.st_mtim.tv_nsec;
#endif
  return TRUE;
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

static void
instance_free (gpointer data)
{
  GstCompressedInstance *instance = data;

  walloc_task_free (instance->task);
  g_free (instance);
}

static GstCompressedInstance *
instance_new (GBytes * bytes, const gchar * path, GError ** error)
{
  GstCompressedInstance *instance;
  walloc_error text = { "" };
  walloc_task *task;
  walloc_result result;
  gconstpointer data;
  gsize size;

  data = g_bytes_get_data (bytes, &size);
  result = walloc_task_load (&task, data ? data : "", size, NULL, NULL, &text);
  if (result == WALLOC_OK)
    result = walloc_task_set_precision (task, WALLOC_NET_FASTEST, &text);
  if (result != WALLOC_OK) {
    g_set_error (error, GST_RESOURCE_ERROR, error_code (result),
        "Cannot use the network file \"%s\": %s", path,
        *text.text ? text.text : walloc_strerror (result));
    return NULL;
  }
  instance = g_new0 (GstCompressedInstance, 1);
  instance->task = task;

  return instance;
}

static void
network_free (GstCompressedNetwork * self)
{
  g_queue_clear_full (&self->idle, instance_free);
  g_mutex_clear (&self->lock);
  g_clear_error (&self->problem);
  g_bytes_unref (self->bytes);
  g_free (self->path);
  g_free (self);
}

static GBytes *
read_file (const gchar * path, gint64 size, GError ** error)
{
  GError *problem = NULL;
  gchar *data;
  gsize length;

  if (size > WALLOC_TASK_MAX_FILE) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "The file \"%s\" has %" G_GINT64_FORMAT " bytes, more than a network "
        "may have (%u).", path, size, WALLOC_TASK_MAX_FILE);
    return NULL;
  }
  if (!g_file_get_contents (path, &data, &length, &problem)) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
        "Cannot read the network file \"%s\": %s", path, problem->message);
    g_clear_error (&problem);
    return NULL;
  }
  return g_bytes_new_take (data, length);
}

/* What the file holds; FALSE: self->problem is set. */
static gboolean
load (GstCompressedNetwork * self)
{
  self->bytes = read_file (self->path, self->size, &self->problem);
  if (self->bytes)
    self->first = instance_new (self->bytes, self->path, &self->problem);
  if (!self->first)
    return FALSE;
  self->instances = 1;
  g_queue_push_head (&self->idle, self->first);
  walloc_task_get_info (self->first->task, &self->info);
  GST_INFO ("loaded network \"%s\" from %s", self->info.name, self->path);

  return TRUE;
}

static GstCompressedNetwork *
network_new (const gchar * path, gint64 mtime, gint64 size)
{
  GstCompressedNetwork *self = g_new0 (GstCompressedNetwork, 1);

  self->refs = 1;
  self->path = g_strdup (path);
  self->mtime = mtime;
  self->size = size;
  self->loading = TRUE;
  g_mutex_init (&self->lock);
  g_queue_init (&self->idle);

  return self;
}

/* Nobody finds it any more; the entry may belong to a newer load of the same
 * path. */
static void
forget_locked (GstCompressedNetwork * self)
{
  if (g_hash_table_lookup (cache, self->path) == self)
    g_hash_table_remove (cache, self->path);
}

/* The network of a file, with a reference, which may have a problem. */
static GstCompressedNetwork *
share (const gchar * path, gint64 mtime, gint64 size)
{
  GstCompressedNetwork *self;
  gboolean ok;

  g_mutex_lock (&cache_lock);
  self = g_hash_table_lookup (cache, path);
  if (self && self->mtime == mtime && self->size == size) {
    g_atomic_int_inc (&self->refs);
    while (self->loading)
      g_cond_wait (&cache_changed, &cache_lock);
    g_mutex_unlock (&cache_lock);
    return self;
  }
  self = network_new (path, mtime, size);
  g_hash_table_replace (cache, self->path, self);
  g_mutex_unlock (&cache_lock);

  ok = load (self);

  g_mutex_lock (&cache_lock);
  self->loading = FALSE;
  /* the next one tries again */
  if (!ok)
    forget_locked (self);
  g_cond_broadcast (&cache_changed);
  g_mutex_unlock (&cache_lock);

  return self;
}

GstCompressedNetwork *
gst_compressed_network_open (const gchar * name, GError ** error)
{
  GstCompressedNetwork *self = NULL;
  gint64 mtime, size;
  gchar *path;

  cache_init ();
  path = gst_walloc_model_find (name, SUFFIX, FOLDER, error);
  if (!path)
    return NULL;
  if (file_stat (path, &mtime, &size))
    self = share (path, mtime, size);
  else
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
        "There is no network file \"%s\". Set \"model-file\" to an ONNX file "
        "or the name of a network that is installed.", path);
  g_free (path);
  if (self && self->problem) {
    g_propagate_error (error, g_error_copy (self->problem));
    gst_compressed_network_unref (self);
    return NULL;
  }
  return self;
}

/* Instances that there are too many of, with those users that are left. */
static void
trim (GstCompressedNetwork * self, guint most)
{
  GList *l, *before;

  g_mutex_lock (&self->lock);
  for (l = self->idle.tail; l && self->instances > most; l = before) {
    before = l->prev;
    if (l->data == self->first)
      continue;
    instance_free (l->data);
    g_queue_delete_link (&self->idle, l);
    self->instances--;
  }
  g_mutex_unlock (&self->lock);
}

void
gst_compressed_network_unref (GstCompressedNetwork * self)
{
  gboolean last;

  if (!self)
    return;
  g_mutex_lock (&cache_lock);
  last = g_atomic_int_dec_and_test (&self->refs);
  if (last)
    forget_locked (self);
  else
    trim (self, g_atomic_int_get (&self->refs) + SPARE);
  g_mutex_unlock (&cache_lock);
  if (!last)
    return;
  GST_INFO ("freeing network from %s", self->path);
  network_free (self);
}

const walloc_task_info *
gst_compressed_network_get_info (GstCompressedNetwork * self)
{
  return &self->info;
}

const gchar *
gst_compressed_network_get_path (GstCompressedNetwork * self)
{
  return self->path;
}

walloc_result
gst_compressed_network_check (GstCompressedNetwork * self,
    const walloc_frame_info * frame, walloc_error * error)
{
  /* only what never changes is read, so it may be in use */
  return walloc_task_check_stream (self->first->task, frame, error);
}

guint
gst_compressed_network_instances (GstCompressedNetwork * self)
{
  guint instances;

  g_mutex_lock (&self->lock);
  instances = self->instances;
  g_mutex_unlock (&self->lock);

  return instances;
}

static gboolean
same_shape (const GstCompressedShape * a, const GstCompressedShape * b)
{
  return a->width == b->width && a->height == b->height
      && a->scale == b->scale && a->picture == b->picture
      && a->resample == b->resample;
}

/* An idle one: of that shape, else one that was not used yet, else, unless
 * there may be more, any. */
static GstCompressedInstance *
pick_locked (GstCompressedNetwork * self, const GstCompressedShape * shape,
    guint most)
{
  GstCompressedInstance *instance;
  GList *l, *found = NULL;

  for (l = self->idle.head; l; l = l->next) {
    instance = l->data;
    if (same_shape (&instance->shape, shape)) {
      found = l;
      break;
    }
    if (instance->shape.width == 0)
      found = l;
  }
  if (!found && self->instances >= most)
    found = self->idle.tail;
  if (!found)
    return NULL;
  instance = found->data;
  g_queue_delete_link (&self->idle, found);

  return instance;
}

static walloc_result
prepare (walloc_task * task, const GstCompressedShape * shape,
    walloc_error * error)
{
  walloc_result result;

  if (!shape->picture)
    return walloc_task_prepare (task, shape->width, shape->height, error);
  result = walloc_task_set_resample (task, shape->resample, error);
  if (result != WALLOC_OK)
    return result;

  return walloc_task_prepare_picture (task, shape->width, shape->height,
      shape->scale, error);
}

GstCompressedInstance *
gst_compressed_network_take (GstCompressedNetwork * self,
    const GstCompressedShape * shape, GError ** error)
{
  GstCompressedInstance *instance;
  walloc_error text = { "" };
  walloc_result result;
  /* without the cache's lock, under which others may be loading a file */
  guint most = g_atomic_int_get (&self->refs) + SPARE;

  g_mutex_lock (&self->lock);
  instance = pick_locked (self, shape, most);
  if (!instance)
    self->instances++;
  g_mutex_unlock (&self->lock);

  if (!instance) {
    instance = instance_new (self->bytes, self->path, error);
    if (!instance) {
      g_mutex_lock (&self->lock);
      self->instances--;
      g_mutex_unlock (&self->lock);
      return NULL;
    }
    GST_INFO ("another instance of \"%s\"", self->info.name);
  }
  result = prepare (instance->task, shape, &text);
  instance->shape = *shape;
  if (result == WALLOC_OK)
    return instance;
  instance->shape.width = 0;
  gst_compressed_network_give (self, instance);
  g_set_error (error, GST_RESOURCE_ERROR, error_code (result),
      "The network \"%s\" cannot run on %s of %ux%u: %s", self->path,
      shape->picture ? "a picture" : "latents", shape->width, shape->height,
      *text.text ? text.text : walloc_strerror (result));

  return NULL;
}

void
gst_compressed_network_give (GstCompressedNetwork * self,
    GstCompressedInstance * instance)
{
  g_mutex_lock (&self->lock);
  g_queue_push_head (&self->idle, instance);
  g_mutex_unlock (&self->lock);
}
