/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the library knows about pixel formats. */
#include <walloc/image.h>

/* Bytes per sample position of one plane, and whether it has half as many
 * (rounded up) along each axis; 0 bytes: no such plane. */
typedef struct
{
  uint8_t bytes, half_width, half_height;
} plane_layout;

typedef struct
{
  const char *name;
  plane_layout plane[3];
} format_layout;

static const format_layout layouts[WALLOC_FORMAT_COUNT] = {
  [WALLOC_FORMAT_GRAY8] = {"GRAY8", {{1, 0, 0}}},
  [WALLOC_FORMAT_I420] = {"I420", {{1, 0, 0}, {1, 1, 1}, {1, 1, 1}}},
  [WALLOC_FORMAT_NV12] = {"NV12", {{1, 0, 0}, {2, 1, 1}}},
  [WALLOC_FORMAT_Y42B] = {"Y42B", {{1, 0, 0}, {1, 1, 0}, {1, 1, 0}}},
  [WALLOC_FORMAT_Y444] = {"Y444", {{1, 0, 0}, {1, 0, 0}, {1, 0, 0}}},
  [WALLOC_FORMAT_RGB] = {"RGB", {{3, 0, 0}}},
  [WALLOC_FORMAT_BGR] = {"BGR", {{3, 0, 0}}},
  [WALLOC_FORMAT_RGBX] = {"RGBx", {{4, 0, 0}}},
  [WALLOC_FORMAT_BGRX] = {"BGRx", {{4, 0, 0}}},
  [WALLOC_FORMAT_XRGB] = {"xRGB", {{4, 0, 0}}},
  [WALLOC_FORMAT_XBGR] = {"xBGR", {{4, 0, 0}}}
};

static const plane_layout *
find_plane (walloc_format format, unsigned plane)
{
  const plane_layout *p;

  /* the cast also catches negative values of the enum's type */
  if ((unsigned) format >= WALLOC_FORMAT_COUNT || plane >= 3)
    return NULL;
  p = &layouts[format].plane[plane];
  return p->bytes != 0 ? p : NULL;
}

static unsigned
half (unsigned n)
{
  return n / 2 + n % 2;
}

unsigned
walloc_format_planes (walloc_format format)
{
  unsigned n = 0;

  while (find_plane (format, n) != NULL)
    n++;
  return n;
}

size_t
walloc_format_row_bytes (walloc_format format, unsigned plane, unsigned width)
{
  const plane_layout *p = find_plane (format, plane);

  if (p == NULL)
    return 0;
  return (size_t) p->bytes * (p->half_width ? half (width) : width);
}

unsigned
walloc_format_rows (walloc_format format, unsigned plane, unsigned height)
{
  const plane_layout *p = find_plane (format, plane);

  if (p == NULL)
    return 0;
  return p->half_height ? half (height) : height;
}

const char *
walloc_format_name (walloc_format format)
{
  if ((unsigned) format >= WALLOC_FORMAT_COUNT)
    return NULL;
  return layouts[format].name;
}
