#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Seeds of fuzz_rtp from golden streams.

usage: python3 tests/fuzzing/make_rtp_seeds.py [FOLDER]
FOLDER (default tests/fuzzing/seeds/rtp) gets sequences of packets in the form
that is said at the head of fuzz_rtp.c.
"""
import os
import struct
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
CONFIG, HEADER, KEY = 0x20, 0x10, 0x08


def frames_of(path):
    """Frames of a .wlc file as (bytes, header size)."""
    data = open(os.path.join(ROOT, 'tests', 'golden', path), 'rb').read()
    at = 0
    while at < len(data):
        header, = struct.unpack_from('<H', data, at + 4)
        payload, = struct.unpack_from('<I', data, at + 8)
        yield data[at:at + header + payload], header
        at += header + payload


def payload(frame, number, offset, flags=0, head=b'', end=None):
    """Payload of one packet: payload header, head, bytes from offset on."""
    key = KEY if frame[6] >> 2 & 3 == 0 else 0
    model, = struct.unpack_from('<I', frame, 12)
    return struct.pack('>BBHII', flags | key, number % 256, 0, model,
                       offset) + head + frame[offset:end]


def packets_of(frame, header, number, room, whole=True):
    """Payloads of a frame, with its header whole in the first or in pieces."""
    at = 0
    if whole:
        at = header
        take = max(0, room - header)
        yield payload(frame, number, at, HEADER, frame[:header], at + take)
        at += take
    while at < len(frame):
        yield payload(frame, number, at, end=at + room)
        at += room


def sequence(payloads, marks):
    """Payloads as an input of the target; marks: marker and time of each."""
    return b''.join(struct.pack('<HB', len(p), m) + p
                    for p, m in zip(payloads, marks))


def stream(path, room, whole=True, drop=(), limit=3):
    payloads, marks, count = [], [], 0
    for n, (frame, header) in enumerate(frames_of(path)):
        if n == limit:
            break
        some = list(packets_of(frame, header, n, room, whole))
        for i, p in enumerate(some):
            if count not in drop:
                marks.append((n % 8) << 1 | (i == len(some) - 1) | 128)
                payloads.append(p)
            count += 1
    return sequence(payloads, marks)


def config(text, room):
    data = struct.pack('>H', len(text)) + text.encode()
    return sequence([struct.pack('>BBHII', CONFIG, 0, 0, 0, at) +
                     data[at:at + room] for at in range(0, len(data), room)],
                    [0] * len(data))


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
        ROOT, 'tests', 'fuzzing', 'seeds', 'rtp')
    os.makedirs(folder, exist_ok=True)
    seeds = {
        'whole-header': stream('stream/i420-odd.wlc', 200),
        'header-in-pieces': stream('stream/i420-odd.wlc', 20, whole=False),
        'layers': stream('stream/layers.wlc', 300),
        'predicted': stream('stream/predicted-i420.wlc', 90, limit=5),
        'packet-lost': stream('stream/gray-slices.wlc', 400, drop=(2,)),
        'header-lost': stream('stream/predicted-i420.wlc', 90, drop=(0,)),
        'sound': stream('sound/stereo.wlc', 150),
        'configuration': config('model-id=3029ca64fc0682ed;width=640', 11),
    }
    for name, data in seeds.items():
        with open(os.path.join(folder, name + '.bin'), 'wb') as f:
            f.write(data)


if __name__ == '__main__':
    main()
