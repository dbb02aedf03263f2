/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of several spectra follow from the others. */
#ifndef __INSPECT_RELATIONS_H__
#define __INSPECT_RELATIONS_H__

#include "spectrum.h"

G_BEGIN_DECLS

typedef struct
{
  guint transforms;
  guint of[INSPECT_MAX_WANTED];         /* what each transform is of */
  /* [wanted][transform]: -1, 0 or 1; what is wanted is their sum */
  gint8 factor[INSPECT_MAX_WANTED][INSPECT_MAX_WANTED];
} InspectRelations;

/* @power: the mean square of each thing that is wanted. What has none needs no
 * transform. */
void inspect_relations_find (InspectRelations * r,
    const InspectWanted * wanted, const gdouble * power, guint count);

G_END_DECLS

#endif /* __INSPECT_RELATIONS_H__ */
