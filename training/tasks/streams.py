# SPDX-License-Identifier: LGPL-2.1-or-later
"""Data sets of encoded frames: a frame is a few kB, and its latents are there
in half a millisecond, so frames are kept and latents never are.

A set is a folder: frames.bin (frames one after the other), index.npy (one
record of FIELDS per frame) and set.json (labels, files, variations, codec).
"""
import json
import os
import queue
import threading

import numpy as np
import torch

from latents import Codec
from pictures import as_seen, load, vary
from resample import plan

KEPT_BYTES = 1 << 30          # of uncompressed pictures in memory
FIELDS = [('offset', '<u8'), ('size', '<u4'), ('picture', '<i4'),
          ('variant', '<i2'), ('label', '<i2'), ('split', '<i1'),
          ('quality', '<u1'), ('scale', '<u1'), ('width', '<u2'),
          ('height', '<u2'), ('stream', '<i4')]
SPLITS = ('train', 'val', 'test')


class FrameWriter:
    """Writes a set; the folder is complete once close() returns."""

    def __init__(self, path):
        os.makedirs(path, exist_ok=True)
        self.path, self.rows, self.at = path, [], 0
        self.file = open(os.path.join(path, 'frames.bin'), 'wb')

    def add(self, frame, info, picture, variant, label, split, quality,
            stream=0):
        """frame: bytes; info: its FrameInfo; picture: index into
        set.json's files; variant: -1 for the picture as it is; split: one of
        SPLITS; stream: for what belongs together."""
        self.file.write(frame)
        self.rows.append((self.at, len(frame), picture, variant, label,
                          SPLITS.index(split), quality, info.scale,
                          info.width, info.height, stream))
        self.at += len(frame)

    def close(self, meta):
        """meta: what is written to set.json."""
        self.file.close()
        np.save(os.path.join(self.path, 'index.npy'),
                np.array(self.rows, FIELDS))
        with open(os.path.join(self.path, 'set.json'), 'w') as f:
            json.dump(meta, f, indent=1)


class FrameSet:
    """A set to read; not to be shared by threads."""

    def __init__(self, path):
        try:
            self.index = np.load(os.path.join(path, 'index.npy'))
            with open(os.path.join(path, 'set.json')) as f:
                self.meta = json.load(f)
            self.bytes = np.memmap(os.path.join(path, 'frames.bin'), np.uint8,
                                   'r')
        except FileNotFoundError as e:
            raise ValueError(f'{path} is no set of frames ({e.filename} is '
                             'not there); make one with prepare.py') from e
        self.path, self.labels = path, self.meta.get('labels', [])
        self._kept, self._room = {}, KEPT_BYTES

    def frame(self, i):
        """Bytes of frame i."""
        row = self.index[i]
        at = int(row['offset'])
        return self.bytes[at:at + int(row['size'])].tobytes()

    def only(self, count):
        """Use no more than count training pictures from now on, as many of
        each class, the first ones. Raises ValueError."""
        train = self.where('train')
        kept = []
        each = count // max(1, len(self.labels))
        for label in range(len(self.labels)):
            found = np.unique(self.index['picture'][
                train[self.index['label'][train] == label]])
            if not 1 <= each <= len(found):
                raise ValueError(f'{each} training pictures of a class are '
                                 f'wanted, {self.labels[label]} has '
                                 f'{len(found)}')
            kept.append(found[:each])
        gone = train[~np.isin(self.index['picture'][train],
                              np.concatenate(kept))]
        self.index['split'][gone] = -1

    def where(self, split, **equal):
        """Numbers of the frames of a split, with fields equal to values."""
        keep = self.index['split'] == SPLITS.index(split)
        for field, value in equal.items():
            keep &= self.index[field] == value
        return np.flatnonzero(keep)

    def pixels(self, i):
        """The uncompressed pixels that frame i was made of, uint8
        [h, w, 3]."""
        row = self.index[i]
        rgb = self._kept.get(row['picture'])
        if rgb is None:
            rgb = load(os.path.join(self.meta['folder'],
                                    self.meta['files'][row['picture']]),
                       self.meta['size'])
            if rgb.nbytes <= self._room and row['variant'] >= 0:
                self._kept[row['picture']] = rgb
                self._room -= rgb.nbytes
        if row['variant'] < 0:
            return as_seen(rgb, 'grey') if self.meta.get('grey') else rgb
        v = self.meta['variations'][row['picture']][row['variant']]
        return as_seen(vary(rgb, v), v['form'])


READERS = ('latents', 'decoded', 'pixels')


class Reader:
    """What a network is given for a frame.

    kind: latents [K, H, W] in sample units; decoded: pixels of the decoder
    [3, h, w], 0 to 255; pixels: the uncompressed ones. maps, size: batches of
    latents are brought near to the size (resample.py)."""

    def __init__(self, frames, kind, channels=96, decoder='linear', maps=None,
                 size=0):
        if kind not in READERS:
            raise ValueError(f'{kind} is none of ' + ', '.join(READERS))
        self.frames, self.kind = frames, kind
        self.channels, self.decoder = channels, decoder
        self.maps = maps
        self.size = size if maps is not None and kind == 'latents' else 0
        self.codec = Codec(frames.meta.get('codec', 'photo-1'))
        if f'{self.codec.model_id:016x}' != frames.meta['model']:
            raise ValueError(f'{frames.path} was made with codec model '
                             f'{frames.meta["model"]}, this is '
                             f'{self.codec.model_id:016x}')

    def shape(self, i):
        """(height, width) of what a network is given for frame i."""
        row = self.frames.index[i]
        w, h, scale = (int(row[f]) for f in ('width', 'height', 'scale'))
        if self.kind != 'latents':
            return h, w
        up, down = plan(w, h, scale, self.size)
        w, h = (-(-(-(-n // (1 << (scale - up)))) // 8) for n in (w, h))
        for _ in range(down):
            w, h = -(-w // 2), -(-h // 2)
        return h, w

    def __call__(self, i):
        """(float32 array, step, scale); latents as they are coded"""
        row = self.frames.index[i]
        if self.kind == 'pixels':
            values, step, scale = self.frames.pixels(i), 0.0, 0
        elif self.kind == 'decoded':
            values = self.codec.decode(self.frames.frame(i), self.decoder)
            step, scale = 0.0, 0
        else:
            return self.codec.latents(self.frames.frame(i), self.channels)
        if values.ndim == 2:
            values = np.repeat(values[..., None], 3, 2)
        assert values.shape[:2] == (row['height'], row['width'])
        return values.transpose(2, 0, 1).astype(np.float32), step, scale


def epoch_batches(reader, split, batch, rng, whole=True):
    """Batches of frame numbers for one epoch: every picture once, in one of
    its variants and qualities drawn at random; all frames of a batch are
    given to the network in one size, whatever size they are coded at.
    whole: leave out batches that are not full."""
    frames = reader.frames
    rows = frames.where(split)
    rows = rows[rng.permutation(len(rows))]
    rows = rows[np.unique(frames.index['picture'][rows],
                          return_index=True)[1]]
    rng.shuffle(rows)
    keys = [reader.shape(i) for i in rows]
    out = []
    for key in sorted(set(keys)):
        mine = rows[[k == key for k in keys]]
        for at in range(0, len(mine), batch):
            part = mine[at:at + batch]
            if len(part) == batch or (not whole and len(part) > 1) or \
                    len(part) >= batch // 2 > 1:
                out.append(part)
    rng.shuffle(out)
    return out


def read_batch(reader, rows):
    """(values [n, ...], step [n], scale [n], label [n]) as numpy arrays, of
    frames of one reader.shape()."""
    values, step, scale = map(list, zip(*[reader(i) for i in rows]))
    if reader.size:
        alike, index = {}, reader.frames.index[rows]
        for n, row in enumerate(index):
            alike.setdefault(tuple(int(row[f]) for f in (
                'width', 'height', 'scale')), []).append(n)
        for (w, h, _), mine in alike.items():
            for n, *fitted in zip(mine, *reader.maps.fitted(
                    *(torch.from_numpy(np.stack([np.float32(v[n])
                                                 for n in mine]))
                      for v in (values, step, scale)), w, h, reader.size)):
                values[n], step[n], scale[n] = (t.numpy() for t in fitted)
    return (np.stack(values), np.float32(step), np.float32(scale),
            reader.frames.index['label'][rows].astype(np.int64))


def ahead(generator, depth=3):
    """The generator's items, made by another thread a few items ahead."""
    q, end, stop = queue.Queue(depth), object(), threading.Event()

    def put(item):
        while not stop.is_set():
            try:
                q.put(item, timeout=.2)
                return
            except queue.Full:
                pass

    def work():
        try:
            for item in generator:
                put(item)
                if stop.is_set():
                    return
            put(end)
        except BaseException as e:      # goes to the reader
            put(e)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item = q.get()
            if item is end:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()
