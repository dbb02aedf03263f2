/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcompressedpaint.h"

/* One component of a picture. */
typedef struct
{
  guint8 *data;
  gint stride, step, width, height;
  gint x_shift, y_shift;        /* of pixels to samples */
} Plane;

static guint
n_components (const GstVideoFrame * frame)
{
  /* padding and alpha are not painted */
  return MIN (GST_VIDEO_FRAME_N_COMPONENTS (frame), 3);
}

static void
get_plane (GstVideoFrame * frame, guint component, Plane * plane)
{
  const GstVideoFormatInfo *format = frame->info.finfo;

  plane->data = GST_VIDEO_FRAME_COMP_DATA (frame, component);
  plane->stride = GST_VIDEO_FRAME_COMP_STRIDE (frame, component);
  plane->step = GST_VIDEO_FRAME_COMP_PSTRIDE (frame, component);
  plane->width = GST_VIDEO_FRAME_COMP_WIDTH (frame, component);
  plane->height = GST_VIDEO_FRAME_COMP_HEIGHT (frame, component);
  plane->x_shift = GST_VIDEO_FORMAT_INFO_W_SUB (format, component);
  plane->y_shift = GST_VIDEO_FORMAT_INFO_H_SUB (format, component);
}

/* @colour (0xrrggbb) as the components of the frame's format. */
static void
get_colour (const GstVideoFrame * frame, guint32 colour, guint8 out[3])
{
  gdouble rgb[3] = { (colour >> 16 & 255) / 255., (colour >> 8 & 255) / 255.,
    (colour & 255) / 255.
  };
  gdouble kr, kb, y, value[3];
  gint offset[GST_VIDEO_MAX_COMPONENTS], scale[GST_VIDEO_MAX_COMPONENTS], i;
  const GstVideoColorimetry *c = &frame->info.colorimetry;

  if (GST_VIDEO_INFO_IS_RGB (&frame->info)) {
    for (i = 0; i < 3; i++)
      out[i] = colour >> (16 - 8 * i) & 255;
    return;
  }
  if (!gst_video_color_matrix_get_Kr_Kb (c->matrix, &kr, &kb))
    gst_video_color_matrix_get_Kr_Kb (GST_VIDEO_COLOR_MATRIX_BT601, &kr, &kb);
  y = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2];
  value[0] = y;
  value[1] = (rgb[2] - y) / (2 * (1 - kb));
  value[2] = (rgb[0] - y) / (2 * (1 - kr));
  gst_video_color_range_offsets (c->range, frame->info.finfo, offset, scale);
  /* grey has one component only, and then there is one offset */
  for (i = 0; i < (gint) n_components (frame); i++)
    out[i] = (guint8) CLAMP (offset[i] + value[i] * scale[i] + 0.5, 0, 255);
}

static inline guint8
blend (guint8 from, guint8 to, guint alpha)
{
  return (guint8) (from + (((gint) (to - from) * (gint) alpha + 128) >> 8));
}

void
gst_compressed_paint_mask (GstVideoFrame * frame, const guint8 * mask,
    gsize stride, const GstCompressedMask * info, const guint32 * colours,
    const gboolean * known, guint alpha)
{
  gint width = GST_VIDEO_FRAME_WIDTH (frame);
  gint height = GST_VIDEO_FRAME_HEIGHT (frame);
  guint64 most_x = GST_VIDEO_INFO_WIDTH (&info->info) - 1;
  guint64 most_y = GST_VIDEO_INFO_HEIGHT (&info->info) - 1;
  guint8 values[256][3];
  guint *column = g_new (guint, width);
  guint i;
  gint x, y;

  for (i = 0; i < 256; i++)
    if (known[i])
      get_colour (frame, colours[i], values[i]);
  /* the picture may be shown in another size than it was encoded in */
  for (x = 0; x < width; x++)
    column[x] = MIN ((guint64) x * info->width / width / info->cell, most_x);
  for (i = 0; i < n_components (frame); i++) {
    Plane plane;

    get_plane (frame, i, &plane);
    for (y = 0; y < plane.height; y++) {
      guint row = MIN ((guint64) (y << plane.y_shift) * info->height / height /
          info->cell, most_y);
      const guint8 *line = mask + row * stride;
      guint8 *out = plane.data + (gssize) y * plane.stride;

      for (x = 0; x < plane.width; x++, out += plane.step) {
        guint8 class_id = line[column[x << plane.x_shift]];

        if (known[class_id])
          *out = blend (*out, values[class_id][i], alpha);
      }
    }
  }
  g_free (column);
}

/* What of pixels from @at on, @count of them, is in a plane of @size samples;
 * samples whose first pixel is within. FALSE: nothing. */
static gboolean
clip (gint at, gint count, gint shift, gint size, gint * first, gint * last)
{
  gint add = (1 << shift) - 1;

  *first = MAX ((at + add) >> shift, 0);
  *last = MIN ((at + count + add) >> shift, size);
  return *first < *last;
}

void
gst_compressed_paint_rectangle (GstVideoFrame * frame, gint x, gint y,
    gint width, gint height, guint32 colour, guint alpha)
{
  guint8 value[3] = { 0, 0, 0 };
  guint i;

  get_colour (frame, colour, value);
  for (i = 0; i < n_components (frame); i++) {
    gint x0, x1, y0, y1, k;
    Plane plane;

    get_plane (frame, i, &plane);
    if (!clip (x, width, plane.x_shift, plane.width, &x0, &x1)
        || !clip (y, height, plane.y_shift, plane.height, &y0, &y1))
      continue;
    for (; y0 < y1; y0++) {
      guint8 *out = plane.data + (gssize) y0 * plane.stride + x0 * plane.step;

      for (k = x0; k < x1; k++, out += plane.step)
        *out = blend (*out, value[i], alpha);
    }
  }
}

void
gst_compressed_paint_coverage (GstVideoFrame * frame, gint x, gint y,
    const guint8 * coverage, gint width, gint height, gsize stride,
    guint32 colour)
{
  guint8 value[3] = { 0, 0, 0 };
  guint i;

  get_colour (frame, colour, value);
  for (i = 0; i < n_components (frame); i++) {
    gint x0, x1, y0, y1, k;
    Plane plane;

    get_plane (frame, i, &plane);
    if (!clip (x, width, plane.x_shift, plane.width, &x0, &x1)
        || !clip (y, height, plane.y_shift, plane.height, &y0, &y1))
      continue;
    for (; y0 < y1; y0++) {
      guint8 *out = plane.data + (gssize) y0 * plane.stride + x0 * plane.step;
      const guint8 *from = coverage + ((y0 << plane.y_shift) - y) * stride;

      for (k = x0; k < x1; k++, out += plane.step) {
        guint cover = from[(k << plane.x_shift) - x];

        if (cover)
          *out = blend (*out, value[i], cover + (cover >> 7));
      }
    }
  }
}
