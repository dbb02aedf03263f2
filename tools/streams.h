/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of frames. */
#ifndef TOOLS_STREAMS_H
#define TOOLS_STREAMS_H

#include <walloc/frame.h>

/* Writes a message; returns 1. */
int stream_report (const char *path, const walloc_error * error);

/* Whole file in memory, NULL after a message. */
uint8_t *stream_read (const char *path, size_t *size);

/* Header of the frame at or after *at; damage in front of it is told and
 * skipped. 0 at the end. */
int stream_next (const char *path, const uint8_t * data, size_t size,
    size_t *at, walloc_frame_info * info, int *damaged);

#endif
