/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <walloc/walloc.h>

unsigned
walloc_version (void)
{
  return 0 * 10000 + 1 * 100 + 0;
}

const char *
walloc_strerror (walloc_result result)
{
  switch (result) {
    case WALLOC_OK:
      return "success";
    case WALLOC_ERR_ARGUMENT:
      return "invalid argument";
    case WALLOC_ERR_MEMORY:
      return "out of memory";
    case WALLOC_ERR_LIMIT:
      return "limit exceeded";
    case WALLOC_ERR_TRUNCATED:
      return "truncated input";
    case WALLOC_ERR_CORRUPT:
      return "corrupt input";
    case WALLOC_ERR_UNSUPPORTED:
      return "unsupported feature";
    case WALLOC_ERR_MODEL:
      return "invalid model";
    case WALLOC_ERR_MODEL_MISMATCH:
      return "stream was made with another model";
    case WALLOC_ERR_NOT_FOUND:
      return "not found";
    case WALLOC_ERR_IO:
      return "input/output error";
    case WALLOC_ERR_SPACE:
      return "output buffer too small";
    case WALLOC_ERR_NEEDS_KEY:
      return "frames before are lost, a key frame is needed";
  }
  return "unknown error";
}
