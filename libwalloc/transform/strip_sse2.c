/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* strip.h for one instruction set; see strip_template.h. */

#include "transform/simd_sse2.h"

#define KERNELS walloc_strip_sse2
#define ISA "SSE2"
#include "transform/strip_template.h"
