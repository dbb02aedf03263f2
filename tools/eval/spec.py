# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a sweep is: a TOML file or arguments, checked before anything runs.

    inputs = ["photos/*.png", "more/"]
    corruptions = ["clean", "gaussian_noise:1-5", "fog:3"]
    variant = "imagecorruptions"
    seed = 1
    size = 0                    # shorter side is reduced to it; 0: as is
    crops = 3                   # pictures whose details a report shows
    [[codec]]
    name = "walloc"
    settings = [10, 30, 60]
    [[codec]]
    name = "mine"
    encode = "jpegenc quality={setting} idct-method=1"
    decode = "jpegdec"
    settings = [10, 50]
    [[task]]
    kind = "classify"           # see tasks.py
    name = "waste"
    network = "waste-1"
"""
import functools
import glob
import hashlib
import json
import math
import os
import tomllib

from . import codecs, media, tasks

KNOWN = {'inputs', 'corruptions', 'variant', 'seed', 'size', 'codec', 'task',
         'bands', 'name', 'crops', 'frames'}
VERSION = 3                     # of lines; another one, other lines


class SpecError(Exception):
    """A sweep that says what cannot be; names the key."""


def parse_corruption(text):
    """"fog:2-4" to [("fog", 2), ("fog", 3), ("fog", 4)]; "clean" to
    [(None, 0)]."""
    if text == 'clean':
        return [(None, 0)]
    name, _, severities = text.partition(':')
    names = media.ALL_CORRUPTIONS if name == 'all' else [name]
    if any(n not in media.ALL_CORRUPTIONS for n in names):
        raise SpecError(f'corruptions: "{name}" is none of clean, all, '
                        f'{", ".join(media.ALL_CORRUPTIONS)}')
    low, _, high = (severities or '1-5').partition('-')
    try:
        low = int(low)
        high = int(high or low)
    except ValueError:
        low = 0
    if not 1 <= low <= high <= 5:
        raise SpecError(f'corruptions: severities "{severities}" of '
                        f'"{name}" are not within 1 to 5')
    return [(n, s) for n in names for s in range(low, high + 1)]


def parse_codec(entry, known):
    """A [[codec]] table, or "name:1,2,3", to (codec, settings)."""
    if isinstance(entry, str):
        name, _, settings = entry.partition(':')
        entry = {'name': name}
        if settings:
            try:
                entry['settings'] = [float(v) if '.' in v else int(v)
                                     for v in settings.split(',')]
            except ValueError:
                raise SpecError(f'codec "{name}": "{settings}" is no list of '
                                'numbers') from None
    name = entry.get('name')
    if not name:
        raise SpecError('a [[codec]] has no "name"')
    for key in ('name', 'encode', 'decode'):
        if not isinstance(entry.get(key, ''), str):
            raise SpecError(f'codec "{name}": "{key}" must be text')
    extra = set(entry) - {'name', 'settings', 'encode', 'decode', 'media'}
    if extra:
        raise SpecError(f'codec "{name}": unknown keys {sorted(extra)}')
    if 'encode' in entry or 'decode' in entry:
        if not ('encode' in entry and 'decode' in entry):
            raise SpecError(f'codec "{name}": "encode" and "decode" come '
                            'together')
        if name == 'none':
            raise SpecError('codec "none" is the one that codes nothing; '
                            'give yours another name')
        kind = entry.get('media', 'picture')
        if kind not in media.SUFFIXES:
            raise SpecError(f'codec "{name}": media "{kind}" is none of '
                            f'{", ".join(media.SUFFIXES)}')
        codec = codecs.own(name, entry['encode'], entry['decode'],
                           entry.get('settings'), kind)
    elif name in known:
        codec = known[name]
    else:
        raise SpecError(f'codec "{name}" is none of {", ".join(known)}; a '
                        'codec of your own needs "encode" and "decode"')
    settings = entry.get('settings') or codec.settings
    if not isinstance(settings, list) or not all(
            isinstance(v, (int, float)) and math.isfinite(v)
            for v in settings):
        raise SpecError(f'codec "{name}": "settings" must be a list of '
                        'numbers')
    return codec, settings


def of_results(path):
    """Whether a file is a detail that a sweep kept beside its results, which
    may lie under the folder of its inputs; see crops.py."""
    folder = os.path.dirname(path)
    return os.path.basename(folder) == 'crops' and os.path.exists(
        os.path.join(os.path.dirname(folder), 'results.jsonl'))


def find_inputs(patterns, base='.'):
    """Files of patterns and folders, each once, in order of name."""
    found = []
    for pattern in patterns:
        pattern = os.path.expanduser(pattern)
        path = os.path.join(base, pattern)
        # a file with [1] in its name is no pattern, nor is the sweep's folder
        if os.path.isfile(path):
            names = [path]
        elif os.path.isdir(path):
            names = [os.path.join(root, n) for root, _, files in os.walk(path)
                     for n in files if media.of(n)]
        else:
            names = [n for n in glob.glob(os.path.join(
                glob.escape(base), pattern), recursive=True)
                     if not os.path.isdir(n)]
        names = [n for n in names if not of_results(n)]
        if not names and any(map(os.path.isdir, glob.glob(os.path.join(
                glob.escape(base), pattern)))):
            raise SpecError(f'inputs: "{pattern}" matches folders only; name '
                            'a folder, or the files in it: '
                            f'"{os.path.join(pattern, "*")}"')
        if not names:
            raise SpecError('inputs: there are no pictures, clips or sounds '
                            f'in "{pattern}"')
        strange = [n for n in names if not media.of(n)]
        if strange:
            raise SpecError(f'inputs: "{strange[0]}" is none of '
                            + ' '.join(s for v in media.SUFFIXES.values()
                                       for s in v))
        found += names
    return sorted(dict.fromkeys(os.path.normpath(n) for n in found))


class Sweep:
    """inputs: paths; codecs: [(codec, settings)]; corruptions: [(type,
    severity)]; the rest as in the file."""

    def __init__(self, data, base='.'):
        extra = set(data) - KNOWN
        if extra:
            raise SpecError(f'unknown keys {sorted(extra)}; known are '
                            f'{sorted(KNOWN)}')
        known = codecs.table()
        self.data = data
        self.name = data.get('name', 'sweep')
        self._lists('inputs', str, 'file names')
        self._lists('corruptions', str, 'names')
        self._lists('codec', (dict, str), 'tables: [[codec]]')
        self._lists('task', dict, 'tables: [[task]]')
        self.inputs = find_inputs(data.get('inputs') or [], base)
        if not self.inputs:
            raise SpecError('"inputs" is missing: files, patterns or folders')
        self.codecs = [parse_codec(v, known) for v in data.get('codec') or []]
        if not self.codecs:
            raise SpecError('"codec" is missing: [[codec]] tables with a '
                            '"name"')
        self.corruptions = []
        for v in data.get('corruptions') or ['clean']:
            self.corruptions += [c for c in parse_corruption(v)
                                 if c not in self.corruptions]
        self.variant = data.get('variant', 'imagecorruptions')
        if self.variant not in ('imagecorruptions', 'hendrycks'):
            raise SpecError(f'variant: "{self.variant}" is neither '
                            'imagecorruptions nor hendrycks')
        self.seed = self._number('seed', 0, 0, 2 ** 63)
        self.size = self._number('size', 0, 0, 16384)
        self.bands = self._number('bands', 32, 2, 1024)
        self.crops = self._number('crops', 3, 0, 100)
        # of clips: so many from the beginning
        self.frames = self._number('frames', 60, 1, 600)
        self.tasks = [with_paths(t, base) for t in data.get('task') or []]
        try:
            made = [tasks.make(t) for t in self.tasks]
        except ValueError as e:
            raise SpecError(str(e)) from None
        if len({t.name for t in made}) != len(made):
            raise SpecError('two tasks have one name')

    def _lists(self, key, kind, what):
        v = self.data.get(key) or []
        if not isinstance(v, list) or not all(isinstance(x, kind) for x in v):
            raise SpecError(f'{key}: {v!r} is no list of {what}')

    def _number(self, key, default, low, high):
        v = self.data.get(key, default)
        if not isinstance(v, int) or not low <= v <= high:
            raise SpecError(f'{key}: {v!r} is no whole number of {low} to '
                            f'{high}')
        return v

    def cells(self):
        """All that is to be done, as dicts that JSON can hold; each has a key
        that is the same in every run of the same thing."""
        out = []
        for path in self.inputs:
            kind = media.of(path)
            content = content_of(path)
            for corruption, severity in self.corruptions:
                if corruption and corruption not in media.CORRUPTIONS[kind]:
                    continue
                for codec, settings in self.codecs:
                    if kind not in codec.media:
                        continue
                    cell = {
                        'v': VERSION, 'media': kind, 'input': path,
                        'content': content,
                        'size': 0 if kind == 'sound' else self.size,
                        'corruption': corruption, 'severity': severity,
                        'variant': self.variant if corruption
                        and kind != 'sound' else None,
                        'seed': self.seed if corruption else None,
                        'codec': codec.name,
                        'how': getattr(codec, 'encode', '') + ' | '
                        + getattr(codec, 'decode', ''),
                        'bands': self.bands, 'tasks': self.tasks,
                    }
                    if kind == 'clip':
                        cell['frames'] = self.frames
                    out += [dict(c, key=key_of(c)) for c in (
                        dict(cell, setting=v) for v in settings)]
        # a codec or setting that is named twice is done once
        return list({c['key']: c for c in out}.values())


def with_paths(task, base):
    """A [[task]] table with its files found from the sweep's folder."""
    return dict(task, **{k: os.path.normpath(os.path.join(
        base, os.path.expanduser(task[k]))) for k in tasks.paths_of(task)})


@functools.lru_cache(64)
def _content_since(path, changed):
    return content_of(path)


def content_of(path):
    """Digest of a file, 16 hexadecimal digits; "" if it cannot be read, which
    its cells will say."""
    digest = hashlib.sha256()
    try:
        with open(path, 'rb') as f:
            while block := f.read(1 << 20):
                digest.update(block)
    except OSError:
        return ''
    return digest.hexdigest()[:16]


def _named(path):
    """What a file counts as in keys; read once as long as it is the same."""
    changed = os.stat(path).st_mtime_ns if os.path.exists(path) else 0
    return f'{os.path.basename(path)} {_content_since(path, changed)}'


def key_of(cell):
    """Hash of what a cell says, 16 hexadecimal digits. The file, and those that
    tasks name, count by their content and the last parts of their names, so that
    machines which keep them in different places give it one key."""
    place = '/'.join(cell['input'].replace(os.sep, '/').split('/')[-2:])
    asked = [dict(t, **{k: _named(t[k]) for k in tasks.paths_of(t)})
             for t in cell['tasks']]
    text = json.dumps(dict(cell, input=place, tasks=asked), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load(path, inputs=()):
    """The sweep of a TOML file; what it names is relative to it. inputs: in place
    of its own, relative to the working folder. Raises SpecError."""
    try:
        with open(path, 'rb') as f:
            data = tomllib.load(f)
    except OSError as e:
        raise SpecError(f'{path}: {e.strerror}') from None
    except tomllib.TOMLDecodeError as e:
        raise SpecError(f'{path}: {e}') from None
    if inputs:
        data['inputs'] = [os.path.abspath(v) for v in inputs]
    return Sweep(data, os.path.dirname(os.path.abspath(path)))
