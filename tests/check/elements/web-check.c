/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "web-check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>

WebServer *
web_start (const gchar * props)
{
  WebServer *server = g_new0 (WebServer, 1);
  gchar *launch = g_strdup_printf ("wallocwebsink name=w port=0 sync=false %s",
      props ? props : "");

  server->element = gst_parse_launch (launch, NULL);
  fail_unless (server->element != NULL, "%s", launch);
  g_free (launch);
  server->bus = gst_bus_new ();
  gst_element_set_bus (server->element, server->bus);
  server->h = gst_harness_new_with_element (server->element, "sink", NULL);
  gst_harness_play (server->h);
  g_object_get (server->element, "port", &server->port, NULL);
  fail_unless (server->port > 0);

  return server;
}

void
web_stop (WebServer * server)
{
  gst_element_set_bus (server->element, NULL);
  gst_harness_teardown (server->h);
  gst_bus_set_flushing (server->bus, TRUE);
  gst_object_unref (server->bus);
  gst_object_unref (server->element);
  g_free (server);
}

GPtrArray *
web_frames (guint count, const gchar * props, GstCaps ** caps)
{
  return check_encode ("I420", 64, 48, count, props, caps);
}

GPtrArray *
web_still (guint count, GstCaps ** coded)
{
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  GstHarness *h = check_encoder ("key-int-max=1000");
  GstCaps *caps = check_caps ("I420", 64, 48);
  guint i;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  for (i = 0; i < count; i++) {
    GstBuffer *picture = check_picture (caps, 0), *out;
    walloc_frame_info info;

    GST_BUFFER_PTS (picture) = i * FRAME_TIME;
    out = gst_harness_push_and_pull (h, picture);
    fail_unless (out != NULL);
    check_parse_header (out, &info);
    fail_unless ((info.type == WALLOC_FRAME_KEY) == (i == 0));
    g_ptr_array_add (frames, out);
  }
  *coded = gst_pad_get_current_caps (h->sinkpad);
  gst_caps_unref (caps);
  gst_harness_teardown (h);

  return frames;
}

gchar *
web_write_file (const gchar * text)
{
  gchar *path = NULL;
  gint fd = g_file_open_tmp ("wallocweb-XXXXXX", &path, NULL);

  fail_unless (fd >= 0);
  close (fd);
  fail_unless (g_file_set_contents (path, text, -1, NULL));

  return path;
}

GPtrArray *
web_big_frames (guint count, const gchar * props, GstCaps ** caps)
{
  gchar *all = g_strconcat ("quality=100 channels=0 ", props, NULL);
  GstHarness *h = check_encoder (all);
  GstCaps *raw = check_caps ("I420", 320, 240);
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  GRand *random = g_rand_new_with_seed (3);
  guint8 *noise = NULL;
  guint i, k;

  gst_harness_set_src_caps (h, gst_caps_ref (raw));
  for (i = 0; i < count; i++) {
    GstBuffer *picture = check_picture (raw, i);
    GstMapInfo map;

    fail_unless (gst_buffer_map (picture, &map, GST_MAP_WRITE));
    if (!noise)
      noise = g_malloc (map.size);
    /* what changes is little enough for a predicted frame, where those are
     * wanted */
    for (k = 0; k < (i > 0 && props ? map.size / 3 : map.size); k++)
      noise[k] = g_rand_int (random);
    memcpy (map.data, noise, map.size);
    gst_buffer_unmap (picture, &map);
    g_ptr_array_add (frames, gst_harness_push_and_pull (h, picture));
    fail_unless (gst_buffer_get_size (g_ptr_array_index (frames, i)) > 20000);
  }
  *caps = gst_pad_get_current_caps (h->sinkpad);
  g_rand_free (random);
  gst_caps_unref (raw);
  gst_harness_teardown (h);
  g_free (all);
  g_free (noise);

  return frames;
}

void
web_caps (WebServer * server, GstCaps * caps)
{
  gst_harness_set_src_caps (server->h, gst_caps_ref (caps));
}

void
web_push (WebServer * server, GstBuffer * frame)
{
  fail_unless_equals_int (gst_harness_push (server->h, gst_buffer_ref (frame)),
      GST_FLOW_OK);
}

guint64
web_stat (WebServer * server, const gchar * field)
{
  GstStructure *stats;
  guint64 value = 0;

  g_object_get (server->element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint64 (stats, field, &value), "%s", field);
  gst_structure_free (stats);

  return value;
}

void
web_wait (WebServer * server, const gchar * field, guint64 value)
{
  gint64 end = g_get_monotonic_time () + WEB_PATIENCE * G_USEC_PER_SEC;

  while (web_stat (server, field) < value) {
    fail_unless (g_get_monotonic_time () < end, "%s stays %" G_GUINT64_FORMAT,
        field, web_stat (server, field));
    g_usleep (5000);
  }
}

void
web_wait_is (WebServer * server, const gchar * field, guint64 value)
{
  gint64 end = g_get_monotonic_time () + WEB_PATIENCE * G_USEC_PER_SEC;

  while (web_stat (server, field) != value) {
    fail_unless (g_get_monotonic_time () < end, "%s stays %" G_GUINT64_FORMAT,
        field, web_stat (server, field));
    g_usleep (5000);
  }
}

WebClient *
web_connect (guint port, gint room)
{
  return web_connect_from (INADDR_LOOPBACK, port, room);
}

WebClient *
web_connect_from (guint32 address, guint port, gint room)
{
  WebClient *client = g_new0 (WebClient, 1);
  struct timeval patience = { WEB_PATIENCE, 0 };
  struct sockaddr_in to = { 0, }, from = { 0, };

  client->in = g_byte_array_new ();
  client->fd = socket (AF_INET, SOCK_STREAM, 0);
  fail_unless (client->fd >= 0);
  setsockopt (client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
      sizeof (patience));
  setsockopt (client->fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
      sizeof (patience));
  if (room)
    setsockopt (client->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof (room));
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl (address);
  fail_unless (bind (client->fd, (struct sockaddr *) &from,
          sizeof (from)) == 0);
  to.sin_family = AF_INET;
  to.sin_port = htons (port);
  to.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  fail_unless (connect (client->fd, (struct sockaddr *) &to, sizeof (to)) == 0);

  return client;
}

void
web_close (WebClient * client)
{
  close (client->fd);
  g_byte_array_unref (client->in);
  g_free (client);
}

void
web_send (WebClient * client, gconstpointer data, gsize size)
{
  const guint8 *p = data;

  while (size > 0) {
    gssize n = send (client->fd, p, size, MSG_NOSIGNAL);

    /* a server that has enough may close: what it does is asked for later */
    if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
      return;
    fail_unless (n > 0, "%s", g_strerror (errno));
    p += n;
    size -= n;
  }
}

void
web_say (WebClient * client, const gchar * format, ...)
{
  va_list args;
  gchar *text;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  web_send (client, text, strlen (text));
  g_free (text);
}

/* FALSE at the end. */
static gboolean
more (WebClient * client)
{
  guint8 bytes[16384];
  gssize n = recv (client->fd, bytes, sizeof (bytes), 0);

  fail_if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK),
      "nothing came in %d s", WEB_PATIENCE);
  if (n > 0)
    g_byte_array_append (client->in, bytes, n);

  return n > 0;
}

gboolean
web_read (WebClient * client, gpointer data, gsize size)
{
  while (client->in->len < size) {
    if (!more (client))
      return FALSE;
  }
  memcpy (data, client->in->data, size);
  if (size)
    g_byte_array_remove_range (client->in, 0, size);

  return TRUE;
}

gchar *
web_read_to (WebClient * client, const gchar * end)
{
  for (;;) {
    gchar *found = client->in->len == 0 ? NULL :
        g_strstr_len ((gchar *) client->in->data, client->in->len, end);
    gchar *text;
    gsize size;

    if (found) {
      size = found - (gchar *) client->in->data + strlen (end);
      text = g_strndup ((gchar *) client->in->data, size);
      g_byte_array_remove_range (client->in, 0, size);
      return text;
    }
    if (!more (client))
      return NULL;
  }
}

GByteArray *
web_read_all (WebClient * client)
{
  while (more (client));
  return g_byte_array_ref (client->in);
}

gboolean
web_is_ended (WebClient * client)
{
  g_byte_array_unref (web_read_all (client));
  return TRUE;
}

gchar *
web_get (guint port, const gchar * path, const gchar * headers)
{
  WebClient *client = web_connect (port, 0);
  GByteArray *all;
  gchar *text;

  web_say (client, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n", path,
      port, headers ? headers : "");
  all = web_read_all (client);
  text = g_strndup ((gchar *) all->data, all->len);
  g_byte_array_unref (all);
  web_close (client);

  return text;
}

guint
web_status (const gchar * answer)
{
  return g_str_has_prefix (answer, "HTTP/1.") && strlen (answer) > 12 ?
      atoi (answer + 9) : 0;
}

const gchar *
web_body (const gchar * answer)
{
  const gchar *end = strstr (answer, "\r\n\r\n");

  return end ? end + 4 : "";
}

WebClient *
web_ask (guint port, const gchar * path, gint room)
{
  WebClient *client = web_connect (port, room);
  gchar *head;

  web_say (client, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", path, port);
  head = web_read_to (client, "\r\n\r\n");
  fail_unless (head != NULL);
  fail_unless_equals_int (web_status (head), 200);
  g_free (head);

  return client;
}

GBytes *
web_chunk (WebClient * client)
{
  gchar *line = web_read_to (client, "\r\n");
  gsize size;
  guint8 *data;

  fail_unless (line != NULL, "the connection was cut");
  size = strtoul (line, NULL, 16);
  g_free (line);
  data = g_malloc (size + 2);
  fail_unless (web_read (client, data, size + 2), "the chunk was cut");
  fail_unless (memcmp (data + size, "\r\n", 2) == 0);
  if (size == 0) {
    g_free (data);
    return NULL;
  }
  return g_bytes_new_take (data, size);
}

WebClient *
web_socket (guint port, const gchar * path, const gchar * headers, gint room)
{
  WebClient *client = web_connect (port, room);
  gchar *head;

  web_say (client, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
      "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", path, port,
      headers ? headers : "");
  head = web_read_to (client, "\r\n\r\n");
  fail_unless (head != NULL);
  fail_unless_equals_int (web_status (head), 101);
  /* the example of RFC 6455 */
  fail_unless (strstr (head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != NULL);
  g_free (head);

  return client;
}

void
web_socket_send (WebClient * client, guint8 first, gconstpointer data,
    gsize size)
{
  static const guint8 mask[4] = { 0x12, 0x9a, 0xf0, 0x07 };
  GByteArray *out = g_byte_array_new ();
  guint8 head[10] = { first, 0x80 | (size < 126 ? size : size < 65536 ? 126 :
        127)
  };
  guint n = size < 126 ? 0 : size < 65536 ? 2 : 8, i;

  for (i = 0; i < n; i++)
    head[2 + i] = (guint64) size >> 8 * (n - 1 - i);
  g_byte_array_append (out, head, 2 + n);
  g_byte_array_append (out, mask, 4);
  if (size)
    g_byte_array_append (out, data, size);
  for (i = 0; i < size; i++)
    out->data[6 + n + i] ^= mask[i & 3];
  web_send (client, out->data, out->len);
  g_byte_array_unref (out);
}

void
web_socket_say (WebClient * client, const gchar * text)
{
  web_socket_send (client, 0x81, text, strlen (text));
}

gboolean
web_socket_read (WebClient * client, WebMessage * message)
{
  guint8 head[10];
  guint64 size;
  guint n, i;

  if (!web_read (client, head, 2))
    return FALSE;
  /* whole messages, nothing reserved, no mask */
  fail_unless_equals_int (head[0] & 0xf0, 0x80);
  fail_unless (head[1] < 128);
  size = head[1];
  if (size >= 126) {
    n = size == 126 ? 2 : 8;
    if (!web_read (client, head + 2, n))
      return FALSE;
    for (i = 0, size = 0; i < n; i++)
      size = size << 8 | head[2 + i];
  }
  message->opcode = head[0] & 15;
  message->data = g_byte_array_sized_new (size + 1);
  g_byte_array_set_size (message->data, size);
  if (web_read (client, message->data->data, size))
    return TRUE;
  g_byte_array_unref (message->data);
  return FALSE;
}

gchar *
web_socket_text (WebClient * client, const gchar * type)
{
  gchar *start = g_strdup_printf ("{\"type\":\"%s\"", type), *text = NULL;
  WebMessage message;

  while (!text) {
    fail_unless (web_socket_read (client, &message), "no \"%s\" came", type);
    if (message.opcode == 1) {
      text = g_strndup ((gchar *) message.data->data, message.data->len);
      if (!g_str_has_prefix (text, start))
        g_clear_pointer (&text, g_free);
    }
    g_byte_array_unref (message.data);
  }
  g_free (start);

  return text;
}

GBytes *
web_socket_frame (WebClient * client)
{
  WebMessage message;

  for (;;) {
    fail_unless (web_socket_read (client, &message), "no frame came");
    if (message.opcode == 2)
      return g_byte_array_free_to_bytes (message.data);
    g_byte_array_unref (message.data);
  }
}

guint
web_socket_code (WebClient * client)
{
  WebMessage message;
  guint code = 0;

  while (!code && web_socket_read (client, &message)) {
    if (message.opcode == 8 && message.data->len >= 2)
      code = message.data->data[0] << 8 | message.data->data[1];
    g_byte_array_unref (message.data);
  }
  return code;
}

void
web_same (GBytes * bytes, GstBuffer * buffer)
{
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  fail_unless_equals_uint64 (g_bytes_get_size (bytes), map.size);
  fail_unless (memcmp (g_bytes_get_data (bytes, NULL), map.data,
          map.size) == 0);
  gst_buffer_unmap (buffer, &map);
}
