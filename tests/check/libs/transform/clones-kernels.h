/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernels' sources under other names; test-clones.c includes this once
 * for every instruction set, with PREFIX defined. */
#define walloc_float_analysis PREFIX (walloc_float_analysis)
#define walloc_float_synthesis PREFIX (walloc_float_synthesis)

#define analyse_rows PREFIX (float_analyse_rows)
#define analyse_vertical PREFIX (float_analyse_vertical)
#define analyse_horizontal PREFIX (float_analyse_horizontal)
#define synthesise_rows PREFIX (float_synthesise_rows)
#define synthesise_vertical PREFIX (float_synthesise_vertical)
#define synthesise_horizontal PREFIX (float_synthesise_horizontal)
#define synthesise_line PREFIX (float_synthesise_line)
#define synthesise_exactly PREFIX (float_synthesise_exactly)
#define copy_scaled PREFIX (float_copy_scaled)
#include "transform/float_kernels.c"

#undef walloc_float_analysis
#undef walloc_float_synthesis
#undef analyse_rows
#undef analyse_vertical
#undef analyse_horizontal
#undef synthesise_rows
#undef synthesise_vertical
#undef synthesise_horizontal
#undef synthesise_line
#undef synthesise_exactly
#undef copy_scaled
