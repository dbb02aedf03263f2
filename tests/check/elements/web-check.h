/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A wallocwebsink and its clients, for tests: sockets that do what real clients
 * never would. All reads have a time limit that a loaded machine keeps. */
#ifndef TESTS_WEB_CHECK_H
#define TESTS_WEB_CHECK_H

#include "walloc-check.h"

/* seconds until a test that waits for something fails */
#define WEB_PATIENCE 30

/* The element with a pad to push into, in PLAYING; @props as in a launch line,
 * after "port=0 sync=false". */
typedef struct
{
  GstHarness *h;
  GstElement *element;
  GstBus *bus;
  guint port;
} WebServer;

/* A connection; what was read and not yet asked for waits in @in. */
typedef struct
{
  gint fd;
  GByteArray *in;
} WebClient;

typedef struct
{
  gint opcode;
  GByteArray *data;
} WebMessage;

WebServer *   web_start           (const gchar * props);
void          web_stop            (WebServer * server);
/* @count frames of 64x48; layers and types by @props of wallocenc */
GPtrArray *   web_frames          (guint count, const gchar * props,
                                   GstCaps ** caps);
/* The same of a still picture: a key frame, then predicted ones. */
GPtrArray *   web_still           (guint count, GstCaps ** caps);
/* A new file with that text; its path. */
gchar *       web_write_file      (const gchar * text);
/* Noise: 20 kB and more each, in three layers; @props may be NULL, or ask for
 * predicted frames. */
GPtrArray *   web_big_frames      (guint count, const gchar * props,
                                   GstCaps ** caps);
void          web_caps            (WebServer * server, GstCaps * caps);
void          web_push            (WebServer * server, GstBuffer * frame);
guint64       web_stat            (WebServer * server, const gchar * field);
/* Waits until the field is at least @value. */
void          web_wait            (WebServer * server, const gchar * field,
                                   guint64 value);
/* Waits until the field is @value exactly. */
void          web_wait_is         (WebServer * server, const gchar * field,
                                   guint64 value);

/* @room: bytes that the kernel takes before the client reads; 0: many. */
WebClient *   web_connect         (guint port, gint room);
/* The same from another address of loopback. */
WebClient *   web_connect_from    (guint32 address, guint port, gint room);
void          web_close           (WebClient * client);
void          web_send            (WebClient * client, gconstpointer data,
                                   gsize size);
void          web_say             (WebClient * client, const gchar * format,
                                   ...) G_GNUC_PRINTF (2, 3);
/* So many bytes; FALSE when the connection ends before. */
gboolean      web_read            (WebClient * client, gpointer data,
                                   gsize size);
/* Up to and with @end; NULL when the connection ends before. */
gchar *       web_read_to         (WebClient * client, const gchar * end);
/* All up to the end of the connection. */
GByteArray *  web_read_all        (WebClient * client);
/* Whether the other side ends it, with whatever it has to say before. */
gboolean      web_is_ended        (WebClient * client);

/* The whole answer to a GET with @headers (lines with their ends, or NULL), as
 * text; status line and headers first. */
gchar *       web_get             (guint port, const gchar * path,
                                   const gchar * headers);
guint         web_status          (const gchar * answer);
const gchar * web_body            (const gchar * answer);

/* Asks for a stream and reads the head of the answer, which must be 200. */
WebClient *   web_ask             (guint port, const gchar * path, gint room);
/* Data of the next chunk; NULL at the last one. */
GBytes *      web_chunk           (WebClient * client);

/* A WebSocket that is open; @path with its query, @headers or NULL. */
WebClient *   web_socket          (guint port, const gchar * path,
                                   const gchar * headers, gint room);
/* A frame as a client sends it; @first: the first byte. */
void          web_socket_send     (WebClient * client, guint8 first,
                                   gconstpointer data, gsize size);
void          web_socket_say      (WebClient * client, const gchar * text);
/* FALSE at the end of the connection. */
gboolean      web_socket_read     (WebClient * client, WebMessage * message);
/* The next text of this type; frames and others are skipped. */
gchar *       web_socket_text     (WebClient * client, const gchar * type);
/* The next frame. */
GBytes *      web_socket_frame    (WebClient * client);
/* Code of the close frame; all before is skipped. 0: the connection just ended */
guint         web_socket_code     (WebClient * client);

void          web_same            (GBytes * bytes, GstBuffer * buffer);

#endif
