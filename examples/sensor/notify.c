/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify.h"

void
sensor_notify (const gchar * format, ...)
{
  const gchar *path = g_getenv ("NOTIFY_SOCKET");
  struct sockaddr_un to = {.sun_family = AF_UNIX };
  gsize length;
  gchar *text;
  va_list args;
  gint fd;

  if (!path || (path[0] != '/' && path[0] != '@'))
    return;
  length = strlen (path);
  if (length >= sizeof (to.sun_path))
    return;
  memcpy (to.sun_path, path, length);
  /* a name that is no file */
  if (path[0] == '@')
    to.sun_path[0] = '\0';
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) {
    /* nobody who waits for it can do anything about a failure */
    if (sendto (fd, text, strlen (text), MSG_NOSIGNAL,
            (struct sockaddr *) &to,
            G_STRUCT_OFFSET (struct sockaddr_un, sun_path) + length) < 0)
        g_debug ("%s does not listen", path);
    close (fd);
  }
  g_free (text);
}

guint
sensor_notify_watchdog (void)
{
  const gchar *micro = g_getenv ("WATCHDOG_USEC");
  const gchar *pid = g_getenv ("WATCHDOG_PID");

  if (!micro || (pid && g_ascii_strtoll (pid, NULL, 10) != getpid ()))
    return 0;
  return (guint) MIN (g_ascii_strtoull (micro, NULL, 10) / G_USEC_PER_SEC,
      G_MAXUINT);
}
