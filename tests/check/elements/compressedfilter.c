/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What elements share that put out something else than they are given: a start
 * that fails leaves nothing behind, and can be tried again; properties of the
 * base class. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "compressed-check.h"

typedef struct
{
  const gchar *name, *model_file;
  gboolean threads;
} Element;

static const Element elements[] = {
  {"compressedcolorize", NETWORK ("colorize"), TRUE},
  {"compressedseparate", NETWORK ("separate"), TRUE},
  {"walloclatents", PICTURE_MODEL, TRUE},
  {"walloclatentsenc", PICTURE_MODEL, FALSE},
};

static GstElement *
make (const Element * e)
{
  GstElement *element = gst_element_factory_make (e->name, NULL);

  fail_unless (element != NULL);
  gst_object_ref_sink (element);
  g_object_set (element, "model-file", e->model_file, NULL);
  if (e->threads)
    g_object_set (element, "threads", 3, NULL);

  return element;
}

static gboolean
refuse (GstPad * pad, GstObject * parent, GstPadMode mode, gboolean active)
{
  return !active;
}

/* The parent class fails to activate pads: what was opened for the stream is
 * closed, so stems are gone, and another start finds all as it was. */
GST_START_TEST (test_failed_start)
{
  const Element *e = &elements[__i__];
  GstElement *element = make (e);
  GstPad *pad = gst_element_get_static_pad (element, "sink");
  GstPadActivateModeFunction activate = GST_PAD_ACTIVATEMODEFUNC (pad);
  guint pads = element->numpads, i;

  for (i = 0; i < 3; i++) {
    gst_pad_set_activatemode_function (pad, refuse);
    fail_unless_equals_int (gst_element_set_state (element,
            GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
    fail_unless_equals_int (element->numpads, pads);
    gst_pad_set_activatemode_function (pad, activate);
    fail_unless_equals_int (gst_element_set_state (element,
            GST_STATE_PAUSED), GST_STATE_CHANGE_SUCCESS);
    fail_unless (element->numpads >= pads);
    fail_unless_equals_int (gst_element_set_state (element,
            GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
    fail_unless_equals_int (element->numpads, pads);
  }
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (pad);
  gst_object_unref (element);
}

GST_END_TEST;

/* A network that is not there: the start itself fails. */
GST_START_TEST (test_no_network)
{
  GstElement *element = make (&elements[1]);
  guint pads = element->numpads;

  g_object_set (element, "model-file", "/nonexistent.onnx", NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  fail_unless_equals_int (element->numpads, pads);
  g_object_set (element, "model-file", elements[1].model_file, NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_SUCCESS);
  fail_unless_equals_int (element->numpads, pads + 2);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
}

GST_END_TEST;

GST_START_TEST (test_properties)
{
  const Element *e = &elements[__i__];
  GstElement *element = make (e);
  gchar *name;
  guint threads;

  g_object_get (element, "model-file", &name, NULL);
  fail_unless_equals_string (name, e->model_file);
  g_free (name);
  if (e->threads) {
    g_object_get (element, "threads", &threads, NULL);
    fail_unless_equals_int (threads, 3);
  } else {
    fail_unless (g_object_class_find_property (G_OBJECT_GET_CLASS (element),
            "threads") == NULL);
  }
  gst_object_unref (element);
}

GST_END_TEST;

static Suite *
compressedfilter_suite (void)
{
  Suite *s = suite_create ("compressedfilter");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_loop_test (tc, test_failed_start, 0, G_N_ELEMENTS (elements));
  tcase_add_test (tc, test_no_network);
  tcase_add_loop_test (tc, test_properties, 0, G_N_ELEMENTS (elements));

  return s;
}

GST_CHECK_MAIN (compressedfilter);
