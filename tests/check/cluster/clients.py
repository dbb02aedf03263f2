# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cameras, workers and readers of a cluster, each a process of its own."""
import json
import os
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
RETRY = "reconnect-wait=50000000 reconnect-wait-max=500000000"
QUICK = f"{RETRY} connect-timeout=1000000000"


class Failed(Exception):
    pass


def require(condition, text):
    if not condition:
        raise Failed(text)


def launch(cluster, line, **arguments):
    return cluster.run("gst-launch-1.0", "-q", *line.split(),
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                       text=True, **arguments)


def camera(cluster, name, frames, rate):
    """Publishes live; ends when every frame is acknowledged."""
    return launch(
        cluster, f"videotestsrc num-buffers={frames} is-live=true ! "
        f"video/x-raw,format=GRAY8,width=48,height=32,framerate={rate}/1 ! "
        f"natssink servers={cluster.urls} mode=jetstream stream=FRAMES "
        f"subject=frames.{name} source={name} send-eos=false "
        f"max-pending-messages=2000 publish-ack-timeout=60000000000 {QUICK}")


def worker(cluster):
    """Answers frames with their own pictures, reduced; each safe before the
    frame is acknowledged."""
    return launch(
        cluster, f"natssrc servers={cluster.urls} mode=jetstream "
        "stream=FRAMES subject=frames.* durable=workers deliver=all "
        f"prefetch=4 ack-wait=2000000000 {QUICK} ! identity sleep-time=2000 "
        f"! natssink servers={cluster.urls} mode=jetstream stream=ANSWERS "
        f"subject=answers.all wait-ack=true send-eos=false {QUICK} "
        "publish-ack-timeout=60000000000")


def make_streams(cluster, replicas):
    for stream, subjects in (("FRAMES", "frames.>"), ("ANSWERS", "answers.>")):
        p = launch(
            cluster, f"videotestsrc num-buffers=0 ! natssink mode=jetstream "
            f"servers={cluster.urls} stream={stream} create-stream=true "
            f"stream-subjects={subjects} replicas={replicas} send-eos=false "
            f"subject={subjects[:-1]}none connect-timeout=10000000000")
        error = p.communicate(timeout=60)[1]
        require(p.returncode == 0, f"no stream {stream}: {error}")


def finish(process, timeout, what):
    try:
        error = process.communicate(timeout=timeout)[1]
    except subprocess.TimeoutExpired as e:
        process.kill()
        raise Failed(f"{what} does not end") from e
    require(process.returncode == 0, f"{what}: {error}")


def collect(cluster, stream, subject, count, patience):
    p = cluster.run(sys.executable, os.path.join(HERE, "collect.py"),
                    cluster.urls, stream, subject, str(count), str(patience),
                    stdout=subprocess.PIPE, text=True)
    out = p.communicate(timeout=300)[0]
    require(out.strip(), "collect.py said nothing")
    return json.loads(out)


def wait_for(condition, what, timeout=120):
    """The condition's value when it is true; a loaded machine takes its time."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise Failed(f"{what}: not within {timeout} s")


class Pipeline:
    """A process that runs a pipeline; `says` is the last line of pipeline.py."""

    def __init__(self, cluster, line):
        self.line = line
        self.says = {}
        self.process = cluster.run(
            sys.executable, os.path.join(HERE, "pipeline.py"), line,
            stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            try:
                self.says = json.loads(line)
            except ValueError:
                # the last words of one that is killed
                return

    def stat(self, element, name):
        """A number of the element's stats, 0 before there are any."""
        return self.says.get(element, {}).get(name, 0)

    def wait(self, condition, what):
        """Until condition(self), or the pipeline fails."""
        def holds():
            require(not self.says.get("error"),
                    f"{what}: {self.says.get('error')}")
            return condition(self)
        try:
            wait_for(holds, what)
        except Failed as e:
            raise Failed(f"{e}: {self.says}") from e

    def freeze(self):
        """It does nothing more until thaw()."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self.reader.join()

    def finish(self, timeout, what):
        """Until EOS; fails with the pipeline's error."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired as e:
            raise Failed(f"{what} does not end: {self.says}") from e
        finally:
            self.kill()
        require(self.process.returncode == 0,
                f"{what}: {self.says.get('error')}")

    def stop(self):
        """In order: what it holds is given back."""
        self.process.terminate()
        self.finish(30, self.line)
