#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recordings as walloc-eval's tasks of sound want them.

usage: machine_sound_data.py words OUT [--prompts FOLDER] [--speech FOLDER]
       machine_sound_data.py stems SET OUT [--every N]

words: OUT/prompts (NAME.wav, NAME.txt, words.gram) of the prompts in package
asterisk-core-sounds-en-g722 whose names are what is said (numbers, days, months,
the spelling alphabet; 16 kHz), and OUT/cards, OUT/librivox of package
pocketsphinx-testdata. stems: every Nth excerpt of SET/stems_test.npy
(training/tasks/data makes it) as OUT/NNN.wav, and OUT/NNN.stems/LABEL.wav.
Needs python3-numpy, and ffmpeg for words.
"""
import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import wave

import numpy as np

PROMPTS = '/usr/share/asterisk/sounds/en_US_f_Allison'
SPEECH = '/usr/share/pocketsphinx/test/data'
SMALL = ('zero one two three four five six seven eight nine ten eleven twelve '
         'thirteen fourteen fifteen sixteen seventeen eighteen '
         'nineteen').split()
TENS = dict(zip(range(20, 100, 10), 'twenty thirty forty fifty sixty seventy '
                'eighty ninety'.split()))
ORDINALS = dict(zip(range(1, 21), (
    'first second third fourth fifth sixth seventh eighth ninth tenth eleventh '
    'twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth '
    'nineteenth twentieth').split()))
DAYS = 'sunday monday tuesday wednesday thursday friday saturday'.split()
MONTHS = ('january february march april may june july august september october '
          'november december').split()
SPELLING = ('alpha bravo charlie delta echo foxtrot golf hotel india juliet '
            'kilo lima mike november oscar papa quebec romeo sierra tango '
            'uniform victor whiskey x-ray yankee zulu').split()
PLAIN = ('hundred thousand million billion minus dollars star pound today '
         'tomorrow yesterday').split()


def said(path):
    """What a prompt says, by its name; "" if that is not known."""
    folder, name = path.split('/')[-2], os.path.basename(path).split('.')[0]
    if folder == 'phonetic' and re.fullmatch('[a-z]_p', name):
        return SPELLING[ord(name[0]) - ord('a')].replace('x-ray', 'x ray')
    if folder != 'digits':
        return ''
    kind, _, number = name.rpartition('-')
    if kind in ('day', 'mon') and number.isdigit():
        return (DAYS if kind == 'day' else MONTHS)[int(number)]
    if kind == 'h':
        return ORDINALS.get(int(number), '') if number.isdigit() else ''
    if name.isdigit():
        n = int(name)
        return SMALL[n] if n < 20 else TENS.get(n, '')
    return name if name in PLAIN else ''


def write_wav(path, samples, rate):
    """samples: int16 [n, channels]"""
    with wave.open(path, 'wb') as w:
        w.setnchannels(samples.shape[1])
        w.setsampwidth(2)
        w.setframerate(rate)
        w.writeframes(samples.astype('<i2').tobytes())


def prompts(folder, out):
    os.makedirs(out, exist_ok=True)
    words = []
    for path in sorted(glob.glob(os.path.join(folder, '*', '*.g722'))):
        text = said(path)
        if not text:
            continue
        stem = os.path.join(out, '-'.join(path.split('/')[-2:])[:-5])
        subprocess.run(['ffmpeg', '-v', 'error', '-y', '-f', 'g722', '-i',
                        path, stem + '.wav'], check=True)
        with open(stem + '.txt', 'w', encoding='utf-8') as f:
            f.write(text + '\n')
        words.append(text)
    if not words:
        sys.exit(f'no prompts in {folder}: install '
                 'asterisk-core-sounds-en-g722, or name its folder with '
                 '--prompts')
    with open(os.path.join(out, 'words.gram'), 'w', encoding='utf-8') as f:
        f.write('#JSGF V1.0;\ngrammar words;\npublic <word> = '
                + ' | '.join(sorted(set(words))) + ';\n')
    return len(words)


def speech(folder, part, name, out):
    """Recordings of pocketsphinx' test data with their words."""
    os.makedirs(out, exist_ok=True)
    count = 0
    try:
        with open(os.path.join(folder, part, name), encoding='utf-8') as f:
            lines = f.readlines()
    except OSError as e:
        sys.exit(f'{folder}/{part}/{name}: {e.strerror}; install '
                 'pocketsphinx-testdata, or name its folder with --speech')
    for line in lines:
        match = re.match(r'(.*)\(([^()]*)\)\s*$', line.strip())
        path = match and os.path.join(folder, part, os.path.basename(
            match.group(2).strip()) + '.wav')
        if not match or not os.path.exists(path):
            continue
        stem = os.path.join(out, os.path.basename(path)[:-4])
        shutil.copy(path, stem + '.wav')
        with open(stem + '.txt', 'w', encoding='utf-8') as f:
            f.write(re.sub(r'</?s>|<sil>', ' ', match.group(1)).strip() + '\n')
        count += 1
    for path in glob.glob(os.path.join(folder, part, '*.gram')):
        shutil.copy(path, out)
    return count


def stems(folder, out, every):
    with open(os.path.join(folder, 'stems.json'), encoding='utf-8') as f:
        about = json.load(f)
    samples = np.load(os.path.join(folder, 'stems_test.npy'), mmap_mode='r')
    os.makedirs(out, exist_ok=True)
    count = 0
    for i in range(0, len(samples), every):
        x = np.moveaxis(samples[i], 1, 2)       # stem, sample, channel
        mixture = x.astype(np.int32).sum(0)
        # what is over 16 bits would be cut off: quieter, with its stems
        gain = min(1, 32000 / (np.abs(mixture).max() + 1))
        name = os.path.join(out, f'{i:03d}')
        os.makedirs(name + '.stems', exist_ok=True)
        parts = np.rint(x * gain).astype(np.int32)
        write_wav(name + '.wav', parts.sum(0), about['rate'])
        for label, part in zip(about['labels'], parts):
            write_wav(os.path.join(name + '.stems', label + '.wav'), part,
                      about['rate'])
        count += 1
    return count


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    sub = p.add_subparsers(required=True, dest='what')
    w = sub.add_parser('words')
    w.add_argument('out')
    w.add_argument('--prompts', default=PROMPTS)
    w.add_argument('--speech', default=SPEECH)
    s = sub.add_parser('stems')
    s.add_argument('set')
    s.add_argument('out')
    s.add_argument('--every', type=int, default=10)
    args = p.parse_args()
    if args.what == 'stems':
        print(stems(args.set, args.out, args.every), 'mixtures')
        return
    print(prompts(args.prompts, os.path.join(args.out, 'prompts')), 'prompts')
    for part, name in (('cards', 'cards.transcription'),
                       ('librivox', 'transcription')):
        print(speech(args.speech, part, name, os.path.join(args.out, part)),
              part)


if __name__ == '__main__':
    main()
