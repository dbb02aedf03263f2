/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwallocrtpparams.h"

/* longest value, in bytes: that of colorimetry is the longest there is */
#define MAX_VALUE 63

typedef enum
{
  KIND_INT,                     /* 1 to 2^31 - 1 */
  KIND_FRACTION,
  KIND_WORD,                    /* letters, digits and - : . */
  KIND_ID,                      /* 16 hexadecimal digits */
  KIND_MASK                     /* 0x and up to 16 of them */
} Kind;

typedef enum
{
  IN_VIDEO = 1,
  IN_AUDIO = 2
} Media;

/* Everything is text in RTP caps, since SDP carries nothing else. */
static const struct
{
  const gchar *name;
  Kind kind;
  Media media;
} params[] = {
  {"model-id", KIND_ID, IN_VIDEO | IN_AUDIO},
  {"width", KIND_INT, IN_VIDEO},
  {"height", KIND_INT, IN_VIDEO},
  {"framerate", KIND_FRACTION, IN_VIDEO},
  {"pixel-aspect-ratio", KIND_FRACTION, IN_VIDEO},
  {"colorimetry", KIND_WORD, IN_VIDEO},
  {"chroma-site", KIND_WORD, IN_VIDEO},
  {"interlace-mode", KIND_WORD, IN_VIDEO},
  {"field-order", KIND_WORD, IN_VIDEO},
  {"rate", KIND_INT, IN_AUDIO},
  {"channels", KIND_INT, IN_AUDIO},
  {"channel-mask", KIND_MASK, IN_AUDIO},
};

static gboolean
parse_int (const gchar * text, gint * value)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT, &number, NULL))
    return FALSE;
  *value = number;
  return TRUE;
}

static gboolean
parse_fraction (const gchar * text, gint * n, gint * d)
{
  gchar **parts = g_strsplit (text, "/", 2);
  guint64 number;
  gboolean ok;

  ok = parts[0] && parts[1]
      && g_ascii_string_to_unsigned (parts[0], 10, 0, G_MAXINT, &number, NULL)
      && parse_int (parts[1], d);
  if (ok)
    *n = number;
  g_strfreev (parts);
  return ok;
}

/* Hexadecimal, of @least to 16 digits. */
static gboolean
parse_hex (const gchar * text, gsize least, guint64 * value)
{
  gsize i, length = strlen (text);

  if (length < least || length > 16)
    return FALSE;
  for (i = 0, *value = 0; i < length; i++) {
    gint digit = g_ascii_xdigit_value (text[i]);

    if (digit < 0)
      return FALSE;
    *value = *value << 4 | digit;
  }
  return TRUE;
}

static gboolean
is_word (const gchar * text)
{
  const gchar *p;

  for (p = text; *p; p++)
    if (!g_ascii_isalnum (*p) && !strchr ("-:.", *p))
      return FALSE;
  return p > text;
}

/* What the network says: into the form that caps have, or not at all. */
static gboolean
is_good (Kind kind, const gchar * text)
{
  guint64 number;
  gint n, d;

  if (strlen (text) > MAX_VALUE)
    return FALSE;
  switch (kind) {
    case KIND_INT:
      return parse_int (text, &n);
    case KIND_FRACTION:
      return parse_fraction (text, &n, &d);
    case KIND_WORD:
      return is_word (text);
    case KIND_ID:
      return parse_hex (text, 16, &number);
    case KIND_MASK:
      return g_str_has_prefix (text, "0x") && parse_hex (text + 2, 1, &number);
    default:
      return FALSE;
  }
}

static gchar *
value_to_text (Kind kind, const GValue * value)
{
  switch (kind) {
    case KIND_INT:
      if (G_VALUE_HOLDS_INT (value))
        return g_strdup_printf ("%d", g_value_get_int (value));
      break;
    case KIND_FRACTION:
      if (GST_VALUE_HOLDS_FRACTION (value))
        return g_strdup_printf ("%d/%d",
            gst_value_get_fraction_numerator (value),
            gst_value_get_fraction_denominator (value));
      break;
    case KIND_MASK:
      if (GST_VALUE_HOLDS_BITMASK (value))
        return g_strdup_printf ("0x%" G_GINT64_MODIFIER "x",
            gst_value_get_bitmask (value));
      break;
    default:
      if (G_VALUE_HOLDS_STRING (value))
        return g_value_dup_string (value);
      break;
  }
  return NULL;
}

GstStructure *
gst_walloc_rtp_params_from_caps (const GstCaps * caps)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  GstStructure *result = gst_structure_new_empty ("params");
  Media media = g_str_has_prefix (gst_structure_get_name (s), "audio/") ?
      IN_AUDIO : IN_VIDEO;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (params); i++) {
    const GValue *value = gst_structure_get_value (s, params[i].name);
    gchar *text = NULL;

    if (value && (params[i].media & media))
      text = value_to_text (params[i].kind, value);
    if (text && is_good (params[i].kind, text))
      gst_structure_set (result, params[i].name, G_TYPE_STRING, text, NULL);
    g_free (text);
  }
  return result;
}

static void
add_text (GstStructure * result, const gchar * name, const gchar * text,
    gboolean is_audio)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (params); i++)
    if (strcmp (name, params[i].name) == 0
        && (params[i].media & (is_audio ? IN_AUDIO : IN_VIDEO))
        && is_good (params[i].kind, text))
      gst_structure_set (result, name, G_TYPE_STRING, text, NULL);
}

GstStructure *
gst_walloc_rtp_params_from_rtp (const GstStructure * rtp, gboolean is_audio)
{
  GstStructure *result = gst_structure_new_empty ("params");
  guint i;

  for (i = 0; i < G_N_ELEMENTS (params); i++) {
    const gchar *text = gst_structure_get_string (rtp, params[i].name);

    if (text)
      add_text (result, params[i].name, text, is_audio);
  }
  return result;
}

GstStructure *
gst_walloc_rtp_params_from_text (const gchar * text, gboolean is_audio)
{
  GstStructure *result = gst_structure_new_empty ("params");
  gchar **fields = g_strsplit (text, ";", -1), **f;

  for (f = fields; *f; f++) {
    gchar *value = strchr (*f, '=');

    if (!value)
      continue;
    *value++ = 0;
    add_text (result, *f, value, is_audio);
  }
  g_strfreev (fields);
  return result;
}

gchar *
gst_walloc_rtp_params_to_text (const GstStructure * structure)
{
  GString *text = g_string_new (NULL);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (params); i++) {
    const gchar *value = gst_structure_get_string (structure, params[i].name);

    if (value)
      g_string_append_printf (text, "%s%s=%s", text->len ? ";" : "",
          params[i].name, value);
  }
  return g_string_free (text, FALSE);
}

void
gst_walloc_rtp_params_to_caps (const GstStructure * structure, GstCaps * caps)
{
  GstStructure *s = gst_caps_get_structure (caps, 0);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (params); i++) {
    const gchar *name = params[i].name;
    const gchar *text = gst_structure_get_string (structure, name);
    guint64 mask;
    gint n, d;

    if (!text || gst_structure_has_field (s, name))
      continue;
    switch (params[i].kind) {
      case KIND_INT:
        if (parse_int (text, &n))
          gst_structure_set (s, name, G_TYPE_INT, n, NULL);
        break;
      case KIND_FRACTION:
        if (parse_fraction (text, &n, &d))
          gst_structure_set (s, name, GST_TYPE_FRACTION, n, d, NULL);
        break;
      case KIND_MASK:
        if (parse_hex (text + 2, 1, &mask))
          gst_structure_set (s, name, GST_TYPE_BITMASK, mask, NULL);
        break;
      default:
        gst_structure_set (s, name, G_TYPE_STRING, text, NULL);
        break;
    }
  }
}

gboolean
gst_walloc_rtp_params_get_model (const GstStructure * structure, guint64 * id)
{
  const gchar *text = gst_structure_get_string (structure, "model-id");

  return text && parse_hex (text, 16, id);
}
