#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Render stems of music from MIDI: drums, bass, lead and other.

  apt-get install fluidsynth fluid-soundfont-gm timgm6mb-soundfont mma \
      openttd-openmsx planetblupi-music-midi python3-mido
  prepare_stems.py --out SET

writes SET/stems_{train,val,test,test-font}.npy (int16 [n, 4, 2, 262144], 44.1
kHz, 5.9 s each; the mixture is the sum) with SET/stems.json and
SET/stems_manifest.tsv. Stems are told apart by channel and General MIDI program, note by note; effects that
would not add up (reverb, chorus) are off.

Songs are of openttd-openmsx (GPL-2), and accompaniments that mma (GPL-2) plays
in each of its styles over random chords, with a random tune of ours as lead.
No song or style is in two splits; test has all of planetblupi-music-midi
(GPL-3+) too, which no other split has. test-font is test as another sound font
plays it: instruments that were not in training. Seeds are fixed: the same
packages give the same samples.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import subprocess
import tempfile
import wave

import mido
import numpy as np

STEMS = ('drums', 'bass', 'lead', 'other')
RATE, LENGTH = 44100, 1 << 18
FONTS = {'': '/usr/share/sounds/sf2/FluidR3_GM.sf2',
         '-font': '/usr/share/sounds/sf2/TimGM6mb.sf2'}
OPENMSX = '/usr/share/games/openttd/baseset/openmsx/*.mid'
BLUPI = '/usr/share/planetblupi/music/*.mid'
STYLES = '/usr/share/mma/lib/stdlib/*.mma'
NO_STYLE = ('none', 'metronome', 'metronome3', 'metronome6', 'metronome68')
SECONDS = 150                   # of a song
QUIET = 30                      # RMS: a stem that plays
DRUM_CHANNEL = 9
# choir and voice, brass but the tuba, reeds, pipes, synth leads
LEAD = set(range(52, 55)) | set(range(56, 88)) - {58}
BASS = set(range(32, 40)) | {43, 58}
DRUMS = set(range(112, 120))
SOLOISTS = (56, 57, 60, 64, 65, 66, 68, 71, 73, 75, 80, 81, 53)
MAJOR = (0, 2, 4, 5, 7, 9, 11)
NAMES = ('C', 'Db', 'D', 'Eb', 'E', 'F', 'Gb', 'G', 'Ab', 'A', 'Bb', 'B')
# degree of the key and what MMA calls the chord on it
CHORDS = ((0, ''), (0, 'M7'), (2, 'm7'), (4, 'm'), (5, ''), (7, '7'), (9, 'm'),
          (9, 'm7'))


def stem_of(channel, program):
    if channel == DRUM_CHANNEL or program in DRUMS:
        return 'drums'
    if program in BASS:
        return 'bass'
    return 'lead' if program in LEAD else 'other'


def split_midi(path, folder):
    """One MIDI file per stem with that stem's notes and all that is no note;
    stems without notes are left out."""
    song = mido.MidiFile(path, clip=True)
    # in the order in which they sound: a program may be set in another track
    # than the one with the notes
    program, timed, seconds, last = [0] * 16, [], 0.0, 0
    beat = 0.5
    for track_number, track in enumerate(song.tracks):
        at = 0
        for k, message in enumerate(track):
            at += message.time
            timed.append((at, track_number, k, message))
    timed.sort(key=lambda row: row[:3])
    place, held, late = {}, {}, set()
    for at, track_number, k, message in timed:
        seconds += (at - last) / song.ticks_per_beat * beat
        last = at
        if message.type == 'set_tempo':
            beat = message.tempo / 1e6
        # songs that go on for half an hour need not be played to the end
        if seconds > SECONDS + 2:
            late.add((track_number, k))
            if message.type == 'note_on' and message.velocity:
                place[track_number, k] = None
                continue
        if message.type == 'program_change':
            program[message.channel] = message.program
        elif message.type in ('note_on', 'note_off'):
            key = (message.channel, message.note)
            if message.type == 'note_on' and message.velocity:
                held[key] = stem_of(message.channel, program[message.channel])
            place[track_number, k] = held.get(key, 'other')
    found = {}
    for stem in sorted(set(place.values()) - {None}):
        out = mido.MidiFile(type=song.type,
                            ticks_per_beat=song.ticks_per_beat)
        for track_number, track in enumerate(song.tracks):
            mine, waited = mido.MidiTrack(), 0
            for k, message in enumerate(track):
                if place.get((track_number, k), stem) != stem:
                    waited += message.time
                    continue
                mine.append(message.copy(time=0 if (
                    track_number, k) in late else message.time + waited))
                waited = 0
            out.tracks.append(mine)
        found[stem] = os.path.join(folder, stem + '.mid')
        out.save(found[stem])
    return found


def render(path, font):
    """int16 [2, samples]"""
    out = path + '.wav'
    subprocess.run(['fluidsynth', '-ni', '-q', '-R', '0', '-C', '0', '-g',
                    '0.35', '-r', str(RATE), '-F', out, font, path],
                   check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    with wave.open(out) as f:
        data = f.readframes(min(f.getnframes(), SECONDS * RATE))
    os.remove(out)
    return np.frombuffer(data, '<i2').reshape(-1, 2).T


def accompaniment(style, rng, path):
    """MMA plays a groove of the style over 16 bars of random chords in a
    random key; a tune of notes of the key, mostly of the scale's neighbours,
    is added."""
    with open(style, encoding='utf-8', errors='replace') as f:
        grooves = [line.split()[1] for line in f
                   if line.startswith('DefGroove')]
    plain = [g for g in grooves if not g.endswith(('Intro', 'End', 'Fill'))]
    key = int(rng.integers(12))
    # MMA plays a little before or behind the beat, by chance
    lines = ['RndSeed %d' % key, 'Tempo %d' % rng.integers(80, 150),
             'Groove %s' % plain[rng.integers(len(plain))]]
    for _ in range(16):
        degree, kind = CHORDS[rng.integers(len(CHORDS))]
        lines.append(NAMES[(key + degree) % 12] + kind)
    source = path + '.mma'
    with open(source, 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines) + '\n')
    done = subprocess.run(['mma', source, '-f', path], check=False,
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    if done.returncode or not os.path.exists(path):
        return False
    song = mido.MidiFile(path, clip=True)
    used = {m.channel for t in song.tracks for m in t
            if m.type == 'note_on'}
    free = [c for c in range(16) if c != DRUM_CHANNEL and c not in used]
    if not free:
        return False
    channel, track = free[0], mido.MidiTrack()
    track.append(mido.Message('program_change', channel=channel,
                              program=int(rng.choice(SOLOISTS))))
    track.append(mido.Message('control_change', channel=channel, control=10,
                              value=int(rng.integers(30, 98))))
    scale = [60 + key - 12 * (key > 6) + 12 * o + d
             for o in (0, 1) for d in MAJOR]
    at, rest, end = int(rng.integers(3, 9)), 0, 64
    beats = 0.0
    while beats < end:
        length = float(rng.choice((0.5, 0.5, 1, 1, 1.5, 2)))
        ticks = int(length * song.ticks_per_beat)
        if rng.random() < 0.15:
            rest += ticks
        else:
            at = int(np.clip(at + rng.choice((-2, -1, -1, 1, 1, 2, 4, -3)),
                             0, len(scale) - 1))
            velocity = int(rng.integers(70, 115))
            track.append(mido.Message('note_on', channel=channel, time=rest,
                                      note=scale[at], velocity=velocity))
            track.append(mido.Message('note_off', channel=channel, time=ticks,
                                      note=scale[at], velocity=0))
            rest = 0
        beats += length
    song.tracks.append(track)
    song.save(path)
    return True


def excerpts(job):
    """(name, split, path or style, seed, font, how many) -> rows of int16
    [4, 2, LENGTH] and where they begin. Excerpts have two stems at least."""
    name, _, source, seed, font, count = job
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        if source.endswith('.mma'):
            path = os.path.join(folder, 'song.mid')
            if not accompaniment(source, rng, path):
                return job, []
        else:
            path = source
        try:
            parts = {stem: render(one, font)
                     for stem, one in split_midi(path, folder).items()}
        except (OSError, ValueError, EOFError, KeyError) as error:
            print(name, error, flush=True)
            return job, []
    total = max((p.shape[1] for p in parts.values()), default=0)
    stems = np.zeros((4, 2, total), np.int16)
    for stem, x in parts.items():
        stems[STEMS.index(stem), :, :x.shape[1]] = x
    rows, room = [], total - LENGTH
    if room < 0:
        return job, []
    most = min(count, 1 + room // (LENGTH // 2))
    for k in range(most):
        at = int(room * (k + 0.5) / most)
        part = stems[..., at:at + LENGTH]
        loud = np.sqrt((part.astype(np.float32) ** 2).mean((1, 2)))
        if (loud > QUIET).sum() >= 2:
            rows.append((at, part.copy(), loud))
    return job, rows


def jobs():
    """Songs of openmsx: every sixth is test, the one before it validation;
    styles of mma: every eighth, likewise."""
    for paths, every, count in ((OPENMSX, 6, 8), (STYLES, 8, 3)):
        names = [p for p in sorted(glob.glob(paths))
                 if os.path.splitext(os.path.basename(p))[0] not in NO_STYLE]
        for k, path in enumerate(names):
            split = {every - 1: 'test', every - 2: 'val'}.get(k % every,
                                                              'train')
            few = count if split == 'train' else (count + 1) // 2
            seed = len(path) * 1000 + k
            yield os.path.basename(path), split, path, seed, FONTS[''], few
            if split == 'test':
                yield (os.path.basename(path), 'test-font', path, seed,
                       FONTS['-font'], few)
    for k, path in enumerate(sorted(glob.glob(BLUPI))):
        for suffix, font in FONTS.items():
            yield (os.path.basename(path), 'test' + suffix, path, k, font, 4)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--out', required=True)
    p.add_argument('--workers', type=int, default=2)
    args = p.parse_args()
    os.makedirs(args.out, exist_ok=True)
    files, manifest, shape = {}, [], (len(STEMS), 2, LENGTH)
    with concurrent.futures.ProcessPoolExecutor(args.workers) as pool:
        for job, rows in pool.map(excerpts, list(jobs())):
            name, split = job[:2]
            print(f'{split} {name}: {len(rows)} excerpts', flush=True)
            for at, part, loud in rows:
                if split not in files:
                    files[split] = open(os.path.join(
                        args.out, f'stems_{split}.part'), 'wb+')
                files[split].write(part.tobytes())
                manifest.append((split, name, at) + tuple(
                    int(v) for v in loud))
    for split, file in files.items():
        n = file.tell() // (2 * int(np.prod(shape)))
        file.flush()
        out = np.lib.format.open_memmap(os.path.join(
            args.out, f'stems_{split}.npy'), 'w+', np.int16, (n,) + shape)
        out[:] = np.memmap(file, np.int16, 'r', shape=(n,) + shape)
        out.flush()
        file.close()
        os.remove(file.name)
    with open(os.path.join(args.out, 'stems.json'), 'w',
              encoding='utf-8') as f:
        json.dump({'labels': STEMS, 'rate': RATE, 'ratio': None}, f)
        f.write('\n')
    with open(os.path.join(args.out, 'stems_manifest.tsv'), 'w',
              encoding='utf-8') as f:
        f.write('split\tsong\tfirst sample\t' + '\t'.join(
            'RMS of ' + s for s in STEMS) + '\n')
        for row in manifest:
            f.write('\t'.join(map(str, row)) + '\n')


if __name__ == '__main__':
    main()
