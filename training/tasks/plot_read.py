# SPDX-License-Identifier: LGPL-2.1-or-later
"""Curves of train_read.py runs as a picture and one JSON file.

    python3 plot_read.py --out page-1 'from pixels=latents-b-reader.json' ...
"""
import argparse
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report  # noqa: E402


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('runs', nargs='+', metavar='LABEL=FILE')
    a.add_argument('--figures', help='JSON of test_read.py to keep with them')
    a.add_argument('--out', required=True)
    a = a.parse_args()
    f, axes = report.figure(2)
    kept = {}
    for item in a.runs:
        label, _, path = item.partition('=')
        if not path:
            sys.exit('%s is not LABEL=FILE' % item)
        with open(path) as file:
            run = json.load(file)
        kept[label] = run
        finds = run['what'] == 'finder'
        x = [r['update'] for r in run['curve']]
        y = [100 * (r['missed'] + r['extra'] if finds else r['cer'])
             for r in run['curve']]
        axes[finds].plot(x, y, marker='.', label=label)
    for axis, text in zip(axes, ('wrong characters, %', 'lines missed and too '
                                 'many, %')):
        axis.set_xlabel('updates')
        axis.set_ylabel(text)
        axis.set_yscale('log')
        axis.grid(alpha=.3, which='both')
        if axis.lines:
            axis.legend(fontsize=7)
    report.save(f, a.out + '.png')
    out = dict(runs=kept)
    if a.figures:
        with open(a.figures) as file:
            out['test'] = json.load(file)
    report.write_json(a.out + '.json', out)


if __name__ == '__main__':
    main()
