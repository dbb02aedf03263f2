/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages into the queue's streams, many on their way at a time, each until the
 * server has said that it is stored. What stays without an answer is sent
 * again; its id lets the server take it once. */
#ifndef QUEUE_PUBLISHER_H
#define QUEUE_PUBLISHER_H

#include "broker.h"

typedef struct publisher publisher;

typedef enum
{
  PUBLISHED,
  PUBLISHED_BEFORE,             /* the stream had this id already */
  PUBLISH_REFUSED               /* why says why; it may be tried again later */
} publish_result;

/* In a thread of cnats, once for each message, in any order. */
typedef void (*publish_done) (publish_result result, const char *why,
    void *closure, void *user_data);

/* So many messages on their way at most. */
publisher *publisher_new (const broker * b, guint window, publish_done done,
    void *closure, GError ** error);

/* Waits while the window is full. id: what it is the same by, 1 to 80
 * characters; text is copied. FALSE when ended by publisher_stop(). */
gboolean publisher_send (publisher * p, queue_stream to, const char *id,
    const char *text, size_t size, void *user_data);

/* Waits until all is stored or refused, at most timeout_ms (-1: no end). */
gboolean publisher_flush (publisher * p, int timeout_ms);

/* Ends waiting in publisher_send() and publisher_flush(). May be called from
 * any thread. */
void publisher_stop (publisher * p);

/* done() is not called any more, nor for what is on its way. */
void publisher_free (publisher * p);

#endif
