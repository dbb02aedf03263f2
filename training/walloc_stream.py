#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Frames to latents in Python, written from docs/bitstream.md alone.

    python3 training/walloc_stream.py MODEL.wlm FILE.wlc ...
    python3 training/walloc_stream.py --check tests/golden

prints format, size and a checksum of every frame's latents (FNV-1a of the
int16 values, channel by channel, little-endian); --check compares them with
stream/list.txt of that folder, and latents and samples of sound with its
folder sound. Slow: about 100,000 latents per second. It
shares no code with libwalloc and shows that the document suffices.
"""
import struct
import sys

import numpy as np

import walloc_model
import walloc_sound

LOW = 1 << 16
GROUPS = {'GRAY8': 1, 'I420': 2, 'NV12': 2}     # others: all 3


class Damaged(Exception):
    """A slice that no encoder writes."""


def crc16(data):
    """Section 3.6, one bit after another."""
    crc = 0xffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc ^ 0xffff


class Reader:
    """Section 3.4: two states that take turns. data: a segment, whole."""

    def __init__(self, data):
        data, check = data[:-2], data[-2:]
        if check != struct.pack('<H', crc16(data)):
            raise Damaged('checksum')
        if len(data) < 8 or len(data) % 2:
            raise Damaged('size')
        self.x = list(struct.unpack_from('<2I', data))
        self.words = struct.unpack_from(f'<{(len(data) - 8) // 2}H', data, 8)
        self.at = self.item = 0
        if min(self.x) < LOW:
            raise Damaged('states')

    def slot(self):
        return self.x[self.item & 1] & 32767

    def take(self, start, freq):
        x = self.x[self.item & 1]
        x = freq * (x >> 15) + (x & 32767) - start
        if x < LOW:
            if self.at >= len(self.words):
                raise Damaged('words are missing')
            x = x << 16 | self.words[self.at]
            self.at += 1
        self.x[self.item & 1] = x
        self.item += 1

    def raw(self, bits):
        value = self.slot() >> (15 - bits)
        self.take(value << (15 - bits), 1 << (15 - bits))
        return value

    def symbol(self, cumulated):
        """cumulated: starts of all symbols, then 32768."""
        k = int(np.searchsorted(cumulated, self.slot(), 'right')) - 1
        self.take(int(cumulated[k]), int(cumulated[k + 1] - cumulated[k]))
        return k

    def end(self):
        if self.x != [LOW, LOW] or self.at != len(self.words):
            raise Damaged('final states')


class Tables:
    """Tensors of one parameter set in the shape that decoding wants."""

    def __init__(self, tensors, s):
        self.group = tensors['codec.group'].tolist()
        self.active = tensors['codec.active'][s].tolist()
        self.bias = tensors['codec.bias_s'][s].tolist()
        self.offset = tensors['codec.offset'][s].tolist()
        self.cap = int(tensors['codec.cap'][s])
        self.bucket = tensors['codec.bucket'].tolist()
        self.shift = tensors['codec.shift'].tolist()
        self.most = tensors['codec.max_symbol'].tolist()
        self.classes = tensors['codec.class'].tolist()
        self.freq = tensors['codec.freq'][s]            # [C][B][4][32]
        self.taps = tensors['codec.tap'][s].astype(int).tolist()
        self.cumulated = {}

    def row(self, channel, bucket, fraction):
        key = self.classes[channel], bucket, fraction
        if key not in self.cumulated:
            n = 2 * self.most[bucket] + 2
            freq = self.freq[key][:n].astype(np.int64)
            self.cumulated[key] = np.concatenate([[0], np.cumsum(freq)])
        return self.cumulated[key]


def key_of(spread):
    """Section 3.2: number of the quarter of an octave."""
    e = spread.bit_length() - 1
    return 4 * e + ((spread << 2 >> e) & 3)


def predict(mean):
    """Section 3.2: the prediction and the fraction."""
    pred = (mean + 128) >> 8
    return max(-16383, min(16383, pred)), mean - 256 * pred


def decode_value(r, tables, c, mean, spread):
    """Sections 3.2, from M and S on, and 3.3. Latent and magnitude."""
    pred, frac = predict(mean)
    flip, frac = frac < 0, abs(frac)
    f = 0 if frac < 16 else 1 if frac < 48 else 2 if frac < 80 else 3
    b = tables.bucket[max(0, min(63, key_of(spread) + tables.offset[c]))]
    m = tables.most[b]
    k = r.symbol(tables.row(c, b, f))
    if k < 2 * m + 1:
        hi = (k + 1) // 2 if k % 2 else -(k // 2)
    else:
        negative = r.raw(1)
        bits = 0
        while not r.raw(1):
            bits += 1
            if bits > 15:
                raise Damaged('escape')
        low = 0
        if bits > 8:
            low = r.raw(bits - 8) << 8 | r.raw(8)
        elif bits:
            low = r.raw(bits)
        hi = (1 << bits | low) + m
        hi = -hi if negative else hi
    shift = tables.shift[b]
    value = hi << shift | r.raw(shift) if shift else hi
    q = pred + (-value if flip else value)
    if abs(q) > 16383:
        raise Damaged('range')
    return q, min(abs(value), tables.cap)


def decode_map(r, skip, before):
    """Section 3.7: flags into skip [rows][width]; before: those of the frame
    before."""
    freq = [3277 + 5243 * bin(k).count('1') for k in range(32)]
    seen = [0] * 32
    rows, width = skip.shape
    for y in range(rows):
        for x in range(width):
            def flag(dy, dx):
                return y + dy >= 0 and 0 <= x + dx < width and \
                    bool(skip[y + dy, x + dx])
            k = flag(0, -1) | flag(-1, 0) << 1 | flag(-1, -1) << 2 | \
                flag(-1, 1) << 3 | bool(before[y, x]) << 4
            zero = 32768 - freq[k]
            skipped = r.slot() >= zero
            r.take(zero if skipped else 0, freq[k] if skipped else zero)
            skip[y, x] = skipped
            change = (32768 if skipped else 0) - freq[k]
            part = abs(change) // (seen[k] + 2)
            freq[k] += part if change > 0 else -part
            freq[k] = max(32, min(32736, freq[k]))
            seen[k] = min(seen[k] + 1, 30)


def decode_segment(data, tables, slice_, layer, first, end, groups):
    """Sections 3.1 and 3.5: channels first to end - 1 of a slice."""
    out, previous, skip = slice_['out'], slice_['previous'], slice_['skip']
    magnitudes = slice_['magnitudes']
    magnitudes[first:end] = 0
    if not data:
        if layer == 0 and previous is not None:
            skip[:] = True
        out[first:end, 2:-2, 2:-2][:, ~skip] = 0
        magnitudes[first:end] = np.minimum(abs(out[first:end]), tables.cap)
        return
    r = Reader(data)
    if layer == 0 and previous is not None:
        decode_map(r, skip, slice_['skip_before'])
    rows, width = skip.shape
    for c in range(first, end):
        active = False
        if tables.group[c] < groups:
            zero = 32768 - tables.active[c]
            active = r.slot() >= zero
            r.take(zero if active else 0,
                   tables.active[c] if active else zero)
        if not active:
            out[c, 2:-2, 2:-2][~skip] = 0
            magnitudes[c] = np.minimum(abs(out[c]), tables.cap)
            continue
        # kinds 2 and 3: the frame before
        taps = [[t[1:] for t in tables.taps[c] if t[0] == kind and t[4]]
                for kind in range(4)]
        plane = out[c]
        for y in range(2, rows + 2):
            for x in range(2, width + 2):
                mean = sum(w * int(out[p, y + dy, x + dx])
                           for p, dy, dx, w in taps[0])
                spread = tables.bias[c] + sum(
                    w * int(magnitudes[p, y + dy, x + dx])
                    for p, dy, dx, w in taps[1])
                if previous is not None:
                    mean += sum(w * int(previous[p, y + dy, x + dx])
                                for p, dy, dx, w in taps[2])
                    spread += sum(w * min(abs(int(previous[p, y + dy,
                                                           x + dx])),
                                          tables.cap)
                                  for p, dy, dx, w in taps[3])
                if skip[y - 2, x - 2]:
                    magnitudes[c, y, x] = min(
                        abs(int(plane[y, x]) - predict(mean)[0]), tables.cap)
                    continue
                plane[y, x], magnitudes[c, y, x] = decode_value(
                    r, tables, c, mean, spread)
    r.end()


def decode_latents(data, header, tensors, state):
    """Latents of a frame as an int16 array [channels][rows][columns]. state is
    a dictionary that is kept from frame to frame, empty at first. Raises
    Damaged if any segment is, ValueError where a key frame is needed."""
    key = header['type'] == 'key'
    grid = tuple((header[n] + (8 << header['scale']) - 1)
                 // (8 << header['scale']) for n in ('height', 'width'))
    fits = (header['width'], header['height'], header['scale'],
            header['format'], header['slice_rows'])
    if not key and (state.get('fits') != fits or (state['sequence'] + 1) % 256
                    != header['sequence']):
        raise ValueError('a key frame is needed')
    if key:
        state['latents'] = np.zeros((0,) + grid, np.int64)
        state['skip'] = np.zeros(grid, bool)
    state['fits'], state['sequence'] = fits, header['sequence']
    if header['type'] == 'repeat':
        state['skip'] = np.ones(grid, bool)
        return state['latents'].astype('<i2')
    # channels that were not there are zero, those that go are kept
    had, need = len(state['latents']), header['channels']
    latents = np.zeros((max(had, need),) + grid, np.int64)
    latents[:had] = state['latents']
    skip = np.zeros(grid, bool)
    tables = Tables(tensors, header['set'])
    groups = GROUPS.get(header['format'], 3)
    at, sizes = header['header_size'], iter(header['slices'])
    for y in range(0, grid[0], header['slice_rows']):
        part = slice(y, min(y + header['slice_rows'], grid[0]))
        out = np.pad(latents[:, part], ((0, 0), (2, 2), (2, 2)))
        one = {'out': out, 'magnitudes': np.zeros_like(out),
               'skip': skip[part],
               'skip_before': state['skip'][part],
               'previous': None if key else out.copy()}
        first = 0
        for layer, end in enumerate(header['layer_ends']):
            size = next(sizes)
            decode_segment(data[at:at + size], tables, one, layer, first, end,
                           groups)
            at += size
            first = end
        latents[:, part] = out[:, 2:-2, 2:-2]
        latents[need:, part][:, ~skip[part]] = 0
    state['latents'], state['skip'] = latents, skip
    return latents.astype('<i2')


def checksum(latents):
    value = 0xcbf29ce484222325
    for byte in latents.tobytes():
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return value


def check(folder):
    """Compares with stream/list.txt; returns the number of differences."""
    models, bad = {}, 0
    with open(f'{folder}/stream/list.txt') as lines:
        for line in lines:
            if line.startswith('#'):
                continue
            name, model, want = line.split()[:3]
            if model not in models:
                models[model] = walloc_model.load(
                    f'{folder}/models/{model}.wlm')[0]
            with open(f'{folder}/stream/{name}.wlc', 'rb') as file:
                data = file.read()
            got, state = 0, {}
            for at, header in walloc_model.frames(data):
                got = got * 0x100000001b3 & 0xffffffffffffffff ^ checksum(
                    decode_latents(data[at:], header, models[model], state))
            same = got == int(want, 16)
            bad += not same
            print(f'{"ok" if same else "not ok"} - {name}: latents '
                  f'{got:016x}', flush=True)
    return bad


def sound_latents(data, header, tensors):
    """Latents of each pair of a frame of sound, and their checksum, of which
    absent channels are no part."""
    latents = walloc_sound.decode_latents(
        data, header, tensors, decode_segment, Tables(tensors, header['set']))
    group = tensors['codec.group'][:header['channels']]
    return latents, checksum(np.concatenate([
        q[group < min(2, header['audio_channels'] - 2 * pair)].ravel()
        for pair, q in enumerate(latents)]).astype('<i2'))


def check_sound(folder):
    """Compares with sound/list.txt and the samples there; returns the number
    of differences."""
    bad = 0
    with open(f'{folder}/sound/list.txt') as lines:
        cases = [line.split() for line in lines if not line.startswith('#')]
    for name, model, want in cases:
        tensors, info = walloc_model.load(f'{folder}/models/{model}.wlm')
        whole = info['walloc.kind'] == 'reference'
        with open(f'{folder}/sound/{name}.wlc', 'rb') as file:
            data = file.read()
        got, parts = 0, []
        for at, header in walloc_model.frames(data):
            latents, one = sound_latents(data[at:], header, tensors)
            got = got * 0x100000001b3 & 0xffffffffffffffff ^ one
            parts.append(walloc_sound.whole_samples(
                latents, header, tensors, int(info['walloc.latent_bits']))
                if whole else walloc_sound.coefficients(latents, header,
                                                        tensors))
        samples = np.concatenate(parts, -1)
        if not whole:
            samples = walloc_sound.synthesise(samples)
        samples = samples.T
        golden = np.fromfile(f'{folder}/sound/{name}.s16', '<i2')
        error = abs(np.clip(samples, -32768, 32767).ravel() - golden).max() \
            if samples.size == golden.size else 65536
        # half a unit is what rounding to 16 bits does
        same = got == int(want, 16) and error < 0.52
        bad += not same
        print(f'{"ok" if same else "not ok"} - {name}: latents {got:016x}, '
              f'{golden.size} samples within {error:.3f}', flush=True)
    return bad


def main():
    if len(sys.argv) == 3 and sys.argv[1] == '--check':
        sys.exit(check(sys.argv[2]) + check_sound(sys.argv[2]) > 0)
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    tensors, metadata = walloc_model.load(sys.argv[1])
    ident = walloc_model.model_id(tensors, metadata)
    for path in sys.argv[2:]:
        with open(path, 'rb') as file:
            data = file.read()
        state = {}
        for at, header in walloc_model.frames(data):
            if header['model'] != ident:
                sys.exit(f'{path}: the frame at {at} needs another model')
            if header['media'] == 'audio':
                one = sound_latents(data[at:], header, tensors)[1]
                print(f'{path} {at}: {header["rate"]} Hz, '
                      f'{header["audio_channels"]} channels of '
                      f'{header["columns"]} columns, latents {one:016x}')
                continue
            latents = decode_latents(data[at:], header, tensors, state)
            print(f'{path} {at}: {header["format"]} {header["width"]}x'
                  f'{header["height"]}, {latents.shape[0]} channels, latents '
                  f'{checksum(latents):016x}')


if __name__ == '__main__':
    main()
