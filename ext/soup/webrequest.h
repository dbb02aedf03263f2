/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What clients of wallocwebsink say, beyond HTTP itself: parameters of the
 * query, messages of a WebSocket, a place in the list of events, a token.
 * Plain C: a fuzz target feeds it. */
#ifndef WALLOC_WEBREQUEST_H
#define WALLOC_WEBREQUEST_H

#include <stddef.h>
#include <stdint.h>

/* values of parameters and tokens: bytes with the NUL at most */
#define WEBREQUEST_MAX_VALUE 512

typedef enum
{
  WEBREQUEST_BAD = 0,           /* not JSON, not an object, a bad value */
  WEBREQUEST_UNKNOWN,           /* of a type that a later version may have */
  WEBREQUEST_PING,
  WEBREQUEST_LAYERS,
  WEBREQUEST_RATE,
  WEBREQUEST_KEYFRAME
} webrequest_type;

typedef struct
{
  webrequest_type type;
  char t[40];                   /* ping: what comes back, as JSON */
  unsigned number;              /* layers: 0 (all) to 4; rate: kbit/s, 0: no limit */
} webrequest_message;

/* One text message of a client (docs/web.md). */
void    webrequest_parse_message (const char *text, size_t size,
                                  webrequest_message * message);

/* The value of @name in a query (what stands behind the question mark), with
 * percent signs resolved. Returns 1; 0 when it is not there; -1 when it is
 * longer than fits, holds a zero byte or a broken escape. */
int     webrequest_query        (const char *query, const char *name,
                                 char value[WEBREQUEST_MAX_VALUE]);

/* The token in a list of WebSocket subprotocols, the one that begins with
 * "walloc.token." and goes on in base64url without padding: browsers can send
 * no other header. Returns as webrequest_query() does. @offered: whether
 * "walloc" is in the list. */
int     webrequest_protocols    (const char *list, int *offered,
                                 char token[WEBREQUEST_MAX_VALUE]);

/* "Bearer TOKEN" in @header. Returns as webrequest_query() does. */
int     webrequest_bearer       (const char *header,
                                 char token[WEBREQUEST_MAX_VALUE]);

/* "EPOCH-NUMBER", both hexadecimal: the id of an event. Returns 1 or 0. */
int     webrequest_event_id     (const char *text, uint64_t * epoch,
                                 uint64_t * number);

/* Exactly 16 hexadecimal digits at @text, then @end. Returns 1 or 0. */
int     webrequest_model_id     (const char *text, const char *end,
                                 uint64_t * id);

/* Whether @token is @wanted; how long it takes does not tell how much of it
 * is right. */
int     webrequest_same_token   (const char *token, const char *wanted);

/* Whether a page of @origin ("https://host:port") may use a server that was
 * asked for as @host (the Host header): it came from there, or is in
 * @allowed (a list with a NULL at its end, or NULL), which may hold "*". */
int     webrequest_same_origin  (const char *origin, const char *host,
                                 int tls, const char *const *allowed);

/* Whether @host (the Host header) names this machine's loopback, or the host
 * of an origin in @allowed: a page whose name was pointed at 127.0.0.1 does
 * not. */
int     webrequest_is_loopback  (const char *host,
                                 const char *const *allowed);

#endif
