/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* strip.h for one instruction set; see strip_template.h. */

#include "transform/simd_plain.h"

#define KERNELS walloc_strip_plain
#define ISA "plain C"
#include "transform/strip_template.h"
