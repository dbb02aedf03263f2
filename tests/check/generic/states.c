/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every element of this package goes through all states, in several orders,
 * and may be disposed of in NULL after any of them. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/check/gstcheck.h>

/* Names of the elements whose plugins were built from this package. */
static GList *
own_elements (void)
{
  GList *plugins = gst_registry_get_plugin_list (gst_registry_get ());
  GList *names = NULL, *p, *f, *features;

  for (p = plugins; p; p = p->next) {
    if (g_strcmp0 (gst_plugin_get_source (p->data), PACKAGE) != 0)
      continue;
    features = gst_registry_get_feature_list_by_plugin (gst_registry_get (),
        gst_plugin_get_name (p->data));
    for (f = features; f; f = f->next) {
      if (GST_IS_ELEMENT_FACTORY (f->data))
        names = g_list_prepend (names,
            g_strdup (gst_plugin_feature_get_name (f->data)));
    }
    gst_plugin_feature_list_free (features);
  }
  gst_plugin_list_free (plugins);

  return names;
}

static void
run (const GstState * order, guint count)
{
  GList *names = own_elements (), *l;
  guint i;

  fail_unless (g_list_length (names) >= 4);
  for (l = names; l; l = l->next) {
    GstElement *element = gst_element_factory_make (l->data, NULL);

    fail_unless (element != NULL, "%s", (gchar *) l->data);
    for (i = 0; i < count; i++) {
      GstStateChangeReturn ret = gst_element_set_state (element, order[i]);

      fail_unless (ret != GST_STATE_CHANGE_FAILURE, "%s to %s",
          (gchar *) l->data, gst_element_state_get_name (order[i]));
    }
    gst_element_set_state (element, GST_STATE_NULL);
    ASSERT_OBJECT_REFCOUNT (element, l->data, 1);
    gst_object_unref (element);
  }
  g_list_free_full (names, g_free);
}

GST_START_TEST (test_create_and_dispose)
{
  run (NULL, 0);
}

GST_END_TEST;

GST_START_TEST (test_up_and_down)
{
  static const GstState order[] = {
    GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_PAUSED,
    GST_STATE_READY, GST_STATE_NULL, GST_STATE_PLAYING, GST_STATE_NULL
  };

  run (order, G_N_ELEMENTS (order));
}

GST_END_TEST;

GST_START_TEST (test_down_halfway)
{
  static const GstState order[] = {
    GST_STATE_READY, GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED,
    GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_NULL, GST_STATE_PAUSED,
    GST_STATE_PLAYING, GST_STATE_READY, GST_STATE_PLAYING, GST_STATE_NULL
  };

  run (order, G_N_ELEMENTS (order));
}

GST_END_TEST;

/* READY is where applications look at an element: it needs no model */
GST_START_TEST (test_ready_without_model)
{
  static const GstState order[] = {
    GST_STATE_READY, GST_STATE_NULL, GST_STATE_READY
  };

  gchar *old_path = g_strdup (g_getenv ("GST_WALLOC_MODEL_PATH"));

  g_setenv ("GST_WALLOC_MODEL_PATH", "/nowhere", TRUE);
  run (order, G_N_ELEMENTS (order));
  g_setenv ("GST_WALLOC_MODEL_PATH", old_path ? old_path : "", TRUE);
  g_free (old_path);
}

GST_END_TEST;

static Suite *
states_suite (void)
{
  Suite *s = suite_create ("states");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_create_and_dispose);
  tcase_add_test (tc, test_up_and_down);
  tcase_add_test (tc, test_down_halfway);
  tcase_add_test (tc, test_ready_without_model);

  return s;
}

GST_CHECK_MAIN (states);
