# SPDX-License-Identifier: LGPL-2.1-or-later
"""NATS servers of a test's own: three in network namespaces of their own, with
cables that can be pulled, or on free ports of loopback where that is not
permitted. Everything goes with the object."""
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def can_use_namespaces():
    """True where this user may make network namespaces and cables."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        return False
    name = f"wn{os.getpid()}"
    ok = subprocess.run(["ip", "netns", "add", name],
                        capture_output=True).returncode == 0
    subprocess.run(["ip", "netns", "del", name], capture_output=True)
    return ok


def _free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Cluster:
    """`count` servers. `prefix` (a list) comes before the commands of clients.
    Without `advertise` clients know only the servers that they are told of."""

    def __init__(self, count=3, namespaces=None, extra="", advertise=True):
        self.dir = tempfile.mkdtemp(prefix="nats-cluster-")
        self.count = count
        self.extra = extra
        self.advertise = advertise
        self.namespaces = can_use_namespaces() if namespaces is None \
            else namespaces
        self.processes = [None] * count
        self.prefix = []
        self.hub = f"wc{os.getpid()}"
        if self.namespaces:
            self._make_namespaces()
            self.ports = [(f"10.99.0.{i + 1}", 4222, 6222, 8222)
                          for i in range(count)]
        else:
            self.ports = [("127.0.0.1", _free_port(), _free_port(),
                           _free_port()) for _ in range(count)]
        self.urls = ",".join(f"nats://{p[0]}:{p[1]}" for p in self.ports)
        for i in range(count):
            self.start(i)
        self.wait_ready()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process:
                process.kill()
                process.wait()
        if self.namespaces:
            for name in [f"{self.hub}s{i}" for i in range(self.count)] + \
                    [self.hub]:
                subprocess.run(["ip", "netns", "del", name],
                               capture_output=True)
        shutil.rmtree(self.dir, ignore_errors=True)

    def _make_namespaces(self):
        hub = self.hub
        _ip("netns", "add", hub)
        self.prefix = ["ip", "netns", "exec", hub]
        _ip("-n", hub, "link", "set", "lo", "up")
        _ip("-n", hub, "link", "add", "br0", "type", "bridge")
        _ip("-n", hub, "addr", "add", "10.99.0.254/24", "dev", "br0")
        _ip("-n", hub, "link", "set", "br0", "up")
        for i in range(self.count):
            name = f"{hub}s{i}"
            _ip("netns", "add", name)
            _ip("-n", hub, "link", "add", f"s{i}", "type", "veth", "peer",
                "name", "eth0", "netns", name)
            _ip("-n", hub, "link", "set", f"s{i}", "master", "br0", "up")
            _ip("-n", name, "addr", "add", f"10.99.0.{i + 1}/24", "dev",
                "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
            _ip("-n", name, "link", "set", "lo", "up")

    def start(self, i):
        """Starts server `i`, on the store that it had."""
        host, port, route, http = self.ports[i]
        routes = ", ".join(f'"nats://{p[0]}:{p[2]}"'
                           for k, p in enumerate(self.ports) if k != i)
        hidden = "false" if self.advertise else "true"
        cluster = f'''cluster {{ name: walloc, listen: "{host}:{route}",
            routes: [ {routes} ], no_advertise: {hidden} }}''' if self.count > 1 else ""
        name = os.path.join(self.dir, f"{i}.conf")
        with open(name, "w", encoding="utf-8") as f:
            f.write(f'''server_name: "n{i}"
listen: "{host}:{port}"
http: "{host}:{http}"
logfile: "{self.dir}/{i}.log"
jetstream {{ store_dir: "{self.dir}/js{i}", max_file_store: 4G }}
{cluster}
{self.extra}
''')
        prefix = ["ip", "netns", "exec", f"{self.hub}s{i}"] \
            if self.namespaces else []
        # not through the exec of ip: the process that is killed is the server
        self.processes[i] = subprocess.Popen(
            prefix + ["nats-server", "-c", name], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, preexec_fn=_die_with_parent)

    def kill(self, i):
        """kill -9."""
        self.processes[i].kill()
        self.processes[i].wait()
        self.processes[i] = None

    def cable(self, i, up):
        """Pulls the cable of server `i`, or plugs it in again."""
        _ip("-n", self.hub, "link", "set", f"s{i}", "up" if up else "down")

    def run(self, *command, **arguments):
        """A client process."""
        return subprocess.Popen([*self.prefix, *command],
                                preexec_fn=_die_with_parent, **arguments)

    def get(self, i, path):
        """JSON of a server's monitoring, or None."""
        url = f"http://{self.ports[i][0]}:{self.ports[i][3]}{path}"
        if self.namespaces:
            text = subprocess.run(
                [*self.prefix, sys.executable, "-c",
                 "import sys,urllib.request as u;"
                 "print(u.urlopen(sys.argv[1],timeout=3).read().decode())",
                 url], capture_output=True, text=True, check=False).stdout
            return json.loads(text) if text.strip() else None
        try:
            with urllib.request.urlopen(url, timeout=3) as answer:
                return json.load(answer)
        except OSError:
            return None

    def wait_ready(self, timeout=60):
        """Until there is a leader of JetStream and every server follows."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            states = [self.get(i, "/jsz") for i in range(self.count)]
            if all(states) and (self.count == 1 or all(
                    s.get("meta_cluster", {}).get("leader") and
                    s["meta_cluster"].get("cluster_size") == self.count
                    for s in states)):
                return
            time.sleep(0.2)
        raise TimeoutError("the cluster has no leader; see " + self.dir)

    def url(self, i):
        """Of one server."""
        return f"nats://{self.ports[i][0]}:{self.ports[i][1]}"

    def stream(self, name):
        """State and leader (index) of a stream, or (None, None)."""
        for i in range(self.count):
            if not self.processes[i]:
                continue
            info = self.get(i, "/jsz?accounts=1&streams=1") or {}
            for account in info.get("account_details", []):
                for s in account.get("stream_detail", []):
                    leader = s.get("cluster", {}).get("leader", "n0")
                    if s["name"] == name and leader == f"n{i}":
                        return s["state"], i
        return None, None

    def consumer(self, stream, name):
        """What its leader says of a consumer, or None."""
        for i in range(self.count):
            info = self.get(i, "/jsz?accounts=1&streams=1&consumers=1") or {}
            for s in (s for a in info.get("account_details", [])
                      for s in a.get("stream_detail", [])
                      if s["name"] == stream):
                for c in s.get("consumer_detail", []):
                    leader = c.get("cluster", {}).get("leader", "n0")
                    if c["name"] == name and leader == f"n{i}":
                        return c
        return None
