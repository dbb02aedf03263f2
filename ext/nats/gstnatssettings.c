/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatssettings.h"

/* A server that takes nothing for so long counts as gone: else a writer could
 * be held for as long as TCP tries. */
#define WRITE_DEADLINE 5000
/* Half-open connections are noticed within two of these, ms. */
#define PING_INTERVAL 10000
#define MAX_SERVERS 64

void
gst_nats_settings_init (GstNatsSettings * settings)
{
  memset (settings, 0, sizeof (*settings));
  settings->tls_verify = TRUE;
  settings->max_reconnect = -1;
  settings->reconnect_wait = 250;
  settings->reconnect_wait_max = 8000;
  settings->connect_timeout = 5000;
}

void
gst_nats_settings_clear (GstNatsSettings * settings)
{
  g_free (settings->servers);
  g_free (settings->name);
  g_free (settings->user);
  g_free (settings->password);
  g_free (settings->token);
  g_free (settings->credentials_file);
  g_free (settings->nkey);
  g_free (settings->tls_ca_file);
  g_free (settings->tls_cert_file);
  g_free (settings->tls_key_file);
  memset (settings, 0, sizeof (*settings));
}

void
gst_nats_settings_copy (GstNatsSettings * to, const GstNatsSettings * from)
{
  *to = *from;
  to->servers = g_strdup (from->servers);
  to->name = g_strdup (from->name);
  to->user = g_strdup (from->user);
  to->password = g_strdup (from->password);
  to->token = g_strdup (from->token);
  to->credentials_file = g_strdup (from->credentials_file);
  to->nkey = g_strdup (from->nkey);
  to->tls_ca_file = g_strdup (from->tls_ca_file);
  to->tls_cert_file = g_strdup (from->tls_cert_file);
  to->tls_key_file = g_strdup (from->tls_key_file);
}

guint
gst_nats_settings_delay (const GstNatsSettings * settings, guint attempts)
{
  guint64 delay = MAX (settings->reconnect_wait, 1);

  delay <<= MIN (attempts, 20);
  delay = MIN (delay, MAX (settings->reconnect_wait_max,
          settings->reconnect_wait));
  return (guint) delay + (guint) g_random_int_range (0, (gint32) delay / 2 + 2);
}

/* cnats puts who connects into JSON as it is: quotes would end the string there,
 * and the server would see another login or none. */
static gchar *
escape (const gchar * text)
{
  GString *escaped = g_string_new (NULL);

  for (; *text; text++) {
    if ((guchar) * text < ' ') {
      g_string_append_printf (escaped, "\\u%04x", (guint) * text);
      continue;
    }
    if (*text == '"' || *text == '\\')
      g_string_append_c (escaped, '\\');
    g_string_append_c (escaped, *text);
  }

  return g_string_free (escaped, FALSE);
}

static natsStatus
set_user (natsOptions * options, const gchar * user, const gchar * password)
{
  gchar *u = escape (user), *p = escape (password);
  natsStatus s = natsOptions_SetUserInfo (options, u, p);

  g_free (u);
  g_free (p);
  return s;
}

static natsStatus
set_token (natsOptions * options, const gchar * token)
{
  gchar *t = escape (token);
  natsStatus s = natsOptions_SetToken (options, t);

  g_free (t);
  return s;
}

/* Who connects, where a URL says so with %-codes, which cnats does not decode:
 * taken out of it. A token has no password. */
typedef struct
{
  gchar *user, *password;
} Login;

static void
login_clear (Login * login)
{
  g_free (login->user);
  g_free (login->password);
}

static gboolean
take_login (gchar ** url, Login * login)
{
  gchar *scheme = strstr (*url, "://");
  gchar *begin = scheme ? scheme + 3 : *url;
  gchar *at = strrchr (begin, '@'), *colon, *rest;

  if (!at)
    return TRUE;
  *at = '\0';
  colon = strchr (begin, ':');
  if (colon)
    *colon = '\0';
  login->user = g_uri_unescape_string (begin, NULL);
  login->password = colon ? g_uri_unescape_string (colon + 1, NULL) : NULL;
  if (!login->user || (colon && !login->password))
    return FALSE;
  *begin = '\0';
  rest = g_strconcat (*url, at + 1, NULL);
  g_free (*url);
  *url = rest;

  return TRUE;
}

static gboolean
has_codes (const gchar * url)
{
  const gchar *at = strrchr (url, '@');

  return at && strcspn (url, "%\"\\") < (gsize) (at - url);
}

/* cnats would say what it takes for a port, which may be a part of a password
 * with a comma. */
static gboolean
port_is_number (const gchar * url)
{
  const gchar *scheme = strstr (url, "://"), *at = strrchr (url, '@'), *colon;

  url = at ? at + 1 : scheme ? scheme + 3 : url;
  colon = strchr (*url == '[' && strchr (url, ']') ? strchr (url, ']') : url,
      ':');
  if (!colon)
    return TRUE;
  url = colon + 1 + strspn (colon + 1, "0123456789");

  return *url == '\0' || *url == '/';
}

/* cnats has one login for all servers besides those in URLs as they are. */
static natsStatus
gst_nats_settings_apply_urls (natsOptions * options, gchar ** urls,
    const gchar ** what)
{
  Login login = { NULL, NULL };
  guint n = g_strv_length (urls), i;
  gboolean codes = FALSE, ok = n <= MAX_SERVERS;
  natsStatus s;

  for (i = 0; i < n; i++)
    codes |= has_codes (urls[i]);
  for (i = 0; i < n && ok; i++) {
    ok = port_is_number (urls[i]);
    if (!ok)
      *what = "servers: a port is no number (a comma in a user or password is "
          "written %2C), and";
  }
  for (i = 0; i < n && ok && codes; i++) {
    Login own = { NULL, NULL };

    if (!take_login (&urls[i], &own)) {
      *what = "servers: % in a user or password is written %25, and";
      ok = FALSE;
    } else if (own.user && login.user && (g_strcmp0 (own.user, login.user) != 0
            || g_strcmp0 (own.password, login.password) != 0)) {
      *what = "servers: one user for all of them where there are %-codes;";
      ok = FALSE;
    } else if (own.user && !login.user) {
      login = own;
      own.user = own.password = NULL;
    }
    login_clear (&own);
  }
  s = !ok ? NATS_INVALID_ARG : natsOptions_SetServers (options,
      (const char **) urls, (int) n);
  if (s == NATS_OK && login.user && login.password)
    s = set_user (options, login.user, login.password);
  else if (s == NATS_OK && login.user)
    s = set_token (options, login.user);
  login_clear (&login);

  return s;
}

static natsStatus
gst_nats_settings_apply_user (const GstNatsSettings * settings,
    natsOptions * options, const gchar ** what)
{
  natsStatus s = NATS_OK;

  if (settings->user) {
    *what = "user";
    s = set_user (options, settings->user, settings->password ?
        settings->password : "");
  }
  if (s == NATS_OK && settings->token) {
    *what = "token";
    s = set_token (options, settings->token);
  }
  if (s == NATS_OK && settings->nkey) {
    *what = "nkey needs credentials-file, a file with its seed, which";
    s = settings->credentials_file && g_file_test (settings->credentials_file,
        G_FILE_TEST_IS_REGULAR) ? natsOptions_SetNKeyFromSeed (options,
        settings->nkey, settings->credentials_file) : NATS_NOT_FOUND;
  } else if (s == NATS_OK && settings->credentials_file) {
    *what = "credentials-file";
    s = g_file_test (settings->credentials_file, G_FILE_TEST_IS_REGULAR) ?
        natsOptions_SetUserCredentialsFromFiles (options,
        settings->credentials_file, NULL) : NATS_NOT_FOUND;
  }

  return s;
}

static natsStatus
gst_nats_settings_apply_tls (const GstNatsSettings * settings,
    natsOptions * options, const gchar ** what)
{
  natsStatus s = NATS_OK;

  if (settings->tls || settings->tls_ca_file || settings->tls_cert_file) {
    *what = "TLS";
    s = natsOptions_SetSecure (options, true);
  }
  if (s == NATS_OK && settings->tls_ca_file) {
    *what = "tls-ca-file";
    s = natsOptions_LoadCATrustedCertificates (options, settings->tls_ca_file);
  }
  if (s == NATS_OK && settings->tls_cert_file) {
    *what = "tls-cert-file and tls-key-file";
    s = natsOptions_LoadCertificatesChain (options, settings->tls_cert_file,
        settings->tls_key_file ? settings->tls_key_file :
        settings->tls_cert_file);
  }
  if (s == NATS_OK && !settings->tls_verify) {
    *what = "tls-verify";
    s = natsOptions_SkipServerVerification (options, true);
  }

  return s;
}

natsOptions *
gst_nats_settings_apply (const GstNatsSettings * settings, GError ** error)
{
  const gchar *what = "options", *text;
  natsOptions *options = NULL;
  gchar **urls = g_strsplit (settings->servers ? settings->servers :
      GST_NATS_DEFAULT_SERVERS, ",", MAX_SERVERS + 1);
  natsStatus s = natsOptions_Create (&options);
  guint i;

  for (i = 0; urls[i]; i++)
    g_strstrip (urls[i]);
  if (s == NATS_OK)
    s = natsOptions_SetName (options, settings->name ? settings->name :
        "gst-walloc");
  if (s == NATS_OK)
    s = natsOptions_SetTimeout (options, MAX (settings->connect_timeout, 1));
  if (s == NATS_OK)
    s = natsOptions_SetAllowReconnect (options, settings->max_reconnect != 0);
  if (s == NATS_OK)
    s = natsOptions_SetMaxReconnect (options, settings->max_reconnect < 0 ?
        G_MAXINT : settings->max_reconnect);
  if (s == NATS_OK)
    s = natsOptions_SetWriteDeadline (options, WRITE_DEADLINE);
  if (s == NATS_OK)
    s = natsOptions_SetPingInterval (options, PING_INTERVAL);
  if (s == NATS_OK)
    s = natsOptions_SetMaxPingsOut (options, 2);
  if (s == NATS_OK)
    s = natsOptions_SetFailRequestsOnDisconnect (options, true);
  /* a frame is a batch already: waiting for another would only delay it */
  if (s == NATS_OK)
    s = natsOptions_SetSendAsap (options, true);
  /* what is written while the server is away is kept by the publisher, where
   * it has limits and a policy */
  if (s == NATS_OK)
    s = natsOptions_SetReconnectBufSize (options, 65536);
  if (s == NATS_OK)
    s = gst_nats_settings_apply_user (settings, options, &what);
  /* who is named there goes before the properties */
  if (s == NATS_OK) {
    what = "servers";
    s = gst_nats_settings_apply_urls (options, urls, &what);
  }
  if (s == NATS_OK)
    s = gst_nats_settings_apply_tls (settings, options, &what);
  g_strfreev (urls);
  if (s == NATS_OK)
    return options;

  text = nats_GetLastError (NULL);
  g_set_error (error, GST_NATS_ERROR, s == NATS_SSL_ERROR ? GST_NATS_ERROR_TLS
      : GST_NATS_ERROR_SETTINGS, "%s cannot be used: %s (%s)", what,
      text ? text : "", natsStatus_GetText (s));
  natsOptions_Destroy (options);
  return NULL;
}
