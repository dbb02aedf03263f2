/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Latents of a stream as a NumPy array. */
#ifndef TOOLS_LATENTS_H
#define TOOLS_LATENTS_H

/* All frames of the stream at in to the file out, with that many channels (0:
 * all of the model), by the model of that name (NULL: found by the stream).
 * Returns an exit status, with messages: 0, 1 for errors, 3 for damage. */
int latents_write (const char *in, const char *out, const char *model,
    unsigned channels);

#endif
