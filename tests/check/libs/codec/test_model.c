/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Model files: what loading gives, and files that are cut short or noisy. What
 * else may be wrong with them is in test_model_bad.c. */
#include <walloc/model.h>

#include <math.h>
#include <string.h>

#include "common/bytes.h"
#include "model/model.h"
#include "model_file.h"
#include "tap.h"
#include "transform/intwavelet.h"

#define ORDERED TEST_GOLDEN_DIR "/models/ordered-test.wlm"
#define REFERENCE TEST_GOLDEN_DIR "/models/reference-test.wlm"
#define SOUND TEST_GOLDEN_DIR "/models/reference-sound-test.wlm"

/* From training/walloc_model.py, which computes them on its own. */
#define ORDERED_ID UINT64_C (0x4d25cde431323797)

/* A heap that counts, and fails at a chosen allocation. */
typedef struct
{
  unsigned calls, live, fail_at;
} counting_heap;

static void *
heap_alloc (void *user, size_t size)
{
  counting_heap *heap = user;
  void *block;

  if (++heap->calls == heap->fail_at)
    return NULL;
  block = malloc (size);
  heap->live += block != NULL;
  return block;
}

static void
heap_free (void *user, void *block)
{
  ((counting_heap *) user)->live--;
  free (block);
}

static void
test_ordered (void)
{
  const walloc_tap_list *list;
  const walloc_freq_table *t;
  walloc_model_info info;
  walloc_model *m = NULL;
  walloc_error error;
  unsigned step, channels, c, k, bad = 0, sum;
  double entry, gain;

  if (!TAP_OK (walloc_model_load (ORDERED, NULL, &m, &error) == WALLOC_OK,
          "ordered-test.wlm loads"))
    return;
  walloc_model_get_info (m, &info);
  TAP_OK (info.kind == WALLOC_MODEL_ORDERED && info.channels == 192 &&
      info.sets == 2 && info.levels == 3 &&
      strcmp (info.name, "ordered-test") == 0, "its facts");
  TAP_OK (info.id == ORDERED_ID, "its id is the one that Python computes");
  TAP_OK (info.formats == 0x7ff && info.decoders == 3,
      "it takes all formats and has a linear decoder");
  TAP_OK (walloc_model_quality (m, 1, &step, &channels) == WALLOC_OK &&
      step == 176 && channels == 37 &&
      walloc_model_quality (m, 100, &step, &channels) == WALLOC_OK &&
      step == 0 && channels == 192, "quality 1, with the "
      "channels of its smaller step, and 100");
  TAP_OK (walloc_model_quality (m, 0, &step, &channels) ==
      WALLOC_ERR_ARGUMENT && walloc_model_quality (m, 101, NULL, NULL) ==
      WALLOC_ERR_ARGUMENT, "quality 0 and 101 do not exist");
  TAP_OK (strcmp (walloc_model_metadata (m, "walloc.licence"),
          "LGPL-2.1-or-later") == 0 &&
      walloc_model_metadata (m, "walloc.nothing") == NULL, "metadata");
  TAP_OK (walloc_model_set_of_step (m, 0) == 0 &&
      walloc_model_set_of_step (m, 72) == 0 &&
      walloc_model_set_of_step (m, 73) == 1 &&
      walloc_model_set_of_step (m, 176) == 1, "sets by step");

  /* each row has one entry; it must be the gain that C states */
  for (c = 0; c < 192; c++) {
    sum = 0;
    for (k = 0; k < 96; k++) {
      entry = m->analysis[96 * c + k];
      if (entry == 0)
        continue;
      sum++;
      gain = m->group[c] == 0 ? walloc_int_gain (k, 3) :
          m->group[c] == 1 ? walloc_int_gain (k % 16, 2) :
          walloc_int_gain (16 + k % 48, 3);
      gain = ldexp (gain, (int) (WALLOC_INT_FRACTION + m->analysis_bits));
      bad += fabs (entry - gain) > 0.501 || m->synthesis[96 * c + k] != 1;
    }
    bad += sum != 1;
  }
  TAP_OK (bad == 0, "its projection has the gains of intwavelet.h");

  list = &m->set[1].taps[0];
  TAP_OK (list->count[0] == 3 && list->count[1] == 4
      && list->tap[0].weight == 192 && list->tap[0].dx == -1
      && list->tap[2].weight == -128
      && list->tap[3].weight == 23, "mean taps come first, in order");
  list = &m->set[0].taps[191];
  TAP_OK (list->count[0] == 0 && list->count[1] == 9
      && list->tap[0].plane == 191
      && list->tap[8].plane < 191, "the last channel has lower ones as taps");
  bad = 0;
  for (c = 0; c < m->info.channels; c += 7) {
    for (k = 0; k < m->buckets * 4; k++) {
      t = walloc_model_table (m, 1, c, k / 4, k % 4);
      sum = 2u * m->max_symbol[k / 4] + 2;
      bad += t->symbol[0].start != 0 || t->first[0] != -32768 ||
          t->symbol[sum - 1].start + t->symbol[sum - 1].freq != 32768 ||
          t->symbol[1].start != t->first[1] + 32768 ||
          (sum < 32 && (t->symbol[sum].freq != 0 || t->first[sum] != 0));
    }
  }
  TAP_OK (bad == 0, "frequency tables are complete");
  TAP_OK (((uintptr_t) m->set[0].tables & 63) == 0 &&
      ((uintptr_t) m->synthesis & 63) == 0, "tables are aligned");
  TAP_OK (walloc_model_ref (m) == m, "a second reference");
  walloc_model_unref (m);
  TAP_OK (m->info.channels == 192, "keeps the model alive");
  walloc_model_unref (m);
}

static void
test_reference (void)
{
  walloc_model_info info;
  walloc_model *m = NULL;
  walloc_error error;
  unsigned i, j, k, step, channels;
  double product, worst = 0;

  if (!TAP_OK (walloc_model_load (REFERENCE, NULL, &m, &error) == WALLOC_OK,
          "reference-test.wlm loads"))
    return;
  walloc_model_get_info (m, &info);
  TAP_OK (info.kind == WALLOC_MODEL_REFERENCE && info.channels == 12 &&
      info.sets == 1 && info.formats == 0x7e0 && info.decoders == 3 &&
      m->latent_bits == 8, "its facts");
  TAP_OK (walloc_model_quality (m, 37, &step, &channels) == WALLOC_OK &&
      step == 0 && channels == 12, "quality changes nothing");
  TAP_OK (m->analysis == NULL && m->set[0].weight == NULL,
      "it has no tables of the other kind");
  for (i = 0; i < 12; i++) {
    for (j = 0; j < 12; j++) {
      product = i == j ? -1 : 0;
      for (k = 0; k < 192; k++)
        product += (double) m->analysis_f[192 * i + k] * m->linear[12 * k + j];
      worst = fmax (worst, fabs (product));
    }
  }
  TAP_OK (worst < 1e-5, "its linear decoder inverts: %g", worst);
  walloc_model_unref (m);
}

static void
test_reference_sound (void)
{
  walloc_model_info info;
  walloc_model *m = NULL;

  if (!TAP_OK (walloc_model_load (SOUND, NULL, &m, NULL) == WALLOC_OK,
          "reference-sound-test.wlm loads"))
    return;
  walloc_model_get_info (m, &info);
  TAP_OK (info.kind == WALLOC_MODEL_REFERENCE && info.channels == 24 &&
      info.media == WALLOC_MEDIA_AUDIO && info.levels == 8 &&
      info.formats == 0 && info.decoders == 3 && m->latent_bits == 8 &&
      m->post == NULL, "its facts");
  walloc_model_unref (m);
}

static void
test_arguments (void)
{
  walloc_model *m = (walloc_model *) & m;
  walloc_model_info info;
  walloc_error error;

  TAP_OK (walloc_model_load ("/no/such/model.wlm", NULL, &m, &error) ==
      WALLOC_ERR_NOT_FOUND && m == NULL, "no file: %s", error.text);
  TAP_OK (walloc_model_load ("/", NULL, &m, &error) == WALLOC_ERR_IO,
      "a folder: %s", error.text);
  TAP_OK (walloc_model_load ("/dev/null", NULL, &m, &error) ==
      WALLOC_ERR_IO, "a device: %s", error.text);
  TAP_OK (walloc_model_load (__FILE__, NULL, &m, &error) != WALLOC_OK,
      "a C file: %s", error.text);
  TAP_OK (walloc_model_load (NULL, NULL, &m, &error) == WALLOC_ERR_ARGUMENT,
      "no path");
  TAP_OK (walloc_model_load (ORDERED, NULL, NULL, &error) ==
      WALLOC_ERR_ARGUMENT, "no place for the model");
  TAP_OK (walloc_model_load_memory (NULL, 8, NULL, &m, &error) ==
      WALLOC_ERR_ARGUMENT, "no memory");
  TAP_OK (walloc_model_load_memory (NULL, 0, NULL, &m, NULL) ==
      WALLOC_ERR_MODEL, "nothing at all, and no place for the text");
  TAP_OK (walloc_model_load_memory (ORDERED, (size_t) 513 << 20, NULL, &m,
          &error) == WALLOC_ERR_LIMIT, "513 MiB: %s", error.text);
  TAP_OK (walloc_model_ref (NULL) == NULL &&
      walloc_model_metadata (NULL, "x") == NULL, "no model");
  walloc_model_unref (NULL);
  memset (&info, 1, sizeof info);
  walloc_model_get_info (NULL, &info);
  TAP_OK (info.channels == 0, "no facts");
}

static void
test_memory (void)
{
  counting_heap heap = { 0, 0, 0 };
  walloc_allocator a = { heap_alloc, heap_free, &heap, 0 };
  walloc_model *m = NULL;
  walloc_error error;
  unsigned all, i, bad = 0;
  size_t limit, used;

  TAP_OK (walloc_model_load (REFERENCE, &a, &m, &error) == WALLOC_OK &&
      heap.live > 10, "the caller's heap is used");
  used = m->mem.used;
  walloc_model_unref (m);
  TAP_OK (heap.live == 0, "and all of it given back");
  all = heap.calls;
  for (i = 1; i <= all; i++) {
    heap.calls = 0;
    heap.fail_at = i;
    bad += walloc_model_load (REFERENCE, &a, &m, &error) != WALLOC_ERR_MEMORY
        || m != NULL || heap.live != 0;
  }
  TAP_OK (bad == 0, "each of %u failing allocations is survived", all);
  heap.fail_at = 0;
  bad = 0;
  for (limit = 1; limit < used; limit += 97) {
    a.limit = limit;
    bad += walloc_model_load (REFERENCE, &a, &m, &error) != WALLOC_ERR_LIMIT
        || m != NULL || heap.live != 0;
  }
  TAP_OK (bad == 0, "limits are kept: %s", error.text);
  a.limit = used;
  TAP_OK (walloc_model_load (REFERENCE, &a, &m, &error) == WALLOC_OK,
      "%lu bytes suffice", (unsigned long) used);
  walloc_model_unref (m);
}

/* Cut short everywhere in the head, and at many places behind it. */
static void
test_truncation (const char *path)
{
  model_file *f = model_file_open (path);
  walloc_model *m = NULL;
  walloc_error error;
  uint8_t *bytes, *exact;
  size_t size, n, header;
  unsigned bad = 0, silent = 0, count = 0;

  bytes = model_file_bytes (f, &size);
  header = 8 + (size_t) walloc_get_u64 (bytes);
  for (n = 0; n < size; n += n < header + 64 ? 1 : 397) {
    exact = malloc (n + 1);
    memcpy (exact, bytes, n);
    error.text[0] = '\0';
    bad += walloc_model_load_memory (exact, n, NULL, &m, &error) !=
        WALLOC_ERR_MODEL || m != NULL;
    silent += error.text[0] == '\0';
    count++;
    free (exact);
  }
  TAP_OK (bad == 0, "%u truncations are refused", count);
  TAP_OK (silent == 0, "with a reason");
  exact = malloc (size + 1);
  memcpy (exact, bytes, size);
  exact[size] = 0;
  TAP_OK (walloc_model_load_memory (exact, size + 1, NULL, &m, &error) ==
      WALLOC_ERR_MODEL, "a byte too many: %s", error.text);
  TAP_OK (walloc_model_load_memory (bytes, size, NULL, &m, &error) ==
      WALLOC_OK, "the whole is taken");
  walloc_model_unref (m);
  free (exact);
  free (bytes);
  model_file_free (f);
}

static uint64_t
id_of (const model_file * f)
{
  walloc_model_info info = { 0 };
  walloc_model *m = NULL;
  walloc_error error;
  uint8_t *bytes;
  size_t size;

  bytes = model_file_bytes (f, &size);
  if (walloc_model_load_memory (bytes, size, NULL, &m, &error) != WALLOC_OK)
    printf ("# %s\n", error.text);
  walloc_model_get_info (m, &info);
  walloc_model_unref (m);
  free (bytes);
  return info.id;
}

static void
test_id (void)
{
  static const struct
  {
    const char *name;
    size_t index;
    int32_t value;
    int same;
  } rows[] = {
    {"codec.rounding", 3, 77, 1},
    {"codec.quality", 0, 175, 1},
    {"codec.scale", 0, 140, 1},
    {"codec.weight", 3, 4097, 0},
    {"codec.active", 3, 1234, 0},
    {"codec.synthesis", 1, 0x3dcccccd, 0}
  };
  model_file *f = model_file_open (ORDERED);
  uint64_t id;
  unsigned i;

  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    model_file_free (f);
    f = model_file_open (ORDERED);
    model_file_poke (f, rows[i].name, rows[i].index, rows[i].value);
    id = id_of (f);
    TAP_OK (id != 0 && (id == ORDERED_ID) == rows[i].same,
        "%s %s the id", rows[i].name, rows[i].same ? "keeps" : "changes");
  }
  model_file_free (f);
  f = model_file_open (ORDERED);
  model_file_metadata (f, "walloc.name", "renamed");
  TAP_OK (id_of (f) == ORDERED_ID, "the name is not part of the id");
  model_file_append (f, "decoder.fast.onnx", "U8", 5, "onnx!");
  TAP_OK (id_of (f) == ORDERED_ID, "nor are networks");
  model_file_append (f, "codec.zzz", "U8", 1, "x");
  id = id_of (f);
  TAP_OK (id != 0 && id != ORDERED_ID, "unknown tensors of the codec are");
  model_file_free (f);
}

static void
test_networks (void)
{
  walloc_model_info info;
  walloc_model *m = NULL;
  walloc_error error;
  uint8_t *bytes, *odd;
  model_file *f;
  size_t size;

  f = model_file_open (ORDERED);
  model_file_append (f, "decoder.fast.onnx", "U8", 5, "first");
  model_file_append (f, "decoder.best.onnx", "U8", 6, "second");
  bytes = model_file_bytes (f, &size);
  /* at an odd address, to see that no tensor is read in place */
  odd = malloc (size + 1);
  memcpy (odd + 1, bytes, size);
  TAP_OK (walloc_model_load_memory (odd + 1, size, NULL, &m, &error) ==
      WALLOC_OK, "a model with networks loads%s", "");
  memset (odd, 0xff, size + 1);
  walloc_model_get_info (m, &info);
  TAP_OK (info.decoders == 15, "and says that it has them");
  TAP_OK (m != NULL && m->fast.size == 5 &&
      memcmp (m->fast.data, "first", 5) == 0 && m->best.size == 6 &&
      memcmp (m->best.data, "second", 6) == 0,
      "their bytes stay when the caller's are gone");
  walloc_model_unref (m);
  free (odd);
  free (bytes);
  model_file_append (f, "decoder.third", "F32", 4, "\0\0\200\177");
  TAP_OK (model_file_load (f, &error) == WALLOC_OK,
      "tensors of others are ignored");
  model_file_free (f);
  f = model_file_open (ORDERED);
  model_file_append (f, "decoder.best.onnx", "I8", 5, "first");
  refused (f, "decoder.best.onnx", "a network of another type");
  model_file_free (f);
  f = model_file_open (ORDERED);
  model_file_append (f, "decoder.fast.onnx", "U8", 0, "");
  refused (f, "decoder.fast.onnx", "an empty network");
  model_file_free (f);
}

/* No byte of the header may change unnoticed into a crash. */
static void
test_noise (void)
{
  model_file *f = model_file_open (REFERENCE);
  walloc_model *m = NULL;
  walloc_error error;
  unsigned seed = 5, i, j, taken = 0;
  uint8_t *bytes, *copy;
  size_t size, header;

  bytes = model_file_bytes (f, &size);
  header = 8 + (size_t) walloc_get_u64 (bytes);
  copy = malloc (size);
  for (i = 0; i < 4000; i++) {
    memcpy (copy, bytes, size);
    for (j = 0; j < 1 + i % 3; j++)
      copy[tap_random (&seed) % (i % 2 ? header : size)] =
          (uint8_t) tap_random (&seed);
    if (walloc_model_load_memory (copy, size, NULL, &m, &error) == WALLOC_OK)
      taken++;
    walloc_model_unref (m);
  }
  TAP_OK (taken < 4000, "4000 files with noise: %u harmless", taken);
  free (copy);
  free (bytes);
  model_file_free (f);
}

int
main (void)
{
  test_ordered ();
  test_reference ();
  test_reference_sound ();
  test_arguments ();
  test_memory ();
  test_truncation (REFERENCE);
  test_id ();
  test_networks ();
  test_noise ();
  return tap_done ();
}
