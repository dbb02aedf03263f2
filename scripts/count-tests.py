#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adds up what meson's testlog.json files and gate results say.

usage: count-tests.py [--names] LOG...

A test program counts as the checks that it reports (TAP lines, or the summary
of libcheck), and as one where it reports none. A program that failed without
a failed check of its own (crash, time-out, plan not met) adds one failure.
Prints the names of failed programs on stderr, and 'P F S' on stdout.
"""
import json
import re
import sys

TAP = re.compile(r"^(not )?ok\b[^#\n]*(#\s*(skip|todo)\b)?", re.I | re.M)
CHECK = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)",
                   re.M)


def count(record):
    """(passed, failed, skipped) of one program."""
    result = record["result"]
    output = record.get("stdout") or ""
    passed = failed = skipped = 0
    summaries = CHECK.findall(output)
    if summaries:
        for checks, failures, errors in summaries:
            bad = int(failures) + int(errors)
            failed += bad
            passed += int(checks) - bad
    else:
        for match in TAP.finditer(output):
            if match.group(3):
                skipped += 1
            elif match.group(1):
                failed += 1
            else:
                passed += 1
    if result == "SKIP":
        return 0, 0, max(skipped, 1)
    if result in ("OK", "EXPECTEDFAIL"):
        return (passed or (0 if skipped else 1)), failed, skipped
    return passed, max(failed, 1), skipped


def main():
    total = [0, 0, 0]
    for path in sys.argv[1:]:
        try:
            lines = open(path, encoding="utf-8", errors="replace")
        except OSError as error:
            print(f"count-tests: {error}", file=sys.stderr)
            total[1] += 1
            continue
        with lines:
            for line in lines:
                record = json.loads(line)
                sums = count(record)
                total = [a + b for a, b in zip(total, sums)]
                if sums[1]:
                    print(f"FAILED {record['name']}: {record['result']},"
                          f" {sums[1]} checks; see {path}", file=sys.stderr)
    print(*total)


if __name__ == "__main__":
    main()
