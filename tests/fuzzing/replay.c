/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a fuzz target without a fuzzing engine: over every seed, and over
 * mutated copies of it that are the same in every run, so the suite finds
 * shallow crashes on any machine.
 *
 * usage: replay [--mutations N] [--timeout SECONDS] [--max-size BYTES]
 *               FILE|FOLDER...
 * Prints TAP, one test per seed. An input that crashes or hangs the target is
 * left in crash-TARGET.bin in the working folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);
int LLVMFuzzerInitialize (int *argc, char ***argv) __attribute__((weak));
void __sanitizer_set_death_callback (void (*callback) (void))
    __attribute__((weak));

typedef struct
{
  char **paths;
  size_t count, room;
} PathList;

/* What a signal handler needs; it can reach nothing that is passed along. */
static const uint8_t *current_data;
static size_t current_size;
static char crash_path[256];

static void
save_current (void)
{
  int fd;
  size_t done = 0;

  if (!current_data)
    return;
  fd = open (crash_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0)
    return;
  while (done < current_size) {
    ssize_t n = write (fd, current_data + done, current_size - done);

    if (n <= 0)
      break;
    done += (size_t) n;
  }
  close (fd);
}

static void
on_signal (int number)
{
  static const char text[] =
      "# crash or time-out; the input is in crash-*.bin here\n";

  save_current ();
  if (write (STDERR_FILENO, text, sizeof (text) - 1) < 0)
    _exit (2);
  signal (number, SIG_DFL);
  raise (number);
}

static uint32_t
next_random (uint32_t * state)
{
  uint32_t x = *state;

  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

static size_t
random_below (uint32_t * state, size_t limit)
{
  return limit ? next_random (state) % limit : 0;
}

/* One change at a random place. @data has room for @room >= @size bytes;
 * returns the new size. */
static size_t
mutate_once (uint8_t * data, size_t size, size_t room, uint32_t * state)
{
  static const uint32_t edges[] = { 0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000,
    0xffff, 0x10000, 0x7fffffff, 0x80000000u, 0xffffffffu
  };
  size_t at = random_below (state, size), length, i;
  uint32_t value;

  if (size == 0) {
    data[0] = (uint8_t) next_random (state);
    return 1;
  }
  switch (random_below (state, 9)) {
    case 0:
      data[at] ^= (uint8_t) (1u << random_below (state, 8));
      return size;
    case 1:
      data[at] = (uint8_t) next_random (state);
      return size;
    case 2:
      data[at] = (uint8_t) (data[at] + (next_random (state) & 1 ? 1 : -1));
      return size;
    case 3:
      return at;
    case 4:
      /* lengths and offsets are 1 to 4 bytes, little-endian */
      value = edges[random_below (state, sizeof (edges) / sizeof (edges[0]))];
      length = (size_t) 1 << random_below (state, 3);
      for (i = 0; i < length && at + i < size; i++)
        data[at + i] = (uint8_t) (value >> (8 * i));
      return size;
    case 5:
      length = 1 + random_below (state, size - at);
      memset (data + at, next_random (state) & 1 ? 0xff : 0, length);
      return size;
    case 6:
      length = 1 + random_below (state, size - at);
      memmove (data + at, data + at + length, size - at - length);
      return size - length;
    case 7:
      length = 1 + random_below (state, size - at);
      if (length > room - size)
        length = room - size;
      memmove (data + at + length, data + at, size - at);
      return size + length;
    default:
      /* text inside (JSON): swap two bytes */
      i = random_below (state, size);
      value = data[at];
      data[at] = data[i];
      data[i] = (uint8_t) value;
      return size;
  }
}

static void
run_one (const uint8_t * data, size_t size, unsigned timeout)
{
  /* a copy of the exact size, so that reading one byte too far is seen */
  uint8_t *copy = malloc (size ? size : 1);

  if (!copy) {
    fprintf (stderr, "out of memory for %zu bytes\n", size);
    exit (2);
  }
  if (size)
    memcpy (copy, data, size);
  current_size = size;
  current_data = copy;
  alarm (timeout);
  LLVMFuzzerTestOneInput (copy, size);
  alarm (0);
  current_data = NULL;
  free (copy);
}

static void
add_path (PathList * list, const char *folder, const char *name)
{
  size_t length = strlen (folder) + strlen (name) + 2;
  char *path;

  if (list->count == list->room) {
    list->room = list->room ? 2 * list->room : 64;
    list->paths = realloc (list->paths, list->room * sizeof (char *));
  }
  path = malloc (length);
  if (!path || !list->paths) {
    fprintf (stderr, "out of memory for the list of seeds\n");
    exit (2);
  }
  snprintf (path, length, "%s%s%s", folder, *folder ? "/" : "", name);
  list->paths[list->count++] = path;
}

static int
compare_paths (const void *a, const void *b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* Seeds of one argument: the file itself, or the files of the folder. */
static void
collect (PathList * list, const char *argument)
{
  struct dirent *entry;
  struct stat info;
  DIR *folder;

  if (stat (argument, &info) != 0) {
    fprintf (stderr, "%s: %s\n", argument, strerror (errno));
    exit (2);
  }
  if (!S_ISDIR (info.st_mode)) {
    add_path (list, "", argument);
    return;
  }
  folder = opendir (argument);
  if (!folder) {
    fprintf (stderr, "%s: %s\n", argument, strerror (errno));
    exit (2);
  }
  while ((entry = readdir (folder)) != NULL) {
    if (entry->d_name[0] != '.' && strcmp (entry->d_name, "README.md") != 0)
      add_path (list, argument, entry->d_name);
  }
  closedir (folder);
}

static uint8_t *
read_seed (const char *path, size_t max_size, size_t *size)
{
  FILE *file = fopen (path, "rb");
  uint8_t *data;

  /* twice the room: insertions grow a copy */
  data = malloc (2 * max_size + 16);
  if (!file || !data) {
    fprintf (stderr, "%s: %s\n", path, strerror (errno));
    exit (2);
  }
  *size = fread (data, 1, max_size, file);
  fclose (file);
  return data;
}

int
main (int argc, char **argv)
{
  static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL,
    SIGALRM
  };
  PathList list = { NULL, 0, 0 };
  size_t max_size = 4u << 20, i, size;
  unsigned mutations = 200, timeout = 30, m, k;
  const char *name = strrchr (argv[0], '/');
  uint8_t *seed, *copy;

  snprintf (crash_path, sizeof (crash_path), "crash-%s.bin",
      name ? name + 1 : argv[0]);
  for (i = 1; i < (size_t) argc; i++) {
    if (strcmp (argv[i], "--mutations") == 0 && i + 1 < (size_t) argc)
      mutations = (unsigned) strtoul (argv[++i], NULL, 10);
    else if (strcmp (argv[i], "--timeout") == 0 && i + 1 < (size_t) argc)
      timeout = (unsigned) strtoul (argv[++i], NULL, 10);
    else if (strcmp (argv[i], "--max-size") == 0 && i + 1 < (size_t) argc)
      max_size = strtoul (argv[++i], NULL, 10);
    else
      collect (&list, argv[i]);
  }
  if (list.count == 0) {
    fprintf (stderr, "usage: %s [--mutations N] [--timeout SECONDS] "
        "[--max-size BYTES] FILE|FOLDER...\n", argv[0]);
    return 2;
  }
  qsort (list.paths, list.count, sizeof (char *), compare_paths);
  for (i = 0; i < sizeof (signals) / sizeof (signals[0]); i++)
    signal (signals[i], on_signal);
  /* a sanitizer reports by itself; it only has to leave the input behind */
  if (__sanitizer_set_death_callback)
    __sanitizer_set_death_callback (save_current);
  if (LLVMFuzzerInitialize)
    LLVMFuzzerInitialize (&argc, &argv);

  printf ("1..%zu\n", list.count);
  for (i = 0; i < list.count; i++) {
    seed = read_seed (list.paths[i], max_size, &size);
    copy = malloc (2 * max_size + 16);
    if (!copy) {
      fprintf (stderr, "out of memory for a copy of %s\n", list.paths[i]);
      return 2;
    }
    run_one (seed, size, timeout);
    for (m = 0; m < mutations; m++) {
      /* a state of its own per copy: any of them can be made again alone */
      uint32_t state = 0x9e3779b9u ^ (m * 2654435761u + 1);
      size_t new_size = size;
      unsigned changes;

      memcpy (copy, seed, size);
      next_random (&state);
      changes = 1u << random_below (&state, 4);
      for (k = 0; k < changes; k++)
        new_size = mutate_once (copy, new_size, 2 * max_size, &state);
      run_one (copy, new_size, timeout);
    }
    printf ("ok %zu - %s and %u mutations\n", i + 1, list.paths[i], mutations);
    fflush (stdout);
    free (copy);
    free (seed);
    free (list.paths[i]);
  }
  free (list.paths);
  return 0;
}
