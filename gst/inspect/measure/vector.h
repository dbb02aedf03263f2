/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vectors of eight, of any alignment, for loops that compilers leave as they
 * are; gcc and clang make of them what the machine has. */
#ifndef __INSPECT_VECTOR_H__
#define __INSPECT_VECTOR_H__

#include <glib.h>

G_BEGIN_DECLS

#define INSPECT_VECTOR 8

typedef gfloat InspectFloats
    __attribute__ ((vector_size (32), aligned (4), may_alias));
typedef gdouble InspectDoubles
    __attribute__ ((vector_size (64), aligned (8), may_alias));
/* of sixteen */
typedef guint8 InspectBytes
    __attribute__ ((vector_size (16), aligned (1), may_alias));
typedef guint16 InspectShorts
    __attribute__ ((vector_size (32), aligned (2), may_alias));
typedef guint32 InspectInts
    __attribute__ ((vector_size (64), aligned (4), may_alias));

G_END_DECLS

#endif /* __INSPECT_VECTOR_H__ */
