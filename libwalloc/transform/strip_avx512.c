/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* strip.h for one instruction set; see strip_template.h. */

#include "transform/simd_avx512.h"

#define KERNELS walloc_strip_avx512
#define ISA "AVX-512BW"
#include "transform/strip_template.h"
