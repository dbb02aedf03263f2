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
    """In a folder of its own; its store outlives kill() and start()."""

    def __init__(self):
        self.keep = tempfile.TemporaryDirectory()
        self.folder = self.keep.name
        self.port = -1          # from the first start on, the same
        self.start()

    def start(self):
        ports = os.path.join(self.folder, 'ports')
        shutil.rmtree(ports, ignore_errors=True)
        os.makedirs(ports)
        self.process = subprocess.Popen(
            [PROGRAM, '-a', '127.0.0.1', '-p', str(self.port), '-js', '-sd',
             os.path.join(self.folder, 'store'), '--ports_file_dir', ports],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def url():
            for path in glob.glob(os.path.join(ports, '*.ports')):
                try:
                    with open(path) as f:
                        return json.load(f)['nats'][0]
                except (OSError, ValueError):
                    pass        # not written to its end
            return None
        self.url = wait_for(url, 'nats-server starts')
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


def require():
    """Ends the test as skipped where there is no server."""
    if not PROGRAM:
        print('nats-server is not installed')
        sys.exit(77)
