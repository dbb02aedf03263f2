#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients of `wallocwebsink` on loopback: what each costs, and how late it is.

usage: meson devenv -C build -w "$PWD" /usr/bin/python3
           tests/benchmarks/web_clients.py [--clients 0,1,10,50,100]
           [--slow 0] [--seconds 10] [--size 640x360] [--rate 30]
           [--out docs/evaluation/web-clients]

A file is encoded once; the server plays it in real time (`filesrc !
wallocparse ! wallocwebsink`), so that nearly all processor time is the
server's. This program is all the clients, WebSockets that read everything.
--slow adds as many that read nothing, and must not be noticed by the others.
Processor time is that of the server's process over the time of measurement;
what it takes without clients is the first row. The latency is from when a frame
was due (by the clock messages, the earliest counts) to when its last byte was
read here, so it has this program's own lateness in it. Writes NAME.json and
NAME.md.
"""
import argparse
import base64
import json
import os
import re
import selectors
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

import common


def encode(path, size, rate, frames):
    width, height = size.split('x')
    subprocess.run(
        ['gst-launch-1.0', '-q', 'videotestsrc', f'num-buffers={frames}',
         'pattern=ball', '!', f'video/x-raw,format=I420,width={width},'
         f'height={height},framerate={rate}/1', '!', 'videoconvert', '!',
         'wallocenc', 'bitrate=1000', '!', 'filesink', f'location={path}'],
        check=True)


class Client:
    """A WebSocket; counts frames and remembers how late each was."""

    def __init__(self, port, reads):
        self.socket = socket.socket()
        if not reads:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(('127.0.0.1', port))
        self.socket.sendall(
            b'GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n'
            b'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
            b'Sec-WebSocket-Key: %s\r\n\r\n'
            % (port, base64.b64encode(os.urandom(16))))
        head = b''
        while b'\r\n\r\n' not in head:
            head += self.socket.recv(1)
        if b' 101 ' not in head:
            sys.exit(head.decode())
        self.socket.setblocking(False)
        self.data = bytearray()
        self.clock = None
        self.frames, self.bytes, self.late = 0, 0, []
        self.closed = False

    def read(self):
        try:
            got = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except ConnectionError:
            got = b''
        if not got:
            self.closed = True
            return
        now = time.time() * 1e6
        self.data += got
        self.bytes += len(got)
        while True:
            if len(self.data) < 2:
                return
            size, at = self.data[1], 2
            if size == 126:
                size, at = struct.unpack_from('>H', self.data, 2)[0] \
                    if len(self.data) >= 4 else 1 << 62, 4
            elif size == 127:
                size, at = struct.unpack_from('>Q', self.data, 2)[0] \
                    if len(self.data) >= 10 else 1 << 62, 10
            if len(self.data) < at + size:
                return
            self.take(self.data[0] & 15, self.data[at:at + size], now)
            del self.data[:at + size]

    def take(self, opcode, data, now):
        if opcode == 1 and data.startswith(b'{"type":"clock"'):
            message = json.loads(data)
            clock = message['utc'] - message['pts'] / 1000
            # a frame that was late itself is no measure for others
            self.clock = clock if self.clock is None else min(self.clock,
                                                              clock)
        elif opcode == 2:
            self.frames += 1
            # the time record of the header: type 1, 16 bytes
            at = data.find(b'\x01\x10\x00', 34, 200)
            if self.clock is not None and at > 0:
                pts = struct.unpack_from('<Q', data, at + 3)[0]
                self.late.append((now - self.clock - pts / 1000) / 1000)


def processor_seconds(pid):
    """Of all threads; the kernel counts them in ns here, in ticks elsewhere."""
    total = 0
    for task in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{task}/schedstat',
                  encoding='ascii') as file:
            total += int(file.read().split()[0])
    return total / 1e9


def counter(port, name):
    with urllib.request.urlopen(f'http://127.0.0.1:{port}/metrics') as answer:
        text = answer.read().decode()
    return int(re.search(rf'^walloc_web_{name} (\d+)$', text, re.M).group(1))


def serve(path):
    """The server's process and its port."""
    process = subprocess.Popen(
        ['gst-launch-1.0', '-m', 'filesrc', f'location={path}', '!',
         'wallocparse', '!', 'wallocwebsink', 'port=0', 'max-clients=1000'],
        stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        found = re.search(r'port=\(uint\)(\d+)', line)
        if found:
            return process, int(found.group(1))
    sys.exit('the server did not start')


def watch(clients, seconds):
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client.socket, selectors.EVENT_READ, client)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for key, _ in selector.select(0.05):
            key.data.read()
            if key.data.closed:
                selector.unregister(key.fileobj)
    selector.close()


def measure(path, n, slow, seconds):
    process, port = serve(path)
    try:
        clients = [Client(port, True) for _ in range(n)]
        stuck = [Client(port, False) for _ in range(slow)]
        watch(clients, 1.5)
        for client in clients:
            client.frames, client.bytes, client.late = 0, 0, []
        cpu, began = processor_seconds(process.pid), time.monotonic()
        frames_in = counter(port, 'frames_in_total')
        watch(clients, seconds)
        spent = processor_seconds(process.pid) - cpu
        time_taken = time.monotonic() - began
        frames_in = counter(port, 'frames_in_total') - frames_in
        late = sorted(x for c in clients for x in c.late)
        return {
            'clients': n, 'slow': slow, 'cpu': spent / time_taken,
            'frames': frames_in,
            # what is on its way when counting begins and ends is not lost
            'missing': sum(max(0, frames_in - 2 - c.frames) for c in clients),
            'kbps': statistics.mean(c.bytes for c in clients) * 8
            / time_taken / 1000 if clients else 0,
            'median': statistics.median(late) if late else None,
            'p99': late[int(len(late) * 0.99)] if late else None,
            'worst': late[-1] if late else None,
            'closed': sum(c.closed for c in clients),
            'left-out': counter(port, 'frames_left_out_total'),
            'dropped': counter(port, 'clients_dropped_total'),
        }
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--clients', default='0,1,10,50,100')
    p.add_argument('--slow', type=int, default=5,
                   help='clients that read nothing, in one more row')
    p.add_argument('--seconds', type=float, default=10)
    p.add_argument('--size', default='640x360')
    p.add_argument('--rate', type=int, default=30)
    p.add_argument('--out', default='')
    a = p.parse_args()
    counts = [int(n) for n in a.clients.split(',')]
    rounds = [(n, 0) for n in counts] + ([(counts[-1], a.slow)] if a.slow
                                         else [])
    load = [os.getloadavg()[0]]
    with tempfile.NamedTemporaryFile(suffix='.wlc') as file:
        encode(file.name, a.size, a.rate, int((a.seconds + 15) * a.rate))
        rows = []
        for n, slow in rounds:
            rows.append(measure(file.name, n, slow, a.seconds))
            print(rows[-1], flush=True)
    load.append(os.getloadavg()[0])
    base = next((r['cpu'] for r in rows if r['clients'] == 0), 0)
    text = common.table(
        ['clients', 'that read nothing', 'kbit/s each', 'processor, % of a core',
         'of it per client, %', 'latency median, ms', '99 %', 'worst',
         'frames missing', 'closed as slow'],
        [[r['clients'], r['slow'], '%.0f' % r['kbps'], '%.1f' % (100 * r['cpu']),
          '%.2f' % (100 * (r['cpu'] - base) / r['clients'])
          if r['clients'] else '-',
          common.cell(r['median'], '%.1f'), common.cell(r['p99'], '%.1f'),
          common.cell(r['worst'], '%.1f'), r['missing'], r['dropped']]
         for r in rows])
    print(text)
    if a.out:
        common.save(a.out, 'Clients of wallocwebsink',
                    {'rows': rows, 'load': load}, [
            f'{a.size} at {a.rate} frames a second, on loopback, '
            f'{a.seconds:g} s for each row; one process plays a file in real '
            'time and serves it, one other is all the clients. Processor time '
            "is the server's. Latency is from when a frame was due until its "
            "last byte was read; it has the lateness of the clients' program "
            '(Python, one thread for all of them) in it.', '',
            'Load of the machine (mean of a minute) at the beginning and at '
            'the end: ' + ' and '.join(f'{x:.1f}' for x in load) + '. Above '
            'the number of cores others took processor time from the server '
            'and the clients, and latency has that in it.', '', text])


if __name__ == '__main__':
    main()
