/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The transform of a difference is the difference of the transforms. But that of
 * two that are nearly the same would be nothing but their rounding errors, so
 * what is transformed is the least, and what follows is the greatest.
 *
 * Planes, and 0, are the places of a graph, and what is wanted lies between two
 * of them. Kruskal's tree of the least power is what is transformed: each
 * other one is a sum of some that have no more power than itself, and its
 * rounding errors are no more than theirs. */
#include "relations.h"

#include <string.h>

/* planes, and 0 */
#define PLACES (2 * INSPECT_MAX_WANTED + 1)

typedef struct
{
  guint count;
  const gfloat *plane[PLACES];
  guint tree[PLACES];
  /* where it is from the root of its tree, in transforms */
  gint8 at[PLACES][INSPECT_MAX_WANTED];
} Places;

static guint
place_of (Places * p, const gfloat * plane)
{
  guint i;

  for (i = 0; i < p->count; i++)
    if (p->plane[i] == plane)
      return i;
  p->plane[i] = plane;
  p->tree[i] = i;
  memset (p->at[i], 0, sizeof (p->at[i]));
  p->count++;
  return i;
}

/* Hangs the tree of @to on that of @from; @transform: between the two, or -1 if
 * they are equal. */
static void
join (Places * p, guint from, guint to, gint transform)
{
  guint tree = p->tree[to], i, t;
  gint8 shift[INSPECT_MAX_WANTED];

  for (t = 0; t < INSPECT_MAX_WANTED; t++)
    shift[t] = (gint8) (p->at[from][t] - p->at[to][t]);
  if (transform >= 0)
    shift[transform]++;
  for (i = 0; i < p->count; i++)
    if (p->tree[i] == tree) {
      p->tree[i] = p->tree[from];
      for (t = 0; t < INSPECT_MAX_WANTED; t++)
        p->at[i][t] = (gint8) (p->at[i][t] + shift[t]);
    }
}

void
inspect_relations_find (InspectRelations * r, const InspectWanted * wanted,
    const gdouble * power, guint count)
{
  gboolean done[INSPECT_MAX_WANTED] = { FALSE };
  Places p = { 0 };
  guint i, n, t;

  memset (r, 0, sizeof (*r));
  for (n = 0; n < count; n++) {
    guint least = count, from, to;

    for (i = 0; i < count; i++)
      if (!done[i] && (least == count || power[i] < power[least]))
        least = i;
    done[least] = TRUE;
    from = place_of (&p, wanted[least].minus);
    to = place_of (&p, wanted[least].plane);
    if (p.tree[from] == p.tree[to])
      continue;
    if (power[least] <= 0) {
      join (&p, from, to, -1);
    } else {
      r->of[r->transforms] = least;
      join (&p, from, to, (gint) r->transforms);
      r->transforms++;
    }
  }
  for (i = 0; i < count; i++) {
    guint from = place_of (&p, wanted[i].minus);
    guint to = place_of (&p, wanted[i].plane);

    for (t = 0; t < r->transforms; t++)
      r->factor[i][t] = (gint8) (p.at[to][t] - p.at[from][t]);
  }
}
