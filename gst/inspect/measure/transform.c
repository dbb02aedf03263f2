/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stockham's transform: each step reads one buffer in order of what is left to
 * do and writes the other in order of what is done, so nothing is sorted at
 * the end. Lanes make all of its loops long enough for vectors, in the first
 * step too. */
#include "transform.h"

#include <math.h>

#include "transform/clones.h"
#include "vector.h"

/* 2^24 has twelve steps of 4, 3^15 has fifteen. */
#define MAX_STEPS 16

typedef InspectFloats Lanes;

typedef struct
{
  guint radix;
  guint left;                   /* length of what is left after it */
  guint length;                 /* how much is done */
  gfloat *turn;                 /* [left][radix - 1][2] */
} Step;

struct _InspectTransform
{
  guint n, steps;
  Step step[MAX_STEPS];
};

guint
inspect_transform_length (guint least, gboolean even)
{
  guint n, m;

  for (n = MAX (least, even ? 2 : 1);; n++) {
    if (even && n % 2)
      continue;
    for (m = n; m % 2 == 0; m /= 2);
    for (; m % 3 == 0; m /= 3);
    for (; m % 5 == 0; m /= 5);
    if (m == 1)
      return n;
  }
}

InspectTransform *
inspect_transform_new (guint n)
{
  static const guint radices[] = { 4, 2, 3, 5 };
  InspectTransform *t = g_new0 (InspectTransform, 1);
  guint left = n, r = 0, p, k;

  t->n = n;
  while (left > 1 && r < G_N_ELEMENTS (radices)) {
    guint radix = radices[r];
    Step *step = &t->step[t->steps];

    if (left % radix) {
      r++;
      continue;
    }
    step->radix = radix;
    step->length = n / left;
    step->left = left / radix;
    step->turn = g_try_new (gfloat, (gsize) 2 * step->left * (radix - 1));
    if (!step->turn) {
      inspect_transform_free (t);
      return NULL;
    }
    for (p = 0; p < step->left; p++)
      for (k = 1; k < radix; k++) {
        gdouble angle = -2 * G_PI * p * k / left;
        gfloat *w = step->turn + 2 * ((gsize) p * (radix - 1) + k - 1);

        w[0] = (gfloat) cos (angle);
        w[1] = (gfloat) sin (angle);
      }
    left = step->left;
    t->steps++;
  }
  g_return_val_if_fail (left == 1, (inspect_transform_free (t), NULL));
  return t;
}

void
inspect_transform_free (InspectTransform * t)
{
  guint i;

  if (t == NULL)
    return;
  for (i = 0; i < t->steps; i++)
    g_free (t->step[i].turn);
  g_free (t);
}

/* (re, im) *= (c, s) */
#define TURN(re, im, c, s) G_STMT_START { \
  Lanes re_ = (re) * (c) - (im) * (s); \
  (im) = (re) * (s) + (im) * (c); \
  (re) = re_; \
} G_STMT_END

/* Pointers to part j of what is read, and to part k of what is written, in the
 * step's group p. */
#define IN(plane, j) ((plane) + ((gsize) p + (gsize) (j) * step->left) \
    * step->length)
#define OUT(plane, k) ((plane) + ((gsize) p * step->radix + (k)) \
    * step->length)

WALLOC_INLINE void
step_2 (const Step * step, const Lanes * ar, const Lanes * ai, Lanes * br,
    Lanes * bi)
{
  guint p, i;

  for (p = 0; p < step->left; p++) {
    const gfloat *w = step->turn + 2 * (gsize) p, c = w[0], s = w[1];
    const Lanes *r0 = IN (ar, 0), *r1 = IN (ar, 1);
    const Lanes *i0 = IN (ai, 0), *i1 = IN (ai, 1);
    Lanes *q0 = OUT (br, 0), *q1 = OUT (br, 1);
    Lanes *j0 = OUT (bi, 0), *j1 = OUT (bi, 1);

    for (i = 0; i < step->length; i++) {
      Lanes re = r0[i] - r1[i], im = i0[i] - i1[i];

      q0[i] = r0[i] + r1[i];
      j0[i] = i0[i] + i1[i];
      TURN (re, im, c, s);
      q1[i] = re;
      j1[i] = im;
    }
  }
}

WALLOC_INLINE void
step_3 (const Step * step, const Lanes * ar, const Lanes * ai, Lanes * br,
    Lanes * bi)
{
  const gfloat sin60 = 0.86602540378443864676f;
  guint p, i;

  for (p = 0; p < step->left; p++) {
    const gfloat *w = step->turn + 4 * (gsize) p;
    const gfloat c1 = w[0], s1 = w[1], c2 = w[2], s2 = w[3];
    const Lanes *r0 = IN (ar, 0), *r1 = IN (ar, 1), *r2 = IN (ar, 2);
    const Lanes *i0 = IN (ai, 0), *i1 = IN (ai, 1), *i2 = IN (ai, 2);
    Lanes *q0 = OUT (br, 0), *q1 = OUT (br, 1), *q2 = OUT (br, 2);
    Lanes *j0 = OUT (bi, 0), *j1 = OUT (bi, 1), *j2 = OUT (bi, 2);

    for (i = 0; i < step->length; i++) {
      Lanes sr = r1[i] + r2[i], si = i1[i] + i2[i];
      Lanes dr = sin60 * (r1[i] - r2[i]), di = sin60 * (i1[i] - i2[i]);
      Lanes mr = r0[i] - 0.5f * sr, mi = i0[i] - 0.5f * si;
      Lanes re = mr + di, im = mi - dr;

      q0[i] = r0[i] + sr;
      j0[i] = i0[i] + si;
      TURN (re, im, c1, s1);
      q1[i] = re;
      j1[i] = im;
      re = mr - di;
      im = mi + dr;
      TURN (re, im, c2, s2);
      q2[i] = re;
      j2[i] = im;
    }
  }
}

WALLOC_INLINE void
step_4 (const Step * step, const Lanes * ar, const Lanes * ai, Lanes * br,
    Lanes * bi)
{
  guint p, i;

  for (p = 0; p < step->left; p++) {
    const gfloat *w = step->turn + 6 * (gsize) p;
    const gfloat c1 = w[0], s1 = w[1], c2 = w[2], s2 = w[3], c3 = w[4],
        s3 = w[5];
    const Lanes *r0 = IN (ar, 0), *r1 = IN (ar, 1), *r2 = IN (ar, 2);
    const Lanes *i0 = IN (ai, 0), *i1 = IN (ai, 1), *i2 = IN (ai, 2);
    const Lanes *r3 = IN (ar, 3), *i3 = IN (ai, 3);
    Lanes *q0 = OUT (br, 0), *q1 = OUT (br, 1), *q2 = OUT (br, 2);
    Lanes *j0 = OUT (bi, 0), *j1 = OUT (bi, 1), *j2 = OUT (bi, 2);
    Lanes *q3 = OUT (br, 3), *j3 = OUT (bi, 3);

    for (i = 0; i < step->length; i++) {
      Lanes er = r0[i] + r2[i], ei = i0[i] + i2[i];
      Lanes fr = r0[i] - r2[i], fi = i0[i] - i2[i];
      Lanes or = r1[i] + r3[i], oi = i1[i] + i3[i];
      Lanes pr = r1[i] - r3[i], pi = i1[i] - i3[i];
      Lanes re = fr + pi, im = fi - pr;

      q0[i] = er + or;
      j0[i] = ei + oi;
      TURN (re, im, c1, s1);
      q1[i] = re;
      j1[i] = im;
      re = er - or;
      im = ei - oi;
      TURN (re, im, c2, s2);
      q2[i] = re;
      j2[i] = im;
      re = fr - pi;
      im = fi + pr;
      TURN (re, im, c3, s3);
      q3[i] = re;
      j3[i] = im;
    }
  }
}

WALLOC_INLINE void
step_5 (const Step * step, const Lanes * ar, const Lanes * ai, Lanes * br,
    Lanes * bi)
{
  const gfloat cos72 = 0.30901699437494742410f;
  const gfloat cos144 = -0.80901699437494742410f;
  const gfloat sin72 = 0.95105651629515357212f;
  const gfloat sin144 = 0.58778525229247312917f;
  guint p, i;

  for (p = 0; p < step->left; p++) {
    const gfloat *w = step->turn + 8 * (gsize) p;
    const gfloat c1 = w[0], s1 = w[1], c2 = w[2], s2 = w[3], c3 = w[4],
        s3 = w[5], c4 = w[6], s4 = w[7];
    const Lanes *r0 = IN (ar, 0), *r1 = IN (ar, 1), *r2 = IN (ar, 2);
    const Lanes *i0 = IN (ai, 0), *i1 = IN (ai, 1), *i2 = IN (ai, 2);
    const Lanes *r3 = IN (ar, 3), *r4 = IN (ar, 4);
    const Lanes *i3 = IN (ai, 3), *i4 = IN (ai, 4);
    Lanes *q0 = OUT (br, 0), *q1 = OUT (br, 1), *q2 = OUT (br, 2);
    Lanes *j0 = OUT (bi, 0), *j1 = OUT (bi, 1), *j2 = OUT (bi, 2);
    Lanes *q3 = OUT (br, 3), *q4 = OUT (br, 4);
    Lanes *j3 = OUT (bi, 3), *j4 = OUT (bi, 4);

    for (i = 0; i < step->length; i++) {
      Lanes ar1 = r1[i] + r4[i], ai1 = i1[i] + i4[i];
      Lanes ar2 = r2[i] + r3[i], ai2 = i2[i] + i3[i];
      Lanes dr1 = r1[i] - r4[i], di1 = i1[i] - i4[i];
      Lanes dr2 = r2[i] - r3[i], di2 = i2[i] - i3[i];
      Lanes mr1 = r0[i] + cos72 * ar1 + cos144 * ar2;
      Lanes mi1 = i0[i] + cos72 * ai1 + cos144 * ai2;
      Lanes mr2 = r0[i] + cos144 * ar1 + cos72 * ar2;
      Lanes mi2 = i0[i] + cos144 * ai1 + cos72 * ai2;
      Lanes nr1 = sin72 * dr1 + sin144 * dr2, ni1 = sin72 * di1 + sin144 * di2;
      Lanes nr2 = sin144 * dr1 - sin72 * dr2, ni2 = sin144 * di1 - sin72 * di2;
      Lanes re = mr1 + ni1, im = mi1 - nr1;

      q0[i] = r0[i] + ar1 + ar2;
      j0[i] = i0[i] + ai1 + ai2;
      TURN (re, im, c1, s1);
      q1[i] = re;
      j1[i] = im;
      re = mr2 + ni2;
      im = mi2 - nr2;
      TURN (re, im, c2, s2);
      q2[i] = re;
      j2[i] = im;
      re = mr2 - ni2;
      im = mi2 + nr2;
      TURN (re, im, c3, s3);
      q3[i] = re;
      j3[i] = im;
      re = mr1 - ni1;
      im = mi1 + nr1;
      TURN (re, im, c4, s4);
      q4[i] = re;
      j4[i] = im;
    }
  }
}

WALLOC_CLONES static void
run_step (const Step * step, const Lanes * from, Lanes * to, gsize n)
{
  switch (step->radix) {
    case 2:
      step_2 (step, from, from + n, to, to + n);
      break;
    case 3:
      step_3 (step, from, from + n, to, to + n);
      break;
    case 4:
      step_4 (step, from, from + n, to, to + n);
      break;
    default:
      step_5 (step, from, from + n, to, to + n);
      break;
  }
}

gfloat *
inspect_transform_run (const InspectTransform * t, gfloat * data,
    gfloat * other)
{
  guint i;

  G_STATIC_ASSERT (INSPECT_LANES == INSPECT_VECTOR);
  for (i = 0; i < t->steps; i++) {
    gfloat *last = data;

    run_step (&t->step[i], (const Lanes *) data, (Lanes *) other, t->n);
    data = other;
    other = last;
  }
  return data;
}
