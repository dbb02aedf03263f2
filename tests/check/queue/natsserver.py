# SPDX-License-Identifier: LGPL-2.1-or-later
"""A NATS server of a test, on loopback, at a port that it picks itself."""
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PROGRAM = shutil.which('nats-server') or shutil.which(
    'nats-server', path='/usr/sbin:/sbin')
LIMIT = 60                      # s for anything that must happen at all


def wait_for(condition, what, limit=LIMIT):
    """Its first true value; a loaded machine may take its time."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f'{what}: not within {limit} s')


class Server:
    """In a folder of its own; its store outlives kill() and start(). ports: of a
    cluster, in which this is the one at `own`."""

    def __init__(self, ports=(), own=0):
        self.keep = tempfile.TemporaryDirectory()
        self.folder = self.keep.name
        self.port = -1          # from the first start on, the same
        self.cluster = [f'nats://127.0.0.1:{p}' for p in ports]
        self.own = own
        self.start()

    def start(self, max_payload=0):
        ports = os.path.join(self.folder, 'ports')
        shutil.rmtree(ports, ignore_errors=True)
        os.makedirs(ports)
        words = [PROGRAM, '-a', '127.0.0.1', '-p', str(self.port), '-js', '-sd',
                 os.path.join(self.folder, 'store'), '--ports_file_dir', ports]
        if max_payload:
            path = os.path.join(self.folder, 'more.conf')
            with open(path, 'w') as f:
                f.write(f'max_payload: {max_payload}\n')
            words += ['-c', path]
        if self.cluster:
            words += ['-n', f'node{self.own}', '--cluster_name', 'test',
                      '--cluster', self.cluster[self.own], '--routes',
                      ','.join(self.cluster)]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

        def urls():
            for path in glob.glob(os.path.join(ports, '*.ports')):
                try:
                    with open(path) as f:
                        return json.load(f)
                except (OSError, ValueError):
                    pass        # not written to its end
            return None
        self.url = wait_for(urls, 'nats-server starts')['nats'][0]
        self.port = int(self.url.rsplit(':', 1)[1])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        self.process.kill()
        self.process.wait()
        self.keep.cleanup()

    def publish(self, subject, *payloads):
        """Raw messages, as anybody may send them; waits until the server has
        read them."""
        with socket.create_connection(('127.0.0.1', self.port), LIMIT) as s:
            s.settimeout(LIMIT)
            s.sendall(b'CONNECT {"verbose":false}\r\n')
            for p in payloads:
                s.sendall(f'PUB {subject} {len(p)}\r\n'.encode() + p + b'\r\n')
            s.sendall(b'PING\r\n')
            got = b''
            while b'PONG\r\n' not in got:
                block = s.recv(65536)
                if not block:
                    raise AssertionError('the server closed the connection')
                got += block


class Cluster:
    """Servers that know each other."""

    def __init__(self, n=3):
        # each must know all routes before it starts, so none can pick its own:
        # ports that were free a moment ago
        held = [socket.socket() for _ in range(n)]
        for s in held:
            s.bind(('127.0.0.1', 0))
        ports = [s.getsockname()[1] for s in held]
        for s in held:
            s.close()
        self.servers = [Server(ports, i) for i in range(n)]
        self.url = ','.join(s.url for s in self.servers)

    def end(self):
        for s in self.servers:
            s.end()


def require():
    """Ends the test as skipped where there is no server."""
    if not PROGRAM:
        print('nats-server is not installed')
        sys.exit(77)
