/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bottleneck/quantiser.h"

#include "transform/intwavelet.h"

/* round (4096 * 2^(k/16)); docs/bitstream.md, section 4. */
static const uint16_t step_table[16] = {
  4096, 4277, 4467, 4664, 4871, 5087, 5312, 5547,
  5793, 6049, 6317, 6597, 6889, 7194, 7512, 7845
};

uint64_t
walloc_step_24 (unsigned step_index, unsigned weight)
{
  return ((uint64_t) step_table[step_index % 16] << step_index / 16) * weight;
}

walloc_result
walloc_quantiser_init (walloc_quantiser * quantiser, unsigned step_index,
    unsigned weight, unsigned rounding, unsigned analysis_bits,
    walloc_error * error)
{
  uint64_t step;
  unsigned s;

  if (step_index > WALLOC_STEP_MAX || weight < 64 || weight > 65535 ||
      rounding > 128 || analysis_bits < 8 || analysis_bits > 14)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "step index %u, weight %u, rounding %u or %u analysis bits is out of "
        "range", step_index, weight, rounding, analysis_bits);
  step = walloc_step_24 (step_index, weight);
  for (s = 8; s < 32 && ((uint64_t) 1 << (s + 19)) / step < 32768; s++);
  quantiser->down = WALLOC_INT_FRACTION + analysis_bits - 6;
  if (s > 31) {
    /* more than any value: all latents are 0 */
    quantiser->factor = quantiser->offset = 0;
    quantiser->shift = 31;
    return WALLOC_OK;
  }
  quantiser->factor = (uint32_t) (((uint64_t) 1 << (s + 18)) / step);
  quantiser->offset = (uint32_t) rounding << (s - 8);
  quantiser->shift = s;
  return WALLOC_OK;
}
