// SPDX-License-Identifier: LGPL-2.1-or-later
// Another clock for what asks performance.now(). In node 18 that cannot be assigned.

/** Calls work() while performance.now() is now(). */
export function withTime(now, work) {
  Object.defineProperty(performance, 'now', { value: now, configurable: true });
  try {
    work();
  } finally {
    delete performance.now;
  }
}
