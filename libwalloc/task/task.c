/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Task networks: from a file to a checked network, and what it says. */
#include "task/task-private.h"

#include <stdio.h>
#include <string.h>

#include "model/mapping.h"

#define DEFAULT_PARAMETERS ((uint64_t) 256 << 20)
#define DEFAULT_WORK ((uint64_t) 1 << 38)

static const char *const kind_names[] = {
  "classify", "segment", "colorize", "separate", "read"
};

const char *
walloc_task_kind_name (walloc_task_kind kind)
{
  if ((unsigned) kind > WALLOC_TASK_READ)
    return NULL;
  return kind_names[kind];
}

const char *
walloc_task_quote (char out[TASK_QUOTE], const char *text)
{
  size_t i;

  for (i = 0; i + 1 < TASK_QUOTE && text[i] != '\0'; i++)
    out[i] = text[i] >= ' ' && text[i] < 127 ? text[i] : '?';
  out[i] = '\0';
  if (text[i] != '\0')
    memcpy (out + TASK_QUOTE - 4, "...", 4);
  return out;
}

static void
set_limits (walloc_task * t, const walloc_net_limits * limits)
{
  if (limits != NULL)
    t->limits = *limits;
  if (t->limits.max_parameter_bytes == 0)
    t->limits.max_parameter_bytes = DEFAULT_PARAMETERS;
  if (t->limits.max_work == 0)
    t->limits.max_work = DEFAULT_WORK;
}

walloc_result
walloc_task_load (walloc_task ** task, const void *bytes, size_t size,
    const walloc_allocator * allocator, const walloc_net_limits * limits,
    walloc_error * error)
{
  walloc_result result;
  walloc_task *t;
  walloc_mem mem;

  if (task == NULL || bytes == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "no bytes, or no place for the task network");
  *task = NULL;
  if (size > WALLOC_TASK_MAX_FILE)
    return walloc_fail (error, WALLOC_ERR_LIMIT,
        "a task network of %zu bytes exceeds the limit of %u", size,
        WALLOC_TASK_MAX_FILE);
  walloc_mem_init (&mem, allocator);
  t = walloc_mem_alloc (&mem, 1, sizeof *t);
  if (t == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "no memory for a task network (%zu bytes)", sizeof *t);
  t->mem = mem;
  if (allocator != NULL)
    t->allocator = *allocator;
  set_limits (t, limits);
  result = walloc_net_load (&t->net, bytes, size, WALLOC_NET_AUTO,
      &t->allocator, &t->limits, error);
  if (result == WALLOC_OK)
    result = walloc_task_read_metadata (t, error);
  if (result == WALLOC_OK)
    result = walloc_task_check_ports (t, error);
  if (result == WALLOC_OK && t->info.kind == WALLOC_TASK_READ)
    result = walloc_task_load_recogniser (t, error);
  if (result == WALLOC_OK)
    result = walloc_task_load_resample (t, error);
  if (result != WALLOC_OK) {
    walloc_task_free (t);
    return result;
  }
  *task = t;
  return WALLOC_OK;
}

walloc_result
walloc_task_load_file (walloc_task ** task, const char *path,
    const walloc_allocator * allocator, const walloc_net_limits * limits,
    walloc_error * error)
{
  const uint8_t *data;
  walloc_result result;
  walloc_mem mem;
  size_t size;
  int mapped;

  if (task == NULL || path == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "no path, or no place for the task network");
  *task = NULL;
  walloc_mem_init (&mem, allocator);
  result = walloc_mapping_open (&mem, path, WALLOC_TASK_MAX_FILE, &data, &size,
      &mapped, error);
  if (result != WALLOC_OK)
    return result;
  result = walloc_task_load (task, data, size, allocator, limits, error);
  walloc_mapping_close (&mem, data, size, mapped);
  return result;
}

void
walloc_task_free (walloc_task * task)
{
  walloc_mem mem;
  unsigned i;

  if (task == NULL)
    return;
  walloc_task_unprepare (task);
  walloc_task_forget_page (task);
  walloc_task_free_recogniser (task);
  walloc_task_free_resample (task);
  walloc_net_free (task->net);
  mem = task->mem;
  if (task->info.labels != NULL)
    for (i = 0; i < task->info.n_labels; i++)
      walloc_mem_free (&mem, (char *) task->info.labels[i]);
  walloc_mem_free (&mem, (void *) task->info.labels);
  walloc_mem_free (&mem, (void *) task->info.palette);
  walloc_mem_free (&mem, task);
}

void
walloc_task_get_info (const walloc_task * task, walloc_task_info * info)
{
  if (task != NULL)
    *info = task->info;
  else
    memset (info, 0, sizeof *info);
}

const char *
walloc_task_metadata (const walloc_task * task, const char *key)
{
  return task != NULL && key != NULL ? walloc_net_metadata (task->net, key) :
      NULL;
}

walloc_result
walloc_task_check_stream (const walloc_task * task,
    const walloc_frame_info * frame, walloc_error * error)
{
  const walloc_task_info *info;
  char quoted[TASK_QUOTE];

  if (task == NULL || frame == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no task or no frame");
  info = &task->info;
  walloc_task_quote (quoted, info->name);
  if (info->media != frame->media)
    return walloc_fail (error, WALLOC_ERR_MODEL_MISMATCH,
        "the network '%s' reads %s (walloc.media), the stream is %s", quoted,
        info->media == WALLOC_MEDIA_AUDIO ? "sound" : "pictures",
        frame->media == WALLOC_MEDIA_AUDIO ? "sound" : "pictures");
  if (info->model_id != frame->model_id)
    return walloc_fail (error, WALLOC_ERR_MODEL_MISMATCH,
        "the network '%s' reads latents of the codec model %016llx "
        "(walloc.model), the stream was made with %016llx; take a network for "
        "that, or encode with the network's model", quoted,
        (unsigned long long) info->model_id,
        (unsigned long long) frame->model_id);
  if (info->media == WALLOC_MEDIA_AUDIO && info->rate != frame->rate)
    return walloc_fail (error, WALLOC_ERR_MODEL_MISMATCH,
        "the network '%s' reads sound of %u Hz (walloc.rate), the stream has "
        "%u Hz; resample before encoding", quoted, info->rate, frame->rate);
  return WALLOC_OK;
}

walloc_result
walloc_task_set_precision (walloc_task * task, walloc_net_precision precision,
    walloc_error * error)
{
  walloc_result result;

  if (task == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no task");
  walloc_task_unprepare (task);
  walloc_task_unprepare_recogniser (task);
  result = walloc_net_set_precision (task->net, precision, error);
  if (result == WALLOC_OK && task->recogniser.net != NULL)
    result = walloc_net_set_precision (task->recogniser.net, precision, error);
  if (result == WALLOC_OK)
    result = walloc_task_set_resample_precision (task, precision, error);
  return result;
}

uint64_t
walloc_task_work (const walloc_task * task)
{
  return task != NULL && task->plan.width > 0 ? walloc_net_work (task->net) +
      walloc_task_resample_total (task, walloc_net_work) : 0;
}

uint64_t
walloc_task_activation_bytes (const walloc_task * task)
{
  return task != NULL && task->plan.width > 0 ?
      walloc_net_activation_bytes (task->net) +
      walloc_task_resample_total (task, walloc_net_activation_bytes) : 0;
}
