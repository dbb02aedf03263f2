#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Model files and frame headers of walloc in Python: numpy, nothing else.

    python3 training/walloc_model.py FILE ...

prints what models (docs/model-format.md) and streams (docs/bitstream.md)
consist of. The functions are for exporters and tests; libwalloc is the one
that checks files before use.
"""
import json
import struct
import sys
import zlib

import numpy as np

TYPES = {
    'BOOL': np.bool_, 'U8': np.uint8, 'I8': np.int8, 'U16': np.uint16,
    'I16': np.int16, 'U32': np.uint32, 'I32': np.int32, 'U64': np.uint64,
    'I64': np.int64, 'F16': np.float16, 'F32': np.float32, 'F64': np.float64,
}
NAMES = {np.dtype(v): k for k, v in TYPES.items()}
HASHED_KEYS = ('walloc.kind', 'walloc.media', 'walloc.levels',
               'walloc.latent_bits', 'walloc.analysis_bits')
ENCODER_ONLY = ('codec.rounding', 'codec.quality', 'codec.scale')


# --- model files -----------------------------------------------------------

def _little(array):
    """Contiguous array in little-endian order."""
    array = np.asarray(array)
    return np.ascontiguousarray(array, array.dtype.newbyteorder('<')).reshape(
        array.shape)


def dump(tensors, metadata):
    """Bytes of a safetensors file.

    tensors: {name: array of a type in TYPES, any shape}; metadata: {str:
    str}. Wider types come first, so that all tensors are aligned to their
    type when the file is mapped. The same input gives the same bytes."""
    order = sorted(tensors, key=lambda n: (
        -np.asarray(tensors[n]).dtype.itemsize, n))
    header = {'__metadata__': dict(sorted(metadata.items()))}
    blobs, at = [], 0
    for name in order:
        array = _little(tensors[name])
        blob = array.tobytes()
        header[name] = {
            'dtype': NAMES[np.dtype(array.dtype.newbyteorder('='))],
            'shape': list(array.shape), 'data_offsets': [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    return struct.pack('<Q', len(text)) + text + b''.join(blobs)


def parse(data):
    """Inverse of dump: (tensors, metadata). Raises ValueError."""
    if len(data) < 8:
        raise ValueError('too short for a model file')
    size = struct.unpack_from('<Q', data)[0]
    if size > 1 << 20 or size > len(data) - 8:
        raise ValueError('the header leaves the file')
    header = json.loads(bytes(data[8:8 + size]))
    metadata = header.pop('__metadata__', {})
    tensors = {}
    for name, t in header.items():
        start, end = t['data_offsets']
        dtype = np.dtype(TYPES[t['dtype']]).newbyteorder('<')
        count = int(np.prod(t['shape'], dtype=np.int64))
        if not 0 <= start <= end <= len(data) - 8 - size or \
                end - start != count * dtype.itemsize:
            raise ValueError(f'{name}: offsets and shape do not agree')
        tensors[name] = np.frombuffer(data, dtype, count, 8 + size + start
                                      ).reshape(t['shape'])
    return tensors, metadata


def save(path, tensors, metadata):
    """Write a model file; returns its id."""
    with open(path, 'wb') as f:
        f.write(dump(tensors, metadata))
    return model_id(tensors, metadata)


def load(path):
    """Read a model file: (tensors, metadata)."""
    with open(path, 'rb') as f:
        return parse(f.read())


def _fnv(value, data):
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 & (1 << 64) - 1
    return value


def model_id(tensors, metadata):
    """The 64-bit id of docs/model-format.md, section 3, as an int."""
    value = 0xcbf29ce484222325
    for name in sorted(tensors, key=str.encode):
        if not name.startswith('codec.') or name in ENCODER_ONLY:
            continue
        array = _little(tensors[name])
        value = _fnv(value, name.encode() + b'\0')
        value = _fnv(value, NAMES[np.dtype(array.dtype.newbyteorder('='))
                                  ].encode() + b'\0')
        value = _fnv(value, struct.pack(f'<{array.ndim}Q', *array.shape))
        value = _fnv(value, array.tobytes())
    for key in HASHED_KEYS:
        value = _fnv(value, metadata.get(key, '').encode() + b'\0')
    return value


# --- gains of the encoder's integer transform ------------------------------

FRACTION = 4                    # WALLOC_INT_FRACTION
LOW_GAIN = 2 ** 0.5 / 1.230174104914001


def int_gain(channel, levels):
    """walloc_int_gain(): what a value of a channel of the integer packet must
    be multiplied with to be pywt's coefficient in units of one grey level.

    Lifting leaves out the scalings by K; its low band is pywt's over
    sqrt 2 / K, its high band pywt's over -K / sqrt 2. High bands along the
    height, and at the last of several levels along the width too, are kept
    at half scale."""
    gain = 2.0 ** -FRACTION
    for level in range(levels):         # 0 is the last: lowest digit
        digit = channel >> 2 * level & 3
        half = 2 if level == 0 and levels > 1 else 1
        gain *= -2 / LOW_GAIN if digit & 1 else LOW_GAIN
        gain *= -half / LOW_GAIN if digit & 2 else LOW_GAIN
    return gain


def input_gains(group):
    """Gains of the 96 inputs of codec.analysis for a group of channels
    (docs/model-format.md, section 2.1); 0 where the group has no input."""
    out = np.zeros(96)
    if group == 0:
        out[:64] = [int_gain(c, 3) for c in range(64)]
    elif group == 1:
        out[:32] = [int_gain(c, 2) for c in range(16)] * 2
    else:
        out[:] = [int_gain(c, 3) for c in range(16, 64)] * 2
    return out


def integer_analysis(rows, group, bits):
    """Fold gains into a projection.

    rows: [D, 96] float, channel values from pywt-normalised coefficients in
    grey levels; group: [D]; bits: Qm. Returns codec.analysis, [D, 96] int16.
    Raises ValueError when a row does not fit."""
    gains = np.stack([input_gains(g) for g in group])
    out = np.rint(np.asarray(rows, float) * gains * 2.0 ** (FRACTION + bits))
    if np.abs(out).max() > 32767 or np.abs(out).sum(1).max() > 65535:
        raise ValueError('rows do not fit: use fewer bits')
    return out.astype(np.int16)


# --- frame headers ---------------------------------------------------------

FORMATS = ('GRAY8', 'I420', 'NV12', 'Y42B', 'Y444', 'RGB', 'BGR', 'RGBx',
           'BGRx', 'xRGB', 'xBGR')
TYPE_NAMES = ('key', 'predicted', 'repeat')
TIME_NONE = (1 << 64) - 1
RECORDS = {1: ('time', '<QQ'), 2: ('rate', '<II'), 3: ('colour', '<5B'),
           4: ('aspect', '<II')}
SOUND_RECORDS = {1: ('time', '<QQ'), 5: ('trim', '<II'), 6: ('mask', '<Q'),
                 7: ('rotation', None), 8: ('whole', None)}


def slice_count(height, slice_rows, frame_type='key', scale=0):
    """Slices of a picture of height pixels coded at 1 / 2^scale."""
    if frame_type == 'repeat':
        return 0
    return -(-(-(-height // (8 << scale))) // slice_rows)


def leb128(value):
    """Bytes of one size in a header's table."""
    out = b''
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def read_sizes(data, at, end, count):
    """count sizes from data[at:end]; returns them and the offset behind."""
    sizes = []
    for _ in range(count):
        value = shift = 0
        while True:
            if at >= end or shift > 28:
                raise ValueError('slice table leaves the header')
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
        if value > 0xffffffff or (shift and not byte):
            raise ValueError('a size is not in its shortest form')
        sizes.append(value)
    return sizes, at


def write_frame_header(width, height, format, slices, *, model=0, set=0,
                       step=0, channels=1, slice_rows=1, type='key', media=0,
                       version=2, coder=0, records=(), payload=None, scale=0,
                       sequence=0, layer_ends=()):
    """Bytes of a header. slices: sizes in bytes of all segments; layer_ends:
    channels at which all layers but the last end; records: (type, bytes)
    pairs, as they are; format: name or number. Nothing is checked, so that
    tests can make damaged headers with a right checksum."""
    body = struct.pack(f'<BB{len(layer_ends)}H', scale | len(layer_ends) << 2,
                       sequence, *layer_ends)
    body += b''.join(leb128(s) for s in slices[:-1])
    body += b''.join(struct.pack('<BH', t, len(b)) + b for t, b in records)
    kind = media | (TYPE_NAMES.index(type) if isinstance(type, str)
                    else type) << 2
    number = FORMATS.index(format) if isinstance(format, str) else format
    head = b'WLC1' + struct.pack(
        '<HBBIQHHBBHHH', 32 + len(body) + 4, kind, version | coder << 4,
        sum(slices) if payload is None else payload, model, width - 1,
        height - 1, number, set, step, channels, slice_rows) + body
    return head + struct.pack('<I', zlib.crc32(head))


def parse_frame_header(data):
    """Dict of all that the header at the start of data says; 'slices' are the
    sizes of all segments, slice by slice, in a slice layer by layer. Raises
    ValueError when it is cut short or damaged."""
    if len(data) < 38 or data[:4] != b'WLC1':
        raise ValueError('no frame header')
    (size, kind, version, payload, model, width, height, number, set_, step,
     channels, rows) = struct.unpack_from('<HBBIQHHBBHHH', data, 4)
    if not 38 <= size <= len(data):
        raise ValueError('header cut short')
    if zlib.crc32(data[:size - 4]) != struct.unpack_from('<I', data,
                                                         size - 4)[0]:
        raise ValueError('wrong checksum')
    flags, sequence = data[32:34]
    sound = kind == 1
    if version != 2 or kind & 0xf2 or kind >> 2 == 3 or kind & 1 != sound or \
            number >= (1 if sound else len(FORMATS)) or flags >> 4 or \
            flags & 3 > (0 if sound else 2):
        raise ValueError('a later version of the format')
    if rows == 0:
        raise ValueError('no rows per slice')
    out = {'header_size': size, 'payload_size': payload,
           'media': 'audio' if sound else 'video',
           'type': TYPE_NAMES[kind >> 2], 'model': model, 'set': set_,
           'step': step, 'channels': channels, 'layers': (flags >> 2) + 1,
           'sequence': sequence, 'records': {}}
    if sound:
        out.update(rate=width | (height & 255) << 16, columns=rows,
                   audio_channels=(height >> 8) + 1)
        if out['audio_channels'] > 8 or out['rate'] == 0:
            raise ValueError('a later version of the format')
        n = (out['audio_channels'] + 1) // 2 * out['layers']
    else:
        out.update(width=width + 1, height=height + 1,
                   format=FORMATS[number], slice_rows=rows, scale=flags & 3)
        n = slice_count(height + 1, rows, out['type'], flags & 3) * \
            out['layers']
    known = SOUND_RECORDS if sound else RECORDS
    at = 34 + 2 * (out['layers'] - 1)
    if at > size - 4:
        raise ValueError('layers leave the header')
    ends = struct.unpack_from(f'<{out["layers"] - 1}H', data, 34)
    out['layer_ends'] = list(ends) + [channels]
    if any(a >= b for a, b in zip((0,) + ends, out['layer_ends'])):
        raise ValueError('layers do not rise')
    sizes, at = read_sizes(data, at, size - 4, max(n - 1, 0))
    if sum(sizes) > payload:
        raise ValueError('slices exceed the payload')
    out['slices'] = sizes + [payload - sum(sizes)] if n else []
    while at < size - 4:
        if at + 3 > size - 4:
            raise ValueError('stray bytes behind the records')
        record, length = struct.unpack_from('<BH', data, at)
        at += 3
        if at + length > size - 4:
            raise ValueError('a record leaves the header')
        name, form = known.get(record, (record, None))
        value = data[at:at + length]
        if form is not None and struct.calcsize(form) != length:
            raise ValueError(f'record {name} has a wrong length')
        out['records'][name] = struct.unpack(form, value) if form else value
        at += length
    return out


def frames(data):
    """Yield (offset, header) of every frame of a stream; skips damage."""
    at = data.find(b'WLC1')
    while at >= 0:
        try:
            head = parse_frame_header(data[at:at + 65535])
            yield at, head
            at += head['header_size'] + head['payload_size']
        except ValueError:
            at += 1
        at = data.find(b'WLC1', at)


# --- summary ---------------------------------------------------------------

def summary(path):
    """Text that says what a model or stream consists of."""
    with open(path, 'rb') as f:
        data = f.read()
    lines = [f'{path}: {len(data)} bytes']
    if data[:4] == b'WLC1':
        for at, h in frames(data):
            what = f"{h['rate']} Hz, {h['audio_channels']} channels, " \
                f"{h['columns']} columns" if h['media'] == 'audio' else \
                f"{h['width']}x{h['height']} {h['format']:5}"
            lines.append(
                f"{at:10} {h['type']:9} {what} model {h['model']:016x} "
                f"step {h['step']} channels {h['channels']} slices {len(h['slices'])} "
                f"bytes {h['header_size']}+{h['payload_size']}")
        return '\n'.join(lines)
    tensors, metadata = parse(data)
    lines.append(f"id {model_id(tensors, metadata):016x}")
    lines += [f'{k} = {v[:60]}' for k, v in sorted(metadata.items())]
    for name, t in sorted(tensors.items()):
        lines.append(
            f"{name:22} {NAMES[np.dtype(t.dtype.newbyteorder('='))]:4} "
            f"{'x'.join(map(str, t.shape)):16} {t.nbytes:9} bytes")
    return '\n'.join(lines)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for path in sys.argv[1:]:
        try:
            print(summary(path))
        except (OSError, ValueError, KeyError, TypeError) as e:
            sys.exit(f'{path}: {e}')


if __name__ == '__main__':
    main()
