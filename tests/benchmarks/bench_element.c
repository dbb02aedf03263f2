/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time that elements need per buffer, without source and sink: the input is in
 * memory before the clock starts.
 *
 * usage: bench_element [--seconds S] [--save PREFIX] LAUNCH CAPS FILE...
 * Each FILE is one input buffer; they are pushed round after round until S
 * seconds (default 3) have passed, after one round that is not timed. --save
 * writes the outputs of that first round to PREFIX0000, PREFIX0001 ... Prints
 * one line of JSON; "stats" is that of the element named codec, as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gst/check/gstharness.h>
#include <gst/gst.h>

typedef struct
{
  guint64 frames, bytes;
  const gchar *save;
} Output;

static double
seconds_of (clockid_t clock)
{
  struct timespec t;

  clock_gettime (clock, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static void
drain (GstHarness * harness, Output * output)
{
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull (harness)) != NULL) {
    if (output->save) {
      gchar *path = g_strdup_printf ("%s%04u", output->save,
          (guint) output->frames);
      GstMapInfo map;

      gst_buffer_map (buffer, &map, GST_MAP_READ);
      if (!g_file_set_contents (path, (const gchar *) map.data,
              (gssize) map.size, NULL)) {
        g_printerr ("cannot write %s\n", path);
        exit (1);
      }
      gst_buffer_unmap (buffer, &map);
      g_free (path);
    }
    output->frames++;
    output->bytes += gst_buffer_get_size (buffer);
    gst_buffer_unref (buffer);
  }
}

static void
push_round (GstHarness * harness, GstBuffer ** inputs, guint count,
    guint64 * frame, Output * output)
{
  guint i;

  for (i = 0; i < count; i++) {
    /* shares the memory: only the time stamp is new */
    GstBuffer *buffer = gst_buffer_copy (inputs[i]);
    GstFlowReturn flow;

    GST_BUFFER_PTS (buffer) = (*frame)++ * GST_SECOND / 30;
    GST_BUFFER_DURATION (buffer) = GST_SECOND / 30;
    flow = gst_harness_push (harness, buffer);
    if (flow != GST_FLOW_OK) {
      g_printerr ("push failed: %s\n", gst_flow_get_name (flow));
      exit (1);
    }
    drain (harness, output);
  }
}

/* Prints @text as a JSON string. */
static void
print_string (const gchar * text)
{
  putchar ('"');
  for (; *text; text++) {
    if (*text == '"' || *text == '\\')
      putchar ('\\');
    putchar (*text);
  }
  putchar ('"');
}

static void
print_stats (GstHarness * harness, const gchar * key)
{
  GstElement *codec;
  GstStructure *stats = NULL;
  gchar *text;

  codec = gst_bin_get_by_name (GST_BIN (harness->element), "codec");
  if (!codec)
    return;
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (codec), "stats")) {
    g_object_get (codec, "stats", &stats, NULL);
    if (stats) {
      text = gst_structure_to_string (stats);
      printf (", \"%s\": ", key);
      print_string (text);
      g_free (text);
      gst_structure_free (stats);
    }
  }
  gst_object_unref (codec);
}

int
main (int argc, char **argv)
{
  double limit = 3, wall, cpu;
  Output output = { 0, 0, NULL };
  GstBuffer **inputs;
  GstHarness *harness;
  GstCaps *caps;
  guint64 frame = 0;
  guint count, i;
  gchar *text;
  int arg = 1;

  gst_init (&argc, &argv);
  while (arg + 1 < argc && g_str_has_prefix (argv[arg], "--")) {
    if (strcmp (argv[arg], "--seconds") == 0)
      limit = g_ascii_strtod (argv[arg + 1], NULL);
    else if (strcmp (argv[arg], "--save") == 0)
      output.save = argv[arg + 1];
    arg += 2;
  }
  if (argc - arg < 3) {
    g_printerr ("usage: %s [--seconds S] [--save PREFIX] LAUNCH CAPS "
        "FILE...\n", argv[0]);
    return 2;
  }
  harness = gst_harness_new_parse (argv[arg]);
  if (!harness) {
    g_printerr ("cannot make '%s'\n", argv[arg]);
    return 1;
  }
  gst_harness_set_src_caps_str (harness, argv[arg + 1]);
  count = (guint) (argc - arg - 2);
  inputs = g_new0 (GstBuffer *, count);
  for (i = 0; i < count; i++) {
    gchar *data;
    gsize size;

    if (!g_file_get_contents (argv[arg + 2 + (int) i], &data, &size, NULL)) {
      g_printerr ("cannot read %s\n", argv[arg + 2 + (int) i]);
      return 1;
    }
    inputs[i] = gst_buffer_new_wrapped (data, size);
  }

  push_round (harness, inputs, count, &frame, &output);
  if (output.frames == 0) {
    g_printerr ("'%s' gave no output\n", argv[arg]);
    return 1;
  }
  caps = gst_pad_get_current_caps (harness->sinkpad);
  text = caps ? gst_caps_to_string (caps) : g_strdup ("");
  printf ("{\"caps\": ");
  print_string (text);
  g_free (text);
  gst_clear_caps (&caps);
  print_stats (harness, "stats-before");

  output = (Output) {
  0, 0, NULL};
  wall = seconds_of (CLOCK_MONOTONIC);
  cpu = seconds_of (CLOCK_PROCESS_CPUTIME_ID);
  do {
    push_round (harness, inputs, count, &frame, &output);
  } while (seconds_of (CLOCK_MONOTONIC) - wall < limit);
  wall = seconds_of (CLOCK_MONOTONIC) - wall;
  cpu = seconds_of (CLOCK_PROCESS_CPUTIME_ID) - cpu;
  print_stats (harness, "stats");
  printf (", \"frames\": %" G_GUINT64_FORMAT ", \"bytes\": %"
      G_GUINT64_FORMAT ", \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n",
      output.frames, output.bytes, wall, cpu);

  for (i = 0; i < count; i++)
    gst_buffer_unref (inputs[i]);
  g_free (inputs);
  gst_harness_teardown (harness);
  return 0;
}
