/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* walloc: encodes and decodes picture files, and tells what is in streams and
 * models. Uses libwalloc alone. */
#include <walloc/decoder.h>
#include <walloc/encoder.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "latents.h"
#include "models.h"
#include "pictures.h"
#include "streams.h"

static const char usage_text[] =
    "usage: walloc encode [-m MODEL] [-q QUALITY] [-c CHANNELS] IN OUT.wlc\n"
    "       walloc decode [-m MODEL] [-d auto|linear|fast|best] [-r N]\n"
    "              [--region X,Y,W,H] IN.wlc OUT\n"
    "       walloc latents [-m MODEL] [-c CHANNELS] IN.wlc OUT.npy\n"
    "       walloc info FILE.wlc|FILE.wlm ...\n"
    "\n"
    "Pictures are PPM, PGM (8 bits) and YUV4MPEG2 (.y4m: 420, 422, 444,\n"
    "mono); several pictures in one file become several frames. Latents are a\n"
    "NumPy array, float32: [frames][channels][rows][columns] of pictures,\n"
    "[frames][pairs][channels][columns] of sound (mid and side); integers times\n"
    "steps, in units of samples.\n"
    "\n"
    "  -m, --model MODEL       model file, or name of a model in a directory\n"
    "                          of GST_WALLOC_MODEL_PATH (decode: found by\n"
    "                          itself)\n"
    "  -q, --quality QUALITY   1 to 100, default 50\n"
    "  -c, --channels CHANNELS keep at most so many channels (latents: just so\n"
    "                          many; default: all of the model)\n"
    "  -d, --decoder KIND      default auto: fast where the model has it\n"
    "  -r, --reduce N          0 to 3: pictures of 1 / 2^N of the size, rounded\n"
    "                          up, decoded from fewer levels\n"
    "      --region X,Y,W,H    only W x H pixels at X, Y of the (reduced)\n"
    "                          picture; X and Y even where chroma is half-size\n";

typedef struct
{
  const char *model;
  unsigned quality, channels;
  walloc_decode_params part;
  char **files;
  int n_files;
} options;

static int
bad_usage (const char *what, const char *value)
{
  fprintf (stderr, "walloc: %s%s%s\n\n%s", what, value != NULL ? ": " : "",
      value != NULL ? value : "", usage_text);
  return 2;
}

static int
number (const char *text, unsigned most, unsigned *value)
{
  char *end;
  unsigned long n = strtoul (text, &end, 10);

  *value = (unsigned) n;
  return *text >= '0' && *text <= '9' && *end == 0 && n >= 1 && n <= most;
}

/* Four numbers with commas between. */
static int
region (const char *text, walloc_decode_params * part)
{
  unsigned *to[4] = { &part->x, &part->y, &part->width, &part->height };
  unsigned long n;
  unsigned i;
  char *end;

  for (i = 0; i < 4; i++) {
    n = strtoul (text, &end, 10);
    if (*text < '0' || *text > '9' || *end != (i < 3 ? ',' : 0) ||
        n > WALLOC_MAX_SIZE)
      return 0;
    *to[i] = (unsigned) n;
    text = end + 1;
  }
  return part->width > 0 && part->height > 0;
}

/* 0, or an exit status. */
static int
parse_options (int argc, char **argv, options * o)
{
  static const char *const kinds[] = { "auto", "linear", "fast", "best" };
  const char *name, *value;
  unsigned k;
  int i;

  memset (o, 0, sizeof *o);
  walloc_decode_params_init (&o->part);
  o->files = argv + 2;
  for (i = 2; i < argc; i++) {
    name = argv[i];
    if (name[0] != '-' || name[1] == 0) {
      o->files[o->n_files++] = argv[i];
      continue;
    }
    value = i + 1 < argc ? argv[++i] : NULL;
    if (value == NULL)
      return bad_usage ("a value is missing behind", name);
    if (strcmp (name, "-m") == 0 || strcmp (name, "--model") == 0) {
      o->model = value;
    } else if (strcmp (name, "-q") == 0 || strcmp (name, "--quality") == 0) {
      if (!number (value, 100, &o->quality))
        return bad_usage ("quality is 1 to 100, not", value);
    } else if (strcmp (name, "-c") == 0 || strcmp (name, "--channels") == 0) {
      if (!number (value, 65535, &o->channels))
        return bad_usage ("not a number of channels", value);
    } else if (strcmp (name, "-d") == 0 || strcmp (name, "--decoder") == 0) {
      for (k = 0; k < 4 && strcmp (kinds[k], value) != 0; k++);
      if (k == 4)
        return bad_usage ("there is no such decoder", value);
      o->part.kind = (walloc_decoder_kind) k;
    } else if (strcmp (name, "-r") == 0 || strcmp (name, "--reduce") == 0) {
      if (strcmp (value, "0") != 0 && !number (value,
              WALLOC_DECODE_MAX_REDUCE, &o->part.reduce))
        return bad_usage ("a picture is reduced by 0 to 3, not by", value);
    } else if (strcmp (name, "--region") == 0) {
      if (!region (value, &o->part))
        return bad_usage ("not a region X,Y,W,H", value);
    } else {
      return bad_usage ("unknown option", name);
    }
  }
  return 0;
}

static int
report_pictures (const pictures * p)
{
  fprintf (stderr, "walloc: %s: %s\n", p->path, p->error);
  return 1;
}

static int
encode (const options * o)
{
  walloc_model *model;
  walloc_encoder *encoder = NULL;
  walloc_encode_params params;
  walloc_image image = { 0 };
  walloc_error error;
  pictures in;
  const uint8_t *data;
  size_t size;
  double bytes = 0, pixels = 0;
  FILE *out = NULL;
  int status = 0, more;

  if (o->n_files != 2)
    return bad_usage ("encode takes one input and one output file", NULL);
  model = models_open (o->model);
  if (model == NULL)
    return 1;
  if (!pictures_open (&in, o->files[0])) {
    walloc_model_unref (model);
    return report_pictures (&in);
  }
  if (walloc_encoder_new (model, NULL, NULL, &encoder, &error) != WALLOC_OK)
    status = stream_report (o->files[0], &error);
  walloc_encode_params_init (&params);
  params.quality = o->quality;
  params.channels = o->channels;
  params.fps_n = in.fps_n;
  params.fps_d = in.fps_d;
  params.par_n = in.par_n;
  params.par_d = in.par_d;
  while (status == 0 && (more = pictures_read (&in, &image)) != -1) {
    if (more == 0) {
      status = report_pictures (&in);
    } else if (walloc_encoder_encode (encoder, &image, &params, &data, &size,
            NULL, &error) != WALLOC_OK) {
      status = stream_report (o->files[0], &error);
    } else {
      /* not before there is something to write */
      if (out == NULL)
        out = fopen (o->files[1], "wb");
      if (out == NULL || fwrite (data, size, 1, out) != 1) {
        fprintf (stderr, "walloc: %s: %s\n", o->files[1], strerror (errno));
        status = 1;
      }
      bytes += (double) size;
      pixels += (double) image.width * image.height;
    }
  }
  if (out != NULL && fclose (out) != 0)
    status = stream_report (o->files[1], &error);
  if (status == 0)
    printf ("%u frame%s, %.0f bytes, %.3f bits per pixel\n", in.frames,
        in.frames == 1 ? "" : "s", bytes, 8 * bytes / pixels);
  (void) pictures_close (&in);
  picture_free (&image);
  walloc_encoder_free (encoder);
  walloc_model_unref (model);
  return status;
}

static int
decode_frame (const options * o, walloc_decoder * decoder,
    const uint8_t * data, size_t size, const walloc_frame_info * info,
    pictures * out, walloc_image * image)
{
  walloc_format format = info->format;
  walloc_error error;
  walloc_result result;
  unsigned damaged, width = o->part.width, height = o->part.height;

  if (width == 0) {
    width = walloc_decoder_reduced_size (info->width, o->part.reduce);
    height = walloc_decoder_reduced_size (info->height, o->part.reduce);
  }
  if (out->file == NULL) {
    if (!pictures_create (out, o->files[1], &format, width, height))
      return report_pictures (out);
    out->fps_n = info->fps_n;
    out->fps_d = info->fps_d;
    out->par_n = info->par_n;
    out->par_d = info->par_d;
  } else if (out->kind == PICTURES_Y4M && (out->width != width ||
          out->height != height)) {
    fprintf (stderr, "walloc: %s: the pictures' size changes, which y4m "
        "cannot hold\n", o->files[0]);
    return 1;
  }
  if (!picture_alloc (image, out->format, width, height))
    return 1;
  result = walloc_decoder_decode_with (decoder, data, size, &o->part, image,
      &damaged, &error);
  if (result != WALLOC_OK) {
    stream_report (o->files[0], &error);
    if (result != WALLOC_ERR_TRUNCATED || damaged == 0)
      return 1;
  } else if (damaged > 0) {
    fprintf (stderr, "walloc: %s: frame %u: %u of %u slices are damaged and "
        "concealed\n", o->files[0], out->frames, damaged, info->slices);
  }
  return pictures_write (out, image) ? (damaged > 0 ? 3 : 0) :
      report_pictures (out);
}

static int
decode (const options * o)
{
  walloc_model *model = NULL;
  walloc_decoder *decoder = NULL;
  walloc_frame_info info;
  walloc_image image = { 0 };
  walloc_error error;
  pictures out = { 0 };
  uint8_t *data;
  size_t size, at = 0;
  int status = 0, damaged = 0, result;

  if (o->n_files != 2)
    return bad_usage ("decode takes one input and one output file", NULL);
  data = stream_read (o->files[0], &size);
  if (data == NULL)
    return 1;
  while (status != 1 && stream_next (o->files[0], data, size, &at, &info,
          &damaged)) {
    if (model == NULL) {
      model = o->model != NULL ? models_open (o->model) :
          models_find (info.model_id);
      if (model == NULL) {
        status = 1;
      } else if (walloc_decoder_new (model, NULL, NULL, NULL, &decoder,
              &error) != WALLOC_OK) {
        status = stream_report (o->files[0], &error);
      }
    }
    if (status == 1)
      break;
    result = decode_frame (o, decoder, data + at, size - at, &info, &out,
        &image);
    damaged |= result == 3;
    status = result == 1;
    at += info.header_size;
    at = info.payload_size > size - at ? size : at + info.payload_size;
  }
  if (status == 0 && out.frames == 0) {
    fprintf (stderr, "walloc: %s: there is no frame in the file\n",
        o->files[0]);
    status = 1;
  }
  if (!pictures_close (&out))
    status = report_pictures (&out);
  if (status == 0)
    printf ("%u frame%s of %ux%u, %s\n", out.frames, out.frames == 1 ? "" :
        "s", image.width, image.height, walloc_format_name (image.format));
  picture_free (&image);
  walloc_decoder_free (decoder);
  walloc_model_unref (model);
  free (data);
  return status != 0 ? status : damaged ? 3 : 0;
}

static int
latents (const options * o)
{
  if (o->n_files != 2)
    return bad_usage ("latents takes one input and one output file", NULL);
  return latents_write (o->files[0], o->files[1], o->model, o->channels);
}

static int
info_model (const char *path)
{
  static const char *const keys[] = { "walloc.licence", "walloc.source",
    "walloc.card"
  };
  static const char *const kinds[] = { "auto", "linear", "fast", "best" };
  walloc_model *model;
  walloc_model_info info;
  unsigned i, step, channels;

  model = models_open (path);
  if (model == NULL)
    return 1;
  walloc_model_get_info (model, &info);
  printf ("%s: model '%s', id %016llx, %s, %u channels, %u parameter set%s, "
      "one latent for %ux%u pixels\n", path, info.name,
      (unsigned long long) info.id, info.kind == WALLOC_MODEL_ORDERED ?
      "ordered channels" : "published codec", info.channels, info.sets,
      info.sets == 1 ? "" : "s", 1u << info.levels, 1u << info.levels);
  printf ("  formats:");
  for (i = 0; i < WALLOC_FORMAT_COUNT; i++)
    if (info.formats >> i & 1)
      printf (" %s", walloc_format_name ((walloc_format) i));
  printf ("\n  decoders:");
  for (i = WALLOC_DECODER_LINEAR; i <= WALLOC_DECODER_BEST; i++)
    if (info.decoders >> i & 1)
      printf (" %s", kinds[i]);
  printf ("\n");
  for (i = 1; i <= 100 && info.kind == WALLOC_MODEL_ORDERED; i += i == 1 ?
      24 : 25)
    if (walloc_model_quality (model, i, &step, &channels) == WALLOC_OK)
      printf ("  quality %u: step index %u, %u channels\n", i, step, channels);
  for (i = 0; i < sizeof keys / sizeof *keys; i++)
    if (walloc_model_metadata (model, keys[i]) != NULL)
      printf ("  %s: %s\n", keys[i] + 7, walloc_model_metadata (model,
              keys[i]));
  walloc_model_unref (model);
  return 0;
}

static int
info_stream (const char *path, const uint8_t * data, size_t size)
{
  static const char *const types[] = { "key", "predicted", "repeat" };
  walloc_frame_info info;
  size_t at = 0, whole, frames = 0;
  int damaged = 0;

  while (stream_next (path, data, size, &at, &info, &damaged)) {
    whole = (size_t) info.header_size + info.payload_size;
    printf ("%s: frame %zu at %zu: %s, %ux%u %s, model %016llx, set %u, step "
        "index %u, %u channels, %u slice%s of %u rows, %zu bytes (%.3f bits "
        "per pixel)", path, frames, at, types[info.type], info.width,
        info.height, walloc_format_name (info.format),
        (unsigned long long) info.model_id, info.set, info.step_index,
        info.channels, info.slices, info.slices == 1 ? "" : "s",
        info.slice_rows, whole, 8.0 * (double) whole / info.width /
        info.height);
    if (info.pts != WALLOC_TIME_NONE)
      printf (", at %.3f s", (double) info.pts / 1e9);
    if (info.fps_n > 0)
      printf (", %u/%u frames per second", info.fps_n, info.fps_d);
    if (info.par_n != info.par_d)
      printf (", pixel aspect %u/%u", info.par_n, info.par_d);
    if (whole > size - at) {
      printf (", CUT SHORT by %zu bytes", whole - (size - at));
      damaged = 1;
    }
    printf ("\n");
    frames++;
    at = whole > size - at ? size : at + whole;
  }
  if (frames == 0)
    fprintf (stderr, "walloc: %s: neither a model nor a stream\n", path);
  return frames == 0 ? 1 : damaged ? 3 : 0;
}

static int
info (const options * o)
{
  int i, status = 0, one;
  uint8_t *data;
  size_t size, n;

  if (o->n_files == 0)
    return bad_usage ("info takes files", NULL);
  for (i = 0; i < o->n_files; i++) {
    n = strlen (o->files[i]);
    if (n > 4 && strcmp (o->files[i] + n - 4, ".wlm") == 0) {
      one = info_model (o->files[i]);
    } else {
      data = stream_read (o->files[i], &size);
      one = data != NULL ? info_stream (o->files[i], data, size) : 1;
      free (data);
    }
    status = one > status ? one : status;
  }
  return status;
}

int
main (int argc, char **argv)
{
  options o;
  int status;

  if (argc == 2 && (strcmp (argv[1], "-h") == 0 ||
          strcmp (argv[1], "--help") == 0)) {
    fputs (usage_text, stdout);
    return 0;
  }
  if (argc == 2 && strcmp (argv[1], "--version") == 0) {
    printf ("walloc %u.%u.%u\n", walloc_version () / 10000,
        walloc_version () / 100 % 100, walloc_version () % 100);
    return 0;
  }
  if (argc < 2)
    return bad_usage ("say what to do", NULL);
  status = parse_options (argc, argv, &o);
  if (status != 0)
    return status;
  if (strcmp (argv[1], "encode") == 0)
    return encode (&o);
  if (strcmp (argv[1], "decode") == 0)
    return decode (&o);
  if (strcmp (argv[1], "latents") == 0)
    return latents (&o);
  if (strcmp (argv[1], "info") == 0)
    return info (&o);
  return bad_usage ("there is no such command", argv[1]);
}
