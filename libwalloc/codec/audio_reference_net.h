/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Networks of models of sound of kind reference: docs/model-format.md,
 * section 4. Internal. */
#ifndef WALLOC_CODEC_AUDIO_REFERENCE_NET_H
#define WALLOC_CODEC_AUDIO_REFERENCE_NET_H

#include "codec/audio_reference.h"

typedef struct walloc_audio_reference_net walloc_audio_reference_net;

/* Loads decoder fast or best of model, which must live as long. Errors:
 * UNSUPPORTED (the model has none, or an operator is not known), MODEL, LIMIT,
 * MEMORY. */
walloc_result walloc_audio_reference_net_new (const walloc_model * model,
    walloc_decoder_kind kind, const walloc_allocator * allocator,
    walloc_audio_reference_net ** net, walloc_error * error);
void walloc_audio_reference_net_free (walloc_audio_reference_net * net);

/* Memory for frames of so many columns. Errors: MODEL (the network does not
 * fit the model), LIMIT, MEMORY, UNSUPPORTED. */
walloc_result walloc_audio_reference_net_prepare (walloc_audio_reference_net *
    net, unsigned columns, walloc_error * error);

/* In place of walloc_audio_reference_linear(); r has as many columns. */
walloc_result walloc_audio_reference_net_run (walloc_audio_reference_net *
    net, const walloc_audio_reference * r, float *const *coefs, size_t stride,
    unsigned n, walloc_error * error);

#endif
