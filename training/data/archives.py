# SPDX-License-Identifier: LGPL-2.1-or-later
"""Read pictures out of the containers packages keep them in.

Two containers occur: Qt resource files (.rcc, "qres", versions 1 to 3) and
zip archives (.zip, .pk3).  Both are read whole with limits on every size taken
from the file, since nothing here is trusted.
"""

import os
import shutil
import struct
import subprocess
import zipfile
import zlib

MAX_ARCHIVE = 512 << 20
MAX_MEMBER = 64 << 20
MAX_NODES = 100000

PICTURE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.ppm', '.pnm', '.tif',
                    '.tiff', '.bmp')


class ArchiveError(Exception):
    """The container is damaged or uses something unknown."""


def is_picture(path):
    return path.lower().endswith(PICTURE_SUFFIXES)


def is_archive(path):
    return path.lower().endswith(('.rcc', '.zip', '.pk3'))


def members(path):
    """Yield (inner path, bytes) of every picture in the archive at path."""
    if os.path.getsize(path) > MAX_ARCHIVE:
        raise ArchiveError('%s: larger than %d bytes' % (path, MAX_ARCHIVE))
    reader = _rcc_members if path.lower().endswith('.rcc') else _zip_members
    try:
        yield from reader(path)
    except (struct.error, zlib.error, zipfile.BadZipFile, OSError, ValueError,
            RuntimeError, subprocess.CalledProcessError) as e:
        raise ArchiveError('%s: %s' % (path, e)) from e


def _zip_members(path):
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir() or not is_picture(info.filename):
                continue
            if info.file_size > MAX_MEMBER:
                continue
            yield info.filename, archive.read(info)


def _rcc_members(path):
    with open(path, 'rb') as f:
        data = f.read()
    yield from _rcc_walk(data)


def _rcc_walk(data):
    """Walk the tree of a Qt resource file.

    Header, big-endian: "qres", version, then the offsets of tree, payloads and
    names.  A tree node is: offset of its name, flags, then for a directory the
    number of children and the index of the first one, for a file a locale and
    the offset of its payload; since version 2 a modification time follows.
    """
    if data[:4] != b'qres':
        raise ArchiveError('not a Qt resource file')
    version, tree, payloads, names = struct.unpack_from('>IIII', data, 4)
    if not 1 <= version <= 3:
        raise ArchiveError('Qt resource version %d' % version)
    node_size = 14 if version == 1 else 22

    def name_at(offset):
        length, _hash = struct.unpack_from('>HI', data, names + offset)
        start = names + offset + 6
        raw = data[start:start + 2 * length]
        return raw.decode('utf-16-be', 'replace')

    # Every node is visited at most once, so a tree with loops ends too.
    queue = [(0, '')]
    seen = set()
    while queue:
        index, prefix = queue.pop()
        if index in seen or len(seen) > MAX_NODES:
            continue
        seen.add(index)
        at = tree + index * node_size
        name_offset, flags = struct.unpack_from('>IH', data, at)
        name = name_at(name_offset) if index else ''
        full = prefix + '/' + name if name else prefix
        if flags & 2:
            count, first = struct.unpack_from('>II', data, at + 6)
            if count > MAX_NODES:
                raise ArchiveError('%d entries in one folder' % count)
            queue.extend((first + i, full) for i in range(count))
        elif is_picture(full):
            (offset,) = struct.unpack_from('>I', data, at + 10)
            payload = _rcc_payload(data, payloads + offset, flags)
            if payload is not None:
                yield full.lstrip('/'), payload


def _rcc_payload(data, at, flags):
    (size,) = struct.unpack_from('>I', data, at)
    raw = data[at + 4:at + 4 + size]
    if len(raw) != size or size > MAX_MEMBER:
        return None
    if flags & 1:
        # Four bytes of length, then a zlib stream.
        inflate = zlib.decompressobj()
        return inflate.decompress(raw[4:], MAX_MEMBER)
    if flags & 4:
        # Python of Debian 12 has no Zstandard module: use the tool.
        tool = shutil.which('zstd')
        if tool is None:
            raise ArchiveError('needs the zstd tool')
        done = subprocess.run([tool, '-dc', '-M128MB'], input=raw,
                              stdout=subprocess.PIPE, check=True)
        return done.stdout[:MAX_MEMBER]
    return raw
