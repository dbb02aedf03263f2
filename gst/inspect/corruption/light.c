/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Brightness and contrast. */
#include "corruption-private.h"

#include <string.h>

typedef struct
{
  uint8_t grey[256];            /* what becomes of a grey picture's samples */
  float by[256];                /* factor for the greatest of red, green, blue */
  uint8_t black;
} brightness;

typedef struct
{
  uint8_t table[3][256];
} contrast;

static uint8_t
byte_of (double v)
{
  return v <= 0.0 ? 0 : v >= 1.0 ? 255 : (uint8_t) (v * 255);
}

/* V of HSV, the greatest of the three, grows; hue and saturation stay, so all
 * three grow by the same factor. Black has none: it becomes grey. */
static int
prepare_brightness (corruption * c)
{
  static const double plus[5] = { .1, .2, .3, .4, .5 };
  brightness *b = c->own = corruption_alloc (1, 1, sizeof (*b));
  unsigned v;

  if (b == NULL)
    return 0;
  for (v = 0; v < 256; v++) {
    double to = v / 255.0 + plus[c->severity];

    b->grey[v] = byte_of (to);
    b->by[v] = v == 0 ? 0.0f : (float) ((to < 1.0 ? to : 1.0) * 255 / v);
  }
  b->black = byte_of (plus[c->severity]);
  return 1;
}

static void
brightness_rows (corruption * c, void *data, unsigned y0, unsigned y1,
    unsigned slot)
{
  brightness *b = c->own;
  unsigned x, y;

  for (y = y0; y < y1; y++) {
    size_t at = (size_t) y * c->width, to = y * c->stride;

    for (x = 0; x < c->width; x++) {
      uint8_t red = c->in[0][at + x], green, blue, top;

      if (c->planes == 1) {
        c->out[0][to + x] = b->grey[red];
        continue;
      }
      green = c->in[1][at + x];
      blue = c->in[2][at + x];
      top = red > green ? red : green;
      top = top > blue ? top : blue;
      if (top == 0) {
        c->out[0][to + x] = c->out[1][to + x] = c->out[2][to + x] = b->black;
        continue;
      }
      c->out[0][to + x] = corruption_byte (red * b->by[top]);
      c->out[1][to + x] = corruption_byte (green * b->by[top]);
      c->out[2][to + x] = corruption_byte (blue * b->by[top]);
    }
  }
}

static int
apply_brightness (corruption * c, char *error)
{
  corruption_rows (c, c->height, brightness_rows, NULL);
  return 1;
}

static int
prepare_contrast (corruption * c)
{
  c->own = corruption_alloc (1, 1, sizeof (contrast));
  return c->own != NULL;
}

static void
contrast_rows (corruption * c, void *data, unsigned y0, unsigned y1,
    unsigned slot)
{
  contrast *t = c->own;
  unsigned p, x, y;

  for (p = 0; p < c->planes; p++)
    for (y = y0; y < y1; y++) {
      const uint8_t *in = c->in[p] + (size_t) y * c->width;
      uint8_t *out = c->out[p] + y * c->stride;

      for (x = 0; x < c->width; x++)
        out[x] = t->table[p][in[x]];
    }
}

/* About the mean of each colour by itself. */
static int
apply_contrast (corruption * c, char *error)
{
  static const double gain[5] = { .4, .3, .2, .1, .05 };
  size_t i, n = (size_t) c->width * c->height;
  contrast *t = c->own;
  unsigned p, v;

  for (p = 0; p < c->planes; p++) {
    uint64_t sum = 0;
    double mean;

    for (i = 0; i < n; i++)
      sum += c->in[p][i];
    mean = (double) sum / n / 255;
    for (v = 0; v < 256; v++)
      t->table[p][v] = byte_of ((v / 255.0 - mean) * gain[c->severity] + mean);
  }
  corruption_rows (c, c->height, contrast_rows, NULL);
  return 1;
}

const corruption_class corruption_brightness = {
  prepare_brightness, apply_brightness, NULL
};

const corruption_class corruption_contrast = {
  prepare_contrast, apply_contrast, NULL
};
