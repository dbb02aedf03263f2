/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding model files, by the rules that the GStreamer elements follow. */
#ifndef TOOLS_MODELS_H
#define TOOLS_MODELS_H

#include <walloc/model.h>

/* name: a file, a name in one of the directories of GST_WALLOC_MODEL_PATH or
 * where models are installed, or NULL for the default one. Prints what is
 * wrong and returns NULL. */
walloc_model *models_open (const char *name);

/* The model with that id, from the same directories. */
walloc_model *models_find (uint64_t id);

#endif
