/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logits to the most likely classes. */
#include "task/task-private.h"

#include <math.h>

walloc_result
walloc_task_classify (const walloc_task * task, walloc_task_class * classes,
    unsigned *count, walloc_error * error)
{
  const float *logits;
  unsigned n, i, k, have = 0, most;
  double sum = 0;
  float top;

  if (task == NULL || classes == NULL || count == NULL
      || task->info.kind != WALLOC_TASK_CLASSIFY)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "no network that classifies, or no room for classes");
  most = *count;
  *count = 0;
  logits = walloc_task_output (task, "logits", NULL);
  if (logits == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "nothing was run");
  n = task->info.n_labels;
  top = logits[0];
  for (i = 1; i < n; i++)
    if (logits[i] > top)
      top = logits[i];
  for (i = 0; i < n; i++)
    sum += exp ((double) logits[i] - top);
  /* kept in order; few are asked for */
  for (i = 0; i < n; i++) {
    for (k = have; k > 0 && logits[i] > logits[classes[k - 1].class_id]; k--)
      if (k < most)
        classes[k] = classes[k - 1];
    if (k >= most)
      continue;
    classes[k].class_id = i;
    if (have < most)
      have++;
  }
  for (k = 0; k < have; k++)
    classes[k].confidence =
        (float) (exp ((double) logits[classes[k].class_id] - top) / sum);
  *count = have;
  return WALLOC_OK;
}
