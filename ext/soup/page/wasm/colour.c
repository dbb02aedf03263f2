/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of luma and of chroma brought to full size, then one matrix. Loops are
 * written so that compilers make vectors of them. */
#include "colour.h"

#include "transform/clones.h"

#define BITS 16
/* Chroma rows count in 16ths: two interpolations of weights 3/4 and 1/4. */
#define CHROMA_ONE 16
#define CHROMA_ZERO (128 * CHROMA_ONE)
/* GStreamer's flags of chroma sites. */
#define SITE_H_COSITED 2
#define SITE_V_COSITED 4
/* Code points of matrices (ISO/IEC 23091-2). */
#define MATRIX_BT709 1
#define MATRIX_UNSPECIFIED 2
#define MATRIX_FCC 4
#define MATRIX_SMPTE240M 7
#define MATRIX_BT2020 9
/* The greatest height of standard definition. */
#define SD_HEIGHT 576

typedef struct
{
  int32_t black, luma;          /* level of black; times 2^BITS */
  int32_t red, green_u, green_v, blue;  /* times 2^BITS / 16 */
} matrix;

typedef struct
{
  unsigned half_x, half_y;      /* log2 of how much smaller chroma is */
  int left, top;                /* chroma lies on the even samples, not between */
} siting;

size_t
walloc_colour_scratch (unsigned width)
{
  /* two rows of chroma, and one that is half as wide with a sample more at
   * both ends */
  return 2 * (((size_t) width + 2) & ~(size_t) 1) + ((size_t) width + 1) / 2 +
      2;
}

static void
choose_matrix (const walloc_colour * colour, int grey, unsigned height,
    matrix * m)
{
  unsigned code = colour != NULL ? colour->matrix : MATRIX_UNSPECIFIED;
  unsigned range = colour != NULL ? colour->range : 0;
  double kr = 0.299, kb = 0.114, kg, y, c;
  int full = range == 1 || (range == 0 && grey);

  if (code == MATRIX_BT709 || (code == MATRIX_UNSPECIFIED &&
          height > SD_HEIGHT)) {
    kr = 0.2126;
    kb = 0.0722;
  } else if (code == MATRIX_FCC) {
    kr = 0.30;
    kb = 0.11;
  } else if (code == MATRIX_SMPTE240M) {
    kr = 0.212;
    kb = 0.087;
  } else if (code == MATRIX_BT2020) {
    kr = 0.2627;
    kb = 0.0593;
  }
  kg = 1 - kr - kb;
  y = full ? 1.0 : 255.0 / 219;
  c = (full ? 1.0 : 255.0 / 224) * ((1 << BITS) / CHROMA_ONE);
  m->black = full ? 0 : 16;
  m->luma = (int32_t) (y * (1 << BITS) + 0.5);
  m->red = (int32_t) (2 * (1 - kr) * c + 0.5);
  m->blue = (int32_t) (2 * (1 - kb) * c + 0.5);
  m->green_u = (int32_t) (2 * (1 - kb) * kb / kg * c + 0.5);
  m->green_v = (int32_t) (2 * (1 - kr) * kr / kg * c + 0.5);
}

static void
choose_siting (const walloc_colour * colour, walloc_format format,
    unsigned height, siting * s)
{
  unsigned site = colour != NULL ? colour->chroma_site : 0;

  if (site == 0 && height > SD_HEIGHT)
    site = SITE_H_COSITED;
  s->half_x = format != WALLOC_FORMAT_Y444;
  s->half_y = format == WALLOC_FORMAT_I420;
  s->left = (site & SITE_H_COSITED) != 0;
  s->top = (site & SITE_V_COSITED) != 0;
}

/* Samples of a chroma plane for row y of luma, times 4. n of them. */
static void
mix_rows (const walloc_image * image, unsigned plane, const siting * s,
    unsigned y, unsigned n, int16_t * restrict out)
{
  unsigned rows = walloc_format_rows (image->format, plane, image->height);
  unsigned near = y >> s->half_y, far = near, i;
  const uint8_t *a, *b;
  int weight = 4;

  if (s->half_y && !s->top) {
    weight = 3;
    far = y & 1 ? near + 1 : near - (near > 0);
  } else if (s->half_y && (y & 1)) {
    weight = 2;
    far = near + 1;
  }
  far = far < rows ? far : rows - 1;
  a = image->plane[plane] + (ptrdiff_t) near *image->stride[plane];
  b = image->plane[plane] + (ptrdiff_t) far *image->stride[plane];
  for (i = 0; i < n; i++)
    out[i] = (int16_t) (weight * a[i] + (4 - weight) * b[i]);
}

WALLOC_INLINE uint32_t
pack (int32_t even, int32_t odd)
{
  return (uint32_t) even | (uint32_t) odd << 16;
}

/* One row of chroma in 16ths, as wide as luma, into out, which begins at a
 * multiple of 4 bytes. half: room for (width + 1) / 2
 * + 2. Of an odd width one sample more than that is written. */
static void
chroma_row (const walloc_image * image, unsigned plane, const siting * s,
    unsigned y, int16_t * restrict half, int16_t * restrict out)
{
  unsigned n = (image->width + s->half_x) >> s->half_x, i;
  const int16_t *in = half + 1;
  uint32_t *pair = (uint32_t *) out;

  if (!s->half_x) {
    mix_rows (image, plane, s, y, n, out);
    for (i = 0; i < n; i++)
      out[i] = (int16_t) (4 * out[i]);
    return;
  }
  mix_rows (image, plane, s, y, n, half + 1);
  half[0] = half[1];
  half[n + 1] = half[n];
  /* two at once, which is what vectors can store */
  if (s->left)
    for (i = 0; i < n; i++)
      pair[i] = pack (4 * in[i], 2 * (in[i] + in[i + 1]));
  else
    for (i = 0; i < n; i++)
      pair[i] = pack (3 * in[i] + in[(ptrdiff_t) i - 1], 3 * in[i] + in[i + 1]);
}

WALLOC_INLINE uint32_t
clamp (int32_t v)
{
  v >>= BITS;
  v = v < 0 ? 0 : v;
  return (uint32_t) (v > 255 ? 255 : v);
}

static void
convert_row (const matrix * m, const uint8_t * restrict luma,
    const int16_t * restrict cb, const int16_t * restrict cr, unsigned n,
    uint32_t * restrict out)
{
  const matrix k = *m;
  unsigned i;

  for (i = 0; i < n; i++) {
    int32_t y = (luma[i] - k.black) * k.luma + (1 << (BITS - 1));
    int32_t u = cb[i] - CHROMA_ZERO, v = cr[i] - CHROMA_ZERO;

    out[i] = clamp (y + k.red * v) |
        clamp (y - k.green_u * u - k.green_v * v) << 8 |
        clamp (y + k.blue * u) << 16 | 0xff000000u;
  }
}

void
walloc_colour_rgba (const walloc_image * image, const walloc_colour * colour,
    unsigned full_height, int16_t * scratch, uint32_t * rgba)
{
  int grey = image->format == WALLOC_FORMAT_GRAY8;
  size_t room = ((size_t) image->width + 2) & ~(size_t) 1;
  int16_t *cb = scratch, *cr = cb + room, *half = cr + room;
  unsigned y, i;
  siting s;
  matrix m;

  choose_matrix (colour, grey, full_height, &m);
  choose_siting (colour, image->format, full_height, &s);
  for (i = 0; i < image->width; i++)
    cb[i] = cr[i] = CHROMA_ZERO;
  for (y = 0; y < image->height; y++) {
    if (!grey) {
      chroma_row (image, 1, &s, y, half, cb);
      chroma_row (image, 2, &s, y, half, cr);
    }
    convert_row (&m, image->plane[0] + (ptrdiff_t) y * image->stride[0], cb,
        cr, image->width, rgba + (size_t) y * image->width);
  }
}
