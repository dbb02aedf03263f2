# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cameras, workers and answers over three NATS servers while these are killed
and cut off, clients are too slow, connections break: every frame is answered,
and nothing acknowledged is lost.

usage: test_cluster.py [--long] [--ports] [--frames N] [TEST...]
--long: more of everything, by hand; --ports: no network namespaces
Prints TAP; status 77 where programs are missing."""
import argparse
import shutil
import subprocess
import sys
import time

from classify import test_classify
from clients import Failed
from cluster import can_use_namespaces
from cut import test_cut
from failures import test_balanced, test_full_disk, test_survives
from slow import test_slow_core, test_slow_jetstream


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--ports", action="store_true")
    parser.add_argument("--frames", type=int, default=0)
    parser.add_argument("only", nargs="*")
    args = parser.parse_args()
    for program in ("nats-server", "gst-launch-1.0"):
        if not shutil.which(program):
            print(f"1..0 # SKIP no {program}")
            return 77
    args.namespaces = not args.ports and can_use_namespaces()
    args.frames = args.frames or (3000 if args.long else 500)
    tests = [test_survives, test_balanced, test_full_disk, test_cut,
             test_slow_core, test_slow_jetstream, test_classify]
    if args.only:
        tests = [t for t in tests if t.__name__ in args.only]
    print(f"1..{len(tests)}")
    print("# network namespaces" if args.namespaces else "# ports of loopback")
    bad = 0
    for i, test in enumerate(tests, 1):
        begin = time.monotonic()
        try:
            skipped = test(args)
            print(f"ok {i} - {test.__name__}" + (f" # SKIP {skipped}" if
                                                 skipped else ""))
        except (Failed, TimeoutError, subprocess.SubprocessError) as e:
            bad += 1
            print(f"not ok {i} - {test.__name__}: {e}")
        print(f"# {time.monotonic() - begin:.1f} s", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
