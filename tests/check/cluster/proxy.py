# SPDX-License-Identifier: LGPL-2.1-or-later
"""A cable between a client and a server that breaks: passes bytes on, and
resets each connection in the middle of what is being sent, with both ends alive.

usage: proxy.py HOST PORT QUIET CUT TIMES
Prints the port of loopback at which it listens. Of a connection, after QUIET
bytes from the client nothing goes back any more, so that answers are lost, and
after CUT bytes both ends are reset; after TIMES of these all passes."""
import socket
import struct
import sys
import threading

RESET = struct.pack("ii", 1, 0)


class Cable:
    """Two sockets and how far it is until they are cut."""

    def __init__(self, client, server, quiet, cut):
        self.client, self.server = client, server
        self.quiet, self.cut = quiet, cut
        self.sent = 0

    def up(self):
        """From the client to the server, in this thread, until the end."""
        try:
            while self.cut is None or self.sent < self.cut:
                want = 65536 if self.cut is None else \
                    min(65536, self.cut - self.sent)
                data = self.client.recv(want)
                if not data:
                    break
                self.server.sendall(data)
                self.sent += len(data)
        except OSError:
            pass
        for end in self.client, self.server:
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                # wakes the other thread; closing does not
                end.shutdown(socket.SHUT_RD)
            except OSError:
                pass

    def down(self):
        """From the server to the client."""
        try:
            while True:
                data = self.server.recv(65536)
                if not data:
                    break
                if self.quiet is None or self.sent < self.quiet:
                    self.client.sendall(data)
        except OSError:
            pass
        try:
            self.client.shutdown(socket.SHUT_RD)
        except OSError:
            pass

    def run(self):
        """Until it is cut."""
        other = threading.Thread(target=self.down, daemon=True)
        other.start()
        self.up()
        other.join()
        self.client.close()
        self.server.close()


def main():
    host, port, quiet, cut, times = sys.argv[1], *map(int, sys.argv[2:6])
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        try:
            server = socket.create_connection((host, port), 10)
        except OSError:
            client.close()
            continue
        server.settimeout(None)
        for end in client, server:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        cable = Cable(client, server, *(
            (quiet, cut) if times > 0 else (None, None)))
        times -= 1
        threading.Thread(target=cable.run, daemon=True).start()


if __name__ == "__main__":
    main()
