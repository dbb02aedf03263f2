/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recorded files: NAME-000000.wlc, NAME-000001.wlc, ... of one folder. A server
 * that begins anew goes on behind the last of them. */
#pragma once

#include <glib.h>

/* A location for multifilesink. */
gchar *sensor_record_location (const gchar * folder, const gchar * name);

/* Number of the next file. */
gint sensor_record_next (const gchar * folder, const gchar * name);

/* Removes the oldest files but `files`; 0: none. */
void sensor_record_prune (const gchar * folder, const gchar * name,
    guint files);
