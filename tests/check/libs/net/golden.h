/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads what training/golden_onnx.py wrote. */
#ifndef TESTS_NET_GOLDEN_H
#define TESTS_NET_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <walloc/net.h>

#define GOLDEN_MAX 4

typedef struct
{
  unsigned n;
  walloc_net_shape shape[GOLDEN_MAX];
  size_t count[GOLDEN_MAX];
  float *data[GOLDEN_MAX];
} golden_set;

/* A whole file; *size bytes, or NULL. */
static inline unsigned char *
golden_read (const char *name, const char *ending, size_t *size)
{
  char path[1024];
  unsigned char *bytes = NULL;
  FILE *f;
  long n;

  snprintf (path, sizeof path, TEST_GOLDEN_DIR "/net/%s%s", name, ending);
  f = fopen (path, "rb");
  if (f == NULL)
    return NULL;
  if (fseek (f, 0, SEEK_END) == 0 && (n = ftell (f)) >= 0
      && fseek (f, 0, SEEK_SET) == 0) {
    bytes = malloc ((size_t) n + 1);
    *size = fread (bytes, 1, (size_t) n, f);
    bytes[*size] = '\0';
  }
  fclose (f);
  return bytes;
}

static inline const unsigned char *
golden_parse (const unsigned char *p, golden_set *set)
{
  unsigned i, k, v;

  memcpy (&set->n, p, 4);
  p += 4;
  for (i = 0; i < set->n; i++) {
    memcpy (&set->shape[i].rank, p, 4);
    p += 4;
    set->count[i] = 1;
    for (k = 0; k < set->shape[i].rank; k++, p += 4) {
      memcpy (&v, p, 4);
      set->shape[i].dims[k] = v;
      set->count[i] *= v;
    }
    set->data[i] = malloc (set->count[i] * sizeof (float) + 4);
    memcpy (set->data[i], p, set->count[i] * sizeof (float));
    p += set->count[i] * sizeof (float);
  }
  return p;
}

static inline void
golden_free (golden_set *set)
{
  unsigned i;

  for (i = 0; i < set->n; i++)
    free (set->data[i]);
}

/* Largest difference, relative to the largest value of want; huge when one
 * of them is no number and the other is. */
static inline double
golden_difference (const float *have, const float *want, size_t n)
{
  double max = 1e-3, worst = 0.0, d;
  size_t i;

  for (i = 0; i < n; i++) {
    d = want[i] < 0 ? -(double) want[i] : (double) want[i];
    if (d > max)
      max = d;
  }
  for (i = 0; i < n; i++) {
    if (have[i] != have[i] || want[i] != want[i])
      return 1e30;
    d = (double) have[i] - (double) want[i];
    d = d < 0 ? -d : d;
    if (d > worst)
      worst = d;
  }
  return worst / max;
}

#endif
