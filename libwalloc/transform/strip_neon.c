/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* strip.h for one instruction set; see strip_template.h. */

#include "transform/simd_neon.h"

#define KERNELS walloc_strip_neon
#define ISA "NEON"
#include "transform/strip_template.h"
