/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Graphs in the metadata of a task network: base64 as in RFC 4648, section 4;
 * white space between digits is skipped. */
#include "task/task-private.h"

#include <string.h>

static int
digit (char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int
is_space (char c)
{
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static walloc_result
decode (walloc_mem * mem, const char *key, const char *text, uint8_t ** bytes,
    size_t *size, walloc_error * error)
{
  size_t length = strlen (text), n = 0, i;
  unsigned bits = 0, have = 0;
  uint8_t *out;

  *bytes = NULL;
  *size = 0;
  if (length > (size_t) WALLOC_TASK_MAX_GRAPH / 3 * 4 + 4)
    return walloc_fail (error, WALLOC_ERR_LIMIT, "metadata '%s' has %zu "
        "characters, more than %u bytes of a graph need", key, length,
        WALLOC_TASK_MAX_GRAPH);
  out = walloc_mem_alloc (mem, length / 4 * 3 + 3, 1);
  if (out == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "no memory for '%s' of %zu characters", key, length);
  for (i = 0; i < length && text[i] != '='; i++) {
    if (is_space (text[i]))
      continue;
    if (digit (text[i]) < 0)
      break;
    bits = bits << 6 | (unsigned) digit (text[i]);
    have += 6;
    if (have >= 8) {
      have -= 8;
      out[n++] = (uint8_t) (bits >> have);
      bits &= (1u << have) - 1;
    }
  }
  while (i < length && (text[i] == '=' || is_space (text[i])))
    i++;
  /* a lone digit is half a byte */
  if (i < length || have >= 6 || n == 0) {
    walloc_mem_free (mem, out);
    return walloc_fail (error, WALLOC_ERR_MODEL, "metadata '%s' is no base64 "
        "(at character %zu of %zu); an ONNX graph in base64 is expected", key,
        i, length);
  }
  *bytes = out;
  *size = n;
  return WALLOC_OK;
}

walloc_result
walloc_task_load_graph (walloc_task * t, const char *key, walloc_net ** net,
    walloc_error * error)
{
  const char *text = walloc_net_metadata (t->net, key);
  walloc_error why = { "" };
  walloc_result result;
  uint8_t *bytes;
  size_t size;

  *net = NULL;
  if (text == NULL)
    return walloc_fail (error, WALLOC_ERR_MODEL, "the ONNX file has no "
        "metadata '%s'; an ONNX graph in base64 is expected", key);
  result = decode (&t->mem, key, text, &bytes, &size, error);
  if (result != WALLOC_OK)
    return result;
  result = walloc_net_load (net, bytes, size, WALLOC_NET_AUTO, &t->allocator,
      &t->limits, &why);
  walloc_mem_free (&t->mem, bytes);
  if (result != WALLOC_OK)
    return walloc_fail (error, result, "the graph in '%s': %.200s", key,
        why.text);
  /* as it was chosen for the network */
  return walloc_net_set_precision (*net, walloc_net_get_precision (t->net),
      error);
}
