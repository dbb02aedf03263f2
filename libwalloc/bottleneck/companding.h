/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gaussian-CDF companding of the published codec (arXiv 2412.09405, entropy
 * bottleneck): latents are turned into nearly uniform values and rounded.
 * With b = latent bits, m = 2^(b-1) - 1, l = m + 0.5 - 0.001, s = m / 1.85:
 *   q = round (2 l (Phi (x / s) - 1/2)), halves to even
 *   x = s * Phi^-1 (clamp (q / (2 l) + 1/2, 0.0001, 0.9999))
 * Phi is the normal distribution function. Computed in double. Internal. */
#ifndef WALLOC_BOTTLENECK_COMPANDING_H
#define WALLOC_BOTTLENECK_COMPANDING_H

#include <stddef.h>
#include <stdint.h>

#define WALLOC_COMPANDING_MAX 127

typedef struct
{
  int half;                     /* m: latents are -m..m */
  /* limit[k] is the smallest float that gives k - m + 1 or more */
  float limit[2 * WALLOC_COMPANDING_MAX];
  float value[2 * WALLOC_COMPANDING_MAX + 1];   /* inverse, of k - m */
} walloc_companding;

/* latent_bits 2 to 8. */
void walloc_companding_init (walloc_companding * companding,
    unsigned latent_bits);

/* Companded value before rounding, and the inverse; for tests. */
double walloc_to_uniform (double x, unsigned latent_bits);
double walloc_to_normal (double y, unsigned latent_bits);

/* n values to latents; NaN becomes -m. */
void walloc_compand (const walloc_companding * companding, const float *x,
    size_t n, int16_t * q);

#endif
