/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* strip.h for one instruction set; see strip_template.h. */

#include "transform/simd_avx2.h"

#define KERNELS walloc_strip_avx2
#define ISA "AVX2"
#include "transform/strip_template.h"
