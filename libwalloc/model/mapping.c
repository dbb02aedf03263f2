/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#if defined(__unix__) || defined(__APPLE__)
# include <sys/mman.h>
# include <unistd.h>
# define HAVE_MAPPING 1
#else
# define HAVE_MAPPING 0
#endif

#include "model/safetensors.h"

static walloc_result
io_error (walloc_error * error, const char *path, int number)
{
  if (number == ENOENT || number == ENOTDIR)
    return walloc_fail (error, WALLOC_ERR_NOT_FOUND,
        "%.160s: there is no such file", path);
  if (number == EACCES || number == EPERM)
    return walloc_fail (error, WALLOC_ERR_IO,
        "%.160s: permission to read was denied", path);
  return walloc_fail (error, WALLOC_ERR_IO,
      "%.160s: cannot be read (system error %d)", path, number);
}

static walloc_result
too_large (walloc_error * error, const char *path, size_t max)
{
  return walloc_fail (error, WALLOC_ERR_LIMIT,
      "%.160s: the file exceeds %lu bytes", path, (unsigned long) max);
}

/* Where mapping fails (some network and in-browser file systems), and where
 * there is none. */
static walloc_result
read_whole (walloc_mem * mem, const char *path, size_t max,
    const uint8_t ** data, size_t *size, walloc_error * error)
{
  walloc_result result;
  void *block;
  FILE *file;
  long length;

  file = fopen (path, "rb");
  if (file == NULL)
    return io_error (error, path, errno);
  if (fseek (file, 0, SEEK_END) != 0 || (length = ftell (file)) < 0 ||
      fseek (file, 0, SEEK_SET) != 0) {
    result = io_error (error, path, errno);
  } else if ((unsigned long) length > max) {
    result = too_large (error, path, max);
  } else {
    result = walloc_model_alloc (mem, (size_t) length + 1, 1, &block, error);
    if (result == WALLOC_OK &&
        fread (block, 1, (size_t) length, file) != (size_t) length) {
      walloc_mem_free (mem, block);
      result = io_error (error, path, EIO);
    }
    if (result == WALLOC_OK) {
      *data = block;
      *size = (size_t) length;
    }
  }
  fclose (file);
  return result;
}

walloc_result
walloc_mapping_open (walloc_mem * mem, const char *path, size_t max,
    const uint8_t ** data, size_t *size, int *mapped, walloc_error * error)
{
#if HAVE_MAPPING
  void *map = MAP_FAILED;
  walloc_result result = WALLOC_OK;
  struct stat info;
  int fd;

  *mapped = 0;
  /* not to hang on a pipe that has no writer */
  fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return io_error (error, path, errno);
  if (fstat (fd, &info) != 0)
    result = io_error (error, path, errno);
  else if (!S_ISREG (info.st_mode))
    result = walloc_fail (error, WALLOC_ERR_IO,
        "%.160s: is not a regular file", path);
  else if (info.st_size < 0 || (uint64_t) info.st_size > max)
    result = too_large (error, path, max);
  else if (info.st_size > 0)
    map = mmap (NULL, (size_t) info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close (fd);
  if (result != WALLOC_OK)
    return result;
  if (map != MAP_FAILED) {
    *data = map;
    *size = (size_t) info.st_size;
    *mapped = 1;
    return WALLOC_OK;
  }
#else
  *mapped = 0;
#endif
  return read_whole (mem, path, max, data, size, error);
}

void
walloc_mapping_close (walloc_mem * mem, const uint8_t * data, size_t size,
    int mapped)
{
#if HAVE_MAPPING
  if (mapped) {
    munmap ((void *) data, size);
    return;
  }
#endif
  walloc_mem_free (mem, (void *) data);
}
