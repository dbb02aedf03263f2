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

  return at && memchr (url, '%', (gsize) (at - url));
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
    s = natsOptions_SetUserInfo (options, login.user, login.password);
  else if (s == NATS_OK && login.user)
    s = natsOptions_SetToken (options, login.user);
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
    s = natsOptions_SetUserInfo (options, settings->user,
        settings->password ? settings->password : "");
  }
  if (s == NATS_OK && settings->token) {
    *what = "token";
    s = natsOptions_SetToken (options, settings->token);
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
