# SPDX-License-Identifier: LGPL-2.1-or-later
"""What comes after the last cell of a run: details of pictures, the report."""
import os
import sys

from . import crops, pool, report, store


def _say(text):
    print(f'walloc-eval: {text}', file=sys.stderr)


def details(folder, keys, count, jobs):
    """Cuts crops of `count` inputs that are not there yet, of the results with
    those keys. What cannot be cut is said and left out."""
    lines, _ = store.read(os.path.join(folder, report.RESULTS))
    todo = [(folder, job) for job in crops.plan(
        [lines[k] for k in keys if k in lines], count)
        if crops.wanted(folder, job)]
    if not todo:
        return
    _say(f'cuts details of {len(todo)} pictures')
    os.makedirs(os.path.join(folder, crops.FOLDER), exist_ok=True)
    said = set()

    def done(_item, ok, text):
        if not ok or text:
            said.add(str(text))
    pool.run(crops.cut, todo, jobs, done)
    for text in sorted(said)[:10]:
        _say(f'details: {text}')


def run(folder, keys, args, count):
    """Details, and the report if it is wanted (args.no_report); False if that
    could not be written, which is said: results are there whatever comes
    here."""
    try:
        if not os.path.exists(os.path.join(folder, report.RESULTS)):
            return True
        if count:
            details(folder, keys, count, args.jobs)
        if not args.no_report:
            path = os.path.join(folder, 'report.html')
            report.write([folder], path)
            print(path)
        return True
    except KeyboardInterrupt:
        _say('stopped; run the same line to go on')
    except Exception as e:              # a bug must not look like a lost sweep
        kind = '' if isinstance(e, (OSError, store.StoreError)) \
            else f'{type(e).__name__}: '
        _say(f'no report: {kind}{e}; results are there, `walloc-eval report '
             f'{folder}` tries it again')
    return False
