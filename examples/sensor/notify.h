/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What systemd is told of a service (sd_notify(3)), without its library. */
#pragma once

#include <glib.h>

/* Sends lines such as "READY=1" or "STATUS=..."; nothing where the service was
 * not started by systemd with Type=notify. */
void sensor_notify (const gchar * format, ...) G_GNUC_PRINTF (1, 2);

/* Seconds within which systemd wants to hear "WATCHDOG=1", or 0. */
guint sensor_notify_watchdog (void);
