/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* strip.h for one instruction set; see strip_template.h. */
#define USE_VNNI 1
#include "transform/simd_avx512.h"

#define KERNELS walloc_strip_vnni
#define ISA "AVX-512 VNNI"
#include "transform/strip_template.h"
