/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A few lines of TAP for tests of libwalloc, which must run without GLib.
 * Use: TAP_OK (condition, "name %d", i); TAP_SKIP ("why"); return tap_done (); */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int tap_count, tap_failed;

static inline int __attribute__ ((format (printf, 4, 5)))
tap_ok (int ok, const char *file, int line, const char *format, ...)
{
  va_list args;

  printf ("%sok %d - ", ok ? "" : "not ", ++tap_count);
  va_start (args, format);
  vprintf (format, args);
  va_end (args);
  printf ("\n");
  if (!ok) {
    tap_failed++;
    printf ("# failed at %s:%d\n", file, line);
  }
  fflush (stdout);
  return ok;
}

#define TAP_OK(condition, ...) \
  tap_ok (!!(condition), __FILE__, __LINE__, __VA_ARGS__)

/* A test that needs something that is not here. */
static inline void __attribute__ ((unused))
tap_skip (const char *name, const char *why)
{
  printf ("ok %d - %s # SKIP %s\n", ++tap_count, name, why);
}

/* Small deterministic random numbers (xorshift32) for test data. */
static inline unsigned __attribute__ ((unused))
tap_random (unsigned *state)
{
  unsigned x = *state ? *state : 0x9e3779b9u;

  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

static inline int
tap_done (void)
{
  printf ("1..%d\n", tap_count);
  return tap_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
