/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pictures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX 256

static int
fail (pictures * p, const char *what)
{
  snprintf (p->error, sizeof p->error, "%s", what);
  return 0;
}

int
picture_alloc (walloc_image * image, walloc_format format, unsigned width,
    unsigned height)
{
  size_t bytes[3] = { 0 }, total = 0;
  unsigned i;

  if (image->plane[0] != NULL && image->format == format &&
      image->width == width && image->height == height)
    return 1;
  picture_free (image);
  for (i = 0; i < walloc_format_planes (format); i++) {
    image->stride[i] = (ptrdiff_t) walloc_format_row_bytes (format, i, width);
    bytes[i] = (size_t) image->stride[i] *
        walloc_format_rows (format, i, height);
    total += bytes[i];
  }
  image->plane[0] = malloc (total);
  if (image->plane[0] == NULL) {
    fprintf (stderr, "walloc: no memory for a picture of %ux%u\n", width,
        height);
    return 0;
  }
  for (i = 1; i < walloc_format_planes (format); i++)
    image->plane[i] = image->plane[i - 1] + bytes[i - 1];
  image->format = format;
  image->width = width;
  image->height = height;
  return 1;
}

void
picture_free (walloc_image * image)
{
  free (image->plane[0]);
  memset (image, 0, sizeof *image);
}

/* All planes, one after another, as both kinds of file have them. */
static int
transfer (pictures * p, walloc_image * image, int writing)
{
  unsigned i, y, rows;
  size_t bytes, done;

  for (i = 0; i < walloc_format_planes (image->format); i++) {
    rows = walloc_format_rows (image->format, i, image->height);
    bytes = walloc_format_row_bytes (image->format, i, image->width);
    for (y = 0; y < rows; y++) {
      uint8_t *row = image->plane[i] + (ptrdiff_t) y * image->stride[i];

      done = writing ? fwrite (row, bytes, 1, p->file) :
          fread (row, bytes, 1, p->file);
      if (done != 1)
        return fail (p, writing ? strerror (errno) :
            "the file ends within a picture");
    }
  }
  p->frames++;
  return 1;
}

/* A line without its end; 0 at the end of the file or when it is too long. */
static int
read_line (FILE * file, char *line)
{
  size_t n = 0;
  int c;

  while ((c = fgetc (file)) != EOF && c != '\n' && n + 1 < HEADER_MAX)
    line[n++] = (char) c;
  line[n] = 0;
  return c == '\n';
}

/* A number after white space and comments. */
static int
read_number (FILE * file, unsigned *value)
{
  int c = fgetc (file);

  for (;;) {
    if (c == '#')
      while (c != '\n' && c != EOF)
        c = fgetc (file);
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
      break;
    c = fgetc (file);
  }
  if (c < '0' || c > '9')
    return 0;
  for (*value = 0; c >= '0' && c <= '9' && *value < 100000; c = fgetc (file))
    *value = *value * 10 + (unsigned) (c - '0');
  /* one character of white space behind it is part of the header */
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int
set_colour_space (pictures * p, const char *name)
{
  static const struct
  {
    const char *name;
    walloc_format format;
  } known[] = {
    {"420", WALLOC_FORMAT_I420}, {"420jpeg", WALLOC_FORMAT_I420},
    {"420mpeg2", WALLOC_FORMAT_I420}, {"420paldv", WALLOC_FORMAT_I420},
    {"422", WALLOC_FORMAT_Y42B}, {"444", WALLOC_FORMAT_Y444},
    {"mono", WALLOC_FORMAT_GRAY8}
  };
  size_t i;

  for (i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp (known[i].name, name) == 0) {
      p->format = known[i].format;
      return 1;
    }
  snprintf (p->error, sizeof p->error, "colour space C%.32s is not known; "
      "8-bit 420, 422, 444 and mono are", name);
  return 0;
}

static int
read_y4m_header (pictures * p)
{
  char line[HEADER_MAX], *word, *rest = NULL;

  p->format = WALLOC_FORMAT_I420;
  if (!read_line (p->file, line))
    return fail (p, "the header of the y4m file is cut short");
  for (word = strtok_r (line, " ", &rest); word != NULL;
      word = strtok_r (NULL, " ", &rest)) {
    if (word[0] == 'W')
      p->width = (unsigned) strtoul (word + 1, NULL, 10);
    else if (word[0] == 'H')
      p->height = (unsigned) strtoul (word + 1, NULL, 10);
    else if (word[0] == 'F')
      (void) sscanf (word + 1, "%u:%u", &p->fps_n, &p->fps_d);
    else if (word[0] == 'A')
      (void) sscanf (word + 1, "%u:%u", &p->par_n, &p->par_d);
    else if (word[0] == 'C' && !set_colour_space (p, word + 1))
      return 0;
    else if (word[0] == 'I' && word[1] != 'p' && word[1] != '?')
      fprintf (stderr, "walloc: %s: pictures are interlaced; fields are "
          "coded together\n", p->path);
  }
  return 1;
}

int
pictures_open (pictures * p, const char *path)
{
  char magic[10] = { 0 };

  memset (p, 0, sizeof *p);
  p->path = path;
  p->file = fopen (path, "rb");
  if (p->file == NULL)
    return fail (p, strerror (errno));
  if (fread (magic, 1, 2, p->file) == 2 && magic[0] == 'P' &&
      (magic[1] == '5' || magic[1] == '6')) {
    p->kind = PICTURES_PNM;
    rewind (p->file);
    return 1;
  }
  if (magic[0] == 'Y' && fread (magic + 2, 1, 7, p->file) == 7 &&
      memcmp (magic, "YUV4MPEG2", 9) == 0) {
    p->kind = PICTURES_Y4M;
    if (read_y4m_header (p))
      return 1;
  } else {
    fail (p, "neither a binary PPM or PGM file (P6, P5) nor YUV4MPEG2");
  }
  fclose (p->file);
  p->file = NULL;
  return 0;
}

static int
check_size (pictures * p, unsigned width, unsigned height)
{
  if (width >= 1 && width <= WALLOC_MAX_SIZE && height >= 1 &&
      height <= WALLOC_MAX_SIZE)
    return 1;
  snprintf (p->error, sizeof p->error, "pictures of %ux%u; 1x1 to %dx%d are "
      "possible", width, height, WALLOC_MAX_SIZE, WALLOC_MAX_SIZE);
  return 0;
}

static int
read_pnm (pictures * p, walloc_image * image)
{
  unsigned width, height, most;
  int c = fgetc (p->file), kind;

  /* some writers end pictures with a line feed */
  while (p->frames > 0 && (c == '\n' || c == '\r'))
    c = fgetc (p->file);
  if (c == EOF && p->frames > 0)
    return -1;
  kind = fgetc (p->file);
  if (c != 'P' || (kind != '5' && kind != '6') ||
      !read_number (p->file, &width) || !read_number (p->file, &height) ||
      !read_number (p->file, &most))
    return fail (p, "no PPM or PGM header");
  if (most != 255)
    return fail (p, "only samples of 0 to 255 are coded");
  if (!check_size (p, width, height) || !picture_alloc (image, kind == '6' ?
          WALLOC_FORMAT_RGB : WALLOC_FORMAT_GRAY8, width, height))
    return p->error[0] != 0 ? 0 : fail (p, "no memory");
  return transfer (p, image, 0);
}

int
pictures_read (pictures * p, walloc_image * image)
{
  char line[HEADER_MAX];
  int c;

  if (p->kind == PICTURES_PNM)
    return read_pnm (p, image);
  c = fgetc (p->file);
  if (c == EOF)
    return p->frames > 0 ? -1 : fail (p, "there is no picture in the file");
  ungetc (c, p->file);
  if (!read_line (p->file, line) || strncmp (line, "FRAME", 5) != 0)
    return fail (p, "no FRAME where one must be");
  if (!check_size (p, p->width, p->height) ||
      !picture_alloc (image, p->format, p->width, p->height))
    return p->error[0] != 0 ? 0 : fail (p, "no memory");
  return transfer (p, image, 0);
}

static int
ends_with (const char *path, const char *end)
{
  size_t n = strlen (path), m = strlen (end);

  return n >= m && strcmp (path + n - m, end) == 0;
}

int
pictures_create (pictures * p, const char *path, walloc_format * format,
    unsigned width, unsigned height)
{
  memset (p, 0, sizeof *p);
  p->path = path;
  p->width = width;
  p->height = height;
  if (ends_with (path, ".y4m")) {
    p->kind = PICTURES_Y4M;
    *format = *format >= WALLOC_FORMAT_RGB ? WALLOC_FORMAT_Y444 :
        *format == WALLOC_FORMAT_NV12 ? WALLOC_FORMAT_I420 : *format;
  } else if (ends_with (path, ".pgm")) {
    p->kind = PICTURES_PNM;
    *format = WALLOC_FORMAT_GRAY8;
  } else if (ends_with (path, ".ppm")) {
    p->kind = PICTURES_PNM;
    if (*format < WALLOC_FORMAT_Y444) {
      snprintf (p->error, sizeof p->error, "a %s stream is written as .y4m, "
          "or its luma as .pgm", walloc_format_name (*format));
      return 0;
    }
    *format = WALLOC_FORMAT_RGB;
  } else {
    return fail (p, "the name must end in .ppm, .pgm or .y4m");
  }
  p->format = *format;
  p->file = fopen (path, "wb");
  return p->file != NULL ? 1 : fail (p, strerror (errno));
}

int
pictures_write (pictures * p, const walloc_image * image)
{
  walloc_image copy = *image;
  int n;

  if (p->kind == PICTURES_PNM) {
    n = fprintf (p->file, "P%c\n%u %u\n255\n",
        image->format == WALLOC_FORMAT_RGB ? '6' : '5', image->width,
        image->height);
  } else {
    if (p->frames == 0)
      fprintf (p->file, "YUV4MPEG2 W%u H%u F%u:%u Ip A%u:%u C%s\n",
          image->width, image->height, p->fps_n ? p->fps_n : 25,
          p->fps_n ? p->fps_d : 1, p->par_n, p->par_n ? p->par_d : 0,
          image->format == WALLOC_FORMAT_I420 ? "420jpeg" :
          image->format == WALLOC_FORMAT_Y42B ? "422" :
          image->format == WALLOC_FORMAT_Y444 ? "444" : "mono");
    n = fprintf (p->file, "FRAME\n");
  }
  return n > 0 ? transfer (p, &copy, 1) : fail (p, strerror (errno));
}

int
pictures_close (pictures * p)
{
  int good = 1;

  if (p->file != NULL && fclose (p->file) != 0)
    good = fail (p, strerror (errno));
  p->file = NULL;
  return good;
}
