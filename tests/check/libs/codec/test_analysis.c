/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder's integers against the float transform and projection, written
 * down here from docs/model-format.md, sections 2.1 and 2.2; and what the
 * latents API gives against it. */
#include "codec_util.h"

#include <walloc/wavelet.h>

#include "bottleneck/companding.h"
#include "bottleneck/quantiser.h"
#include "model/model.h"
#include "transform/intwavelet.h"

#define MAX_W 96
#define MAX_H 64
#define SQRT2 1.41421356237309504880f

typedef struct
{
  unsigned width, height, gw, gh;
  /* inputs of the three groups: [input][gh][gw] */
  float *input[3];
} float_inputs;

/* One component, padded to the grid of pixels per latent, as float around 0;
 * RGB turned into Y, Cb, Cr. */
static void
component (const walloc_image * image, unsigned index, unsigned width,
    unsigned height, float *out)
{
  unsigned x, y, sx, sy, w = image->width, h = image->height, planes;
  const uint8_t *p;
  float r, g, b, luma;

  planes = walloc_format_planes (image->format);
  if (index > 0 && (image->format == WALLOC_FORMAT_I420 ||
          image->format == WALLOC_FORMAT_NV12))
    h = (h + 1) / 2;
  if (index > 0 && image->format <= WALLOC_FORMAT_Y42B)
    w = (w + 1) / 2;
  for (y = 0; y < height; y++)
    for (x = 0; x < width; x++) {
      sx = x < w ? x : w - 1;
      sy = y < h ? y : h - 1;
      if (image->format == WALLOC_FORMAT_RGB) {
        p = image->plane[0] + sy * image->stride[0] + 3 * sx;
        r = p[0];
        g = p[1];
        b = p[2];
        luma = 0.299f * r + 0.587f * g + 0.114f * b;
        out[y * width + x] = index == 0 ? luma - 128 : index == 1 ?
            (b - luma) * 0.5f / 0.886f : (r - luma) * 0.5f / 0.701f;
      } else if (planes == 2 && index > 0) {
        out[y * width + x] = (float) image->plane[1][sy * image->stride[1] +
            2 * sx + index - 1] - 128;
      } else {
        out[y * width + x] = (float) image->plane[index][sy *
            image->stride[index] + sx] - 128;
      }
    }
}

static void
analyse (const float *in, unsigned width, unsigned height, unsigned levels,
    float *out, unsigned gw, unsigned gh)
{
  static float scratch[MAX_W * 200];

  if (walloc_packet_analyse_2d (in, width, width, height, levels,
          WALLOC_BORDER_SYMMETRIC, out, gw, (size_t) gw * gh, scratch,
          sizeof scratch / sizeof *scratch, NULL) != WALLOC_OK)
    abort ();
}

static void
make_inputs (const walloc_image * image, float_inputs * f)
{
  static float plane[MAX_W * MAX_H], bands[4][MAX_W * MAX_H / 2];
  static float scratch[MAX_W * 100];
  unsigned gw = (image->width + 7) / 8, gh = (image->height + 7) / 8, c, b, i;
  unsigned n = gw * gh, half = gw * 4 * gh * 4;
  int full = image->format >= WALLOC_FORMAT_Y444;

  f->gw = gw;
  f->gh = gh;
  for (i = 0; i < 3; i++)
    f->input[i] = calloc (96 * n, sizeof *f->input[i]);
  component (image, 0, gw * 8, gh * 8, plane);
  analyse (plane, gw * 8, gh * 8, 3, f->input[0], gw, gh);
  for (c = 0; c < 2 && image->format != WALLOC_FORMAT_GRAY8; c++) {
    memset (bands, 0, sizeof bands);
    component (image, c + 1, gw * (full ? 8 : 4), gh *
        (image->format <= WALLOC_FORMAT_NV12 ? 4 : 8), plane);
    if (full) {
      analyse (plane, gw * 8, gh * 8, 1, bands[0], gw * 4, gh * 4);
      memmove (bands[3], bands[0] + 3 * half, half * sizeof (float));
      memmove (bands[2], bands[0] + 2 * half, half * sizeof (float));
      memmove (bands[1], bands[0] + half, half * sizeof (float));
      for (i = 0; i < half; i++)
        bands[0][i] /= 2;
    } else if (image->format == WALLOC_FORMAT_Y42B) {
      if (walloc_wavelet_split_vertical (plane, gw * 4, gw * 4, gh * 8,
              WALLOC_BORDER_SYMMETRIC, bands[0], gw * 4,
              sizeof bands[0] / sizeof (float), scratch,
              sizeof scratch / sizeof *scratch, NULL) != WALLOC_OK)
        abort ();
      for (i = 0; i < half; i++) {
        bands[0][i] /= SQRT2;
        bands[1][i] *= SQRT2;
      }
    } else {
      memcpy (bands[0], plane, half * sizeof (float));
    }
    analyse (bands[0], gw * 4, gh * 4, 2, f->input[1] + 16 * c * n, gw, gh);
    for (b = 1; b < 4; b++)
      analyse (bands[b], gw * 4, gh * 4, 2, f->input[2] +
          (48 * c + 16 * (b - 1)) * n, gw, gh);
  }
}

/* What the integer input k of a group is multiplied with to be the float. */
static double
gain (unsigned group, unsigned k)
{
  return group == 0 ? walloc_int_gain (k, 3) : group == 1 ?
      walloc_int_gain (k % 16, 2) : walloc_int_gain (16 + k % 48, 3);
}

static void
test_ordered (walloc_model * model, walloc_format format, unsigned width,
    unsigned height, unsigned kind, unsigned step_index)
{
  static const unsigned inputs[3] = { 64, 32, 96 };
  walloc_encoder *encoder;
  walloc_decoder *decoder;
  walloc_encode_params params;
  walloc_frame_info info;
  walloc_latents l;
  walloc_image image;
  float_inputs f;
  const uint8_t *data;
  size_t size;
  unsigned c, k, i, n, g, bad = 0, wrong_sign = 0;
  double value, worst = 0, sum = 0, e, step, rounding, low, high;
  int present;

  walloc_encoder_new (model, NULL, NULL, &encoder, NULL);
  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  picture_new (&image, format, width, height);
  picture_draw (&image, kind, 31);
  walloc_encode_params_init (&params);
  params.use_step = 1;
  params.step_index = step_index;
  walloc_encoder_encode (encoder, &image, &params, &data, &size, &info, NULL);
  if (walloc_decoder_latents (decoder, data, size, &l, NULL, NULL) != WALLOC_OK)
    abort ();
  make_inputs (&image, &f);
  n = f.gw * f.gh;
  bad += l.channels != model->info.channels || l.width != f.gw ||
      l.height != f.gh;
  for (c = 0; c < l.channels; c++) {
    g = l.group[c];
    present = g == 0 || (g == 1 && format != WALLOC_FORMAT_GRAY8) ||
        (g == 2 && format >= WALLOC_FORMAT_Y42B);
    step = l.step[c];
    bad += fabs (step / ldexp (walloc_step_24 (step_index,
                model->set[info.set].weight[c]), -24) - 1) > 1e-6;
    rounding = model->set[info.set].rounding[c] / 256.0;
    for (i = 0; i < n; i++) {
      value = 0;
      for (k = 0; k < inputs[g] && present; k++)
        value += f.input[g][k * n + i] * ldexp (model->analysis[c *
                WALLOC_MODEL_INPUTS + k], -(int) (WALLOC_INT_FRACTION +
                model->analysis_bits)) / gain (g, k);
      if (l.data[c * n + i] != 0 && value * l.data[c * n + i] < 0)
        wrong_sign += fabs (value) > 4;
      /* the interval that the integer stands for */
      k = (unsigned) abs (l.data[c * n + i]);
      low = k == 0 ? 0 : (k - rounding) * step;
      high = (k + 1 - rounding) * step;
      e = fabs (value) < low ? low - fabs (value) : fabs (value) > high ?
          fabs (value) - high : 0;
      worst = e > worst ? e : worst;
      sum += e * e;
      bad += !present && l.data[c * n + i] != 0;
    }
  }
  sum = sqrt (sum / (n * l.channels));
  /* Distance to the interval, in grey levels: the integer packet itself is
   * off by 0.4 RMS and at most 3 (docs/design/integer-transform.md). */
  TAP_OK (bad == 0 && wrong_sign == 0 && worst < 4 && sum < 0.3,
      "%s %ux%u kind %u step %u: integers off by %.3f, RMS %.4f",
      walloc_format_name (format), width, height, kind, step_index, worst, sum);
  for (i = 0; i < 3; i++)
    free (f.input[i]);
  picture_free (&image);
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

/* Reference kind: periodic packet of RGB, convolution, companding. */
static void
test_reference (walloc_model * model, unsigned width, unsigned height)
{
  static float plane[MAX_W * MAX_H], scratch[MAX_W * 200];
  walloc_encoder *encoder;
  walloc_decoder *decoder;
  walloc_latents l;
  walloc_image image;
  float *coef;
  const uint8_t *data;
  size_t size;
  unsigned gw = (width + 7) / 8, gh = (height + 7) / 8, n = gw * gh;
  unsigned c, k, i, x, y, bad = 0, off = 0;
  double value;

  coef = calloc (192 * n, sizeof *coef);
  walloc_encoder_new (model, NULL, NULL, &encoder, NULL);
  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  picture_new (&image, WALLOC_FORMAT_RGB, width, height);
  picture_draw (&image, 1, 3);
  walloc_encoder_encode (encoder, &image, NULL, &data, &size, NULL, NULL);
  walloc_decoder_latents (decoder, data, size, &l, NULL, NULL);
  for (c = 0; c < 3; c++) {
    for (y = 0; y < gh * 8; y++)
      for (x = 0; x < gw * 8; x++)
        plane[y * gw * 8 + x] = image.plane[0][(y < height ? y : height - 1) *
            image.stride[0] + 3 * (x < width ? x : width - 1) + c] / 255.0f -
            0.5f;
    walloc_packet_analyse_2d (plane, gw * 8, gw * 8, gh * 8, 3,
        WALLOC_BORDER_PERIODIC, coef + 64 * c * n, gw, n, scratch,
        sizeof scratch / sizeof *scratch, NULL);
  }
  for (c = 0; c < l.channels; c++)
    for (i = 0; i < n; i++) {
      value = model->bias_f[c];
      for (k = 0; k < 192; k++)
        value += (double) model->analysis_f[c * 192 + k] * coef[k * n + i];
      value = walloc_to_uniform (value, model->latent_bits);
      /* float sums may round the other way close to a half */
      bad += fabs (value - l.data[c * n + i]) > 0.5 + 1e-3;
      off += rint (value) != l.data[c * n + i];
    }
  TAP_OK (bad == 0 && off <= n * l.channels / 200 + 1 && l.step[0] == 1,
      "reference %ux%u: %u of %u integers rounded otherwise", width, height,
      off, n * l.channels);
  free (coef);
  picture_free (&image);
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

int
main (void)
{
  static const walloc_format formats[] = { WALLOC_FORMAT_GRAY8,
    WALLOC_FORMAT_I420, WALLOC_FORMAT_NV12, WALLOC_FORMAT_Y42B,
    WALLOC_FORMAT_Y444, WALLOC_FORMAT_RGB
  };
  walloc_model *ordered = load_model (MODEL ("ordered-test.wlm"));
  walloc_model *reference = load_model (MODEL ("reference-test.wlm"));
  unsigned i;

  for (i = 0; i < 6; i++) {
    test_ordered (ordered, formats[i], 96, 64, 0, 0);
    test_ordered (ordered, formats[i], 61, 37, 1, 16);
    test_ordered (ordered, formats[i], 9, 50, 2, 48);
    test_ordered (ordered, formats[i], 3, 1, 3, 30);
    test_ordered (ordered, formats[i], 90, 17, 3, 0);
  }
  test_reference (reference, 96, 64);
  test_reference (reference, 41, 19);
  test_reference (reference, 1, 1);
  walloc_model_unref (ordered);
  walloc_model_unref (reference);
  return tap_done ();
}
