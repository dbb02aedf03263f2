/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file walloc/walloc.h
 * @brief Version, result codes, diagnostics, allocation and parallel work.
 *
 * libwalloc is a learned, machine-oriented codec (wavelet packet transform,
 * one linear layer, entropy coded latents). It keeps no global state, never
 * prints and never aborts on input. Every function that can fail returns a
 * #walloc_result; where a #walloc_error is taken (it may be NULL) it receives
 * a sentence that names the cause and, where there is one, the cure.
 */
#ifndef WALLOC_WALLOC_H
#define WALLOC_WALLOC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(WALLOC_STATIC)
# define WALLOC_API __attribute__ ((visibility ("default")))
#else
# define WALLOC_API
#endif

/** Result of a call: 0 is success, negative values are errors. */
typedef enum
{
  WALLOC_OK = 0,
  WALLOC_ERR_ARGUMENT = -1,     /**< a caller's argument is out of range */
  WALLOC_ERR_MEMORY = -2,       /**< allocation failed */
  WALLOC_ERR_LIMIT = -3,        /**< a limit (pixels, bytes, ops) would be exceeded */
  WALLOC_ERR_TRUNCATED = -4,    /**< input ends early; more bytes may help */
  WALLOC_ERR_CORRUPT = -5,      /**< input is damaged (checksum, state, range) */
  WALLOC_ERR_UNSUPPORTED = -6,  /**< valid but not known to this version */
  WALLOC_ERR_MODEL = -7,        /**< the model file is invalid */
  WALLOC_ERR_MODEL_MISMATCH = -8,       /**< stream needs another model */
  WALLOC_ERR_NOT_FOUND = -9,    /**< a file, tensor or decoder does not exist */
  WALLOC_ERR_IO = -10,          /**< the operating system refused to read */
  WALLOC_ERR_SPACE = -11,       /**< output buffer too small */
  WALLOC_ERR_NEEDS_KEY = -12    /**< frames before are lost: needs a key frame */
} walloc_result;

/** What a model or a stream is for. */
typedef enum
{
  WALLOC_MEDIA_VIDEO = 0,       /**< pictures and video */
  WALLOC_MEDIA_AUDIO = 1        /**< sound */
} walloc_media;

/** Library version, for run-time checks: major * 10000 + minor * 100 + micro. */
WALLOC_API unsigned walloc_version (void);

/** Short English name of @result; never NULL. */
WALLOC_API const char *walloc_strerror (walloc_result result);

/** Diagnostic text of the last failure; always NUL terminated. */
typedef struct
{
  char text[256];
} walloc_error;

/**
 * Memory functions of a context. @alloc gets sizes > 0 and returns memory
 * aligned for any type, or NULL. @limit bounds the bytes that one context
 * may hold at a time (0 = the default of 2 GiB).
 */
typedef struct
{
  void *(*alloc) (void *user, size_t size);
  void (*free) (void *user, void *memory);
  void *user;
  size_t limit;
} walloc_allocator;

/**
 * Parallel work is done by the caller: the library calls @run with a function
 * and a count, and @run must call the function once for every index in
 * [0, count), in any order and on any threads, and return when all are done.
 * @threads is the greatest number of indices worked on at once (>= 1).
 * NULL in place of a runner means: do it in the calling thread. Results never
 * depend on the runner.
 */
typedef struct
{
  void (*run) (void *user, void (*work) (void *data, unsigned index),
      void *data, unsigned count);
  void *user;
  unsigned threads;
} walloc_runner;

#ifdef __cplusplus
}
#endif
#endif
