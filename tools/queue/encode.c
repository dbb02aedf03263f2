/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures to streams with libwalloc, in this process: small files take less
 * time than starting a program for each would. */
#include "commands.h"
#include "photo.h"
#include "runner.h"

#include "../models.h"
#include "../pictures.h"

#include <walloc/encoder.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  runner base;
  const runner_options *o;
  walloc_model *model;
  walloc_encoder *encoder;
  walloc_image image;           /* memory of the last one is used again */
  unsigned frames;
} encode;

/* A full disk is this machine's fault. */
static void
write_failed (run_result * r, const char *path)
{
  int number = errno;

  run_fail (r, run_kind_of (number), "%s: %s%s", path, g_strerror (number),
      number == ENOSPC ? "; make room, other workers go on" : "");
}

static gboolean
add_frame (encode * e, const pictures * p, const char *path, FILE * out,
    run_result * r)
{
  walloc_encode_params params;
  walloc_error error;
  const uint8_t *data;
  size_t size;

  walloc_encode_params_init (&params);
  params.quality = e->o->quality;
  if (p != NULL) {
    params.fps_n = p->fps_n;
    params.fps_d = p->fps_d;
    params.par_n = p->par_n;
    params.par_d = p->par_d;
  }
  if (walloc_encoder_encode (e->encoder, &e->image, &params, &data, &size,
          NULL, &error) != WALLOC_OK) {
    run_fail (r, RAN_FAILED, "%s", error.text);
    return FALSE;
  }
  if (fwrite (data, size, 1, out) != 1) {
    write_failed (r, path);
    return FALSE;
  }
  e->frames++;
  return TRUE;
}

static void
encode_frames (encode * e, const char *in, const char *aside, FILE * out,
    run_result * r)
{
  pictures p;
  int more;

  if (!pictures_open (&p, in)) {
    run_fail (r, RAN_FAILED, "%s", p.error);
    return;
  }
  while ((more = pictures_read (&p, &e->image)) == 1)
    if (!add_frame (e, &p, aside, out, r))
      break;
  if (more == 0)
    run_fail (r, RAN_FAILED, "%s", p.error);
  else if (more == -1)
    r->kind = RAN_OK;
  (void) pictures_close (&p);
}

static void
run (runner * base, const job * j, const char *in, const char *aside,
    run_result * r)
{
  encode *e = (encode *) base;
  unsigned char head[2] = { 0 };
  char error[PHOTO_ERROR];
  FILE *file = fopen (in, "rb"), *out;

  if (file == NULL) {
    run_fail (r, run_kind_of (errno), "%s", g_strerror (errno));
    return;
  }
  out = fopen (aside, "wxb");
  if (out == NULL) {
    write_failed (r, aside);
    fclose (file);
    return;
  }
  e->frames = 0;
  r->kind = RAN_FAILED;
  if (fread (head, 1, 2, file) == 2 && photo_is (head)) {
    rewind (file);
    if (!photo_read (file, &e->image, error))
      run_fail (r, RAN_FAILED, "%s", error);
    else if (add_frame (e, NULL, aside, out, r))
      r->kind = RAN_OK;
  } else {
    encode_frames (e, in, aside, out, r);
  }
  fclose (file);
  if (fclose (out) != 0 && r->kind == RAN_OK)
    write_failed (r, aside);
  if (r->kind == RAN_OK)
    r->said = json_pack ("{s:I, s:i, s:i}", "frames", (json_int_t) e->frames,
        "width", (int) e->image.width, "height", (int) e->image.height);
}

static void
release (runner * base)
{
  encode *e = (encode *) base;

  picture_free (&e->image);
  walloc_encoder_free (e->encoder);
  walloc_model_unref (e->model);
  g_free (e);
}

runner *
latents_runner (const runner_options * o)
{
  encode *e = g_new0 (encode, 1);
  walloc_error error;

  e->base.run = run;
  e->base.free = release;
  e->o = o;
  e->model = models_open (o->model);
  if (e->model != NULL && walloc_encoder_new (e->model, NULL, NULL,
          &e->encoder, &error) == WALLOC_OK)
    return &e->base;
  if (e->model != NULL)
    complain ("%s", error.text);
  release (&e->base);
  return NULL;
}
