# SPDX-License-Identifier: LGPL-2.1-or-later
"""Corrupted pictures as files, DIR/CORRUPTION/SEVERITY/picture.png: the layout of
Kodak-C and ImageNet-C.

A picture is what a sweep's cell of the same corruption, severity, variant, seed
and size is given (picture.corrupt). DIR/manifest.json says what the set is, so that
a stopped run goes on, another one adds to it, and the set can be made
again; SHA256SUMS tells whether it is the same.
"""
import hashlib
import json
import os
import sys

from PIL import Image

from . import media, picture, pipes, pool, progress, spec

MANIFEST, SUMS, README = 'manifest.json', 'SHA256SUMS', 'README.md'
# what all pictures of a set have in common
SHARED = ('version', 'element', 'variant', 'seed', 'size')
VERSION = 2
KINDS = media.CORRUPTIONS['picture']


def inside(folder, top):
    folder, top = os.path.realpath(folder), os.path.realpath(top)
    return os.path.commonpath([folder, top]) == top


def names_of(patterns, folder):
    """{name in the set, to be made in `folder`: path}. Pictures of a folder keep their place in it
    (ImageNet-C has NAME/SEVERITY/class/picture), others their name; all become
    PNG."""
    out = {}
    for pattern in patterns:
        top = os.path.normpath(os.path.expanduser(pattern))
        if os.path.isdir(top) and inside(folder, top):
            raise spec.SpecError(f'--out {folder} lies in {top}: its pictures '
                                 'would be inputs of the next run; choose '
                                 'another folder')
        for path in spec.find_inputs([pattern]):
            if media.of(path) != 'picture':
                continue
            name = os.path.relpath(path, top) if os.path.isdir(top) \
                else os.path.basename(path)
            name = os.path.splitext(name)[0] + '.png'
            if out.setdefault(name, path) != path:
                raise spec.SpecError(
                    f'inputs: {out[name]} and {path} would both be {name}; '
                    'give the folder above both, or rename one')
    return out


def version_of_element():
    pipes.init()
    factory = pipes.Gst.ElementFactory.find('corrupt')
    if factory is None:
        raise spec.SpecError('the GStreamer element corrupt is not installed: '
                             'run under `meson devenv`, or set '
                             'GST_PLUGIN_PATH')
    return factory.get_plugin().get_version()


def digest(path):
    """SHA-256 of a file, hexadecimal."""
    with open(path, 'rb') as f:
        return hashlib.file_digest(f, 'sha256').hexdigest()


def replace(path, write):
    """The file is there whole or not at all: write(a path beside it), then
    rename it. What a killed process leaves is written over the next time."""
    part = path + '.part'
    try:
        write(part)
        os.replace(part, path)
    except BaseException:
        if os.path.exists(part):
            os.unlink(part)
        raise


def write_text(path, text):
    def write(part):
        with open(part, 'w', encoding='utf-8') as f:
            f.write(text)
    replace(path, write)


def do(item):
    """Makes one picture; {"error": why} where it cannot."""
    try:
        clean = [picture.load(item['input'], item['size'])]
        dirty = picture.corrupt(clean, item)
        os.makedirs(os.path.dirname(item['path']), exist_ok=True)
        replace(item['path'],
                lambda part: Image.fromarray(dirty[0]).save(part, 'png'))
    except (picture.CellError, pipes.PipelineError) as e:
        return {'error': str(e)}
    except OSError as e:
        return {'error': f'{item["path"]}: {e.strerror or e}'}
    return {}


def read_manifest(folder):
    path = os.path.join(folder, MANIFEST)
    try:
        with open(path, encoding='utf-8') as f:
            data = json.load(f)
        if not all(k in data for k in SHARED + ('pictures', 'corruptions')):
            raise ValueError('it lacks keys')
        return data
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as e:
        raise spec.SpecError(f'{path} is no manifest of a set ({e}); choose '
                             'another --out') from None


def joined(old, new):
    """The manifest of both; SpecError where they do not go together."""
    if old is None:
        return new
    for key in SHARED:
        if old[key] != new[key]:
            raise spec.SpecError(
                f'--out holds a set with {key} {old[key]!r}, this one has '
                f'{new[key]!r}; choose another folder')
    for name, it in new['pictures'].items():
        there = old['pictures'].get(name, it)
        if there['sha256'] != it['sha256']:
            raise spec.SpecError(
                f'--out holds another picture {name}, of {there["source"]}; '
                'choose another folder')
    corruptions = {k: sorted({*old['corruptions'].get(k, ()),
                              *new['corruptions'].get(k, ())})
                   for k in KINDS
                   if k in old['corruptions'] or k in new['corruptions']}
    return dict(new, corruptions=corruptions,
                pictures=dict(sorted({**old['pictures'],
                                      **new['pictures']}.items())))


def asked(kinds):
    """The shortest --corruptions of {name: severities}."""
    def words(name, severities):
        runs = []
        for s in severities:
            if runs and s == runs[-1][1] + 1:
                runs[-1][1] = s
            else:
                runs.append([s, s])
        return [f'{name}:{a}' + (f'-{b}' if b > a else '') for a, b in runs]

    lists = {tuple(v) for v in kinds.values()}
    if set(kinds) == set(KINDS) and len(lists) == 1:
        return ' '.join(words('all', lists.pop()))
    return ' '.join(w for k, v in kinds.items() for w in words(k, v))


def about(m):
    """README.md of a set."""
    kinds = '\n'.join(
        f'| {k} | {", ".join(str(s) for s in v)} |'
        for k, v in m['corruptions'].items())
    return f'''# Corrupted pictures

{len(m["pictures"])} pictures as CORRUPTION/SEVERITY/picture.png, made with
`corrupt` {m["element"]} of gst-walloc; variant {m["variant"]}, seed {m["seed"]}{
        f', shorter side reduced to {m["size"]}' if m["size"] else ''}.

```sh
walloc-eval corrupt --inputs PICTURES --corruptions {
        asked(m["corruptions"])} --variant {
        m["variant"]} --seed {m["seed"]} --size {m["size"]} --out FOLDER
```

| corruption | severities |
| --- | --- |
{kinds}

Every picture is the first frame of a stream of its own; the stream's seed is of the
seed above and of the picture's SHA-256, so each has noise, textures and directions
of its own. manifest.json has the pictures' names, sizes and SHA-256 of their files; `sha256sum -c SHA256SUMS` says
whether this set is whole.
'''


def command(args):
    """`walloc-eval corrupt`."""
    sweep = spec.Sweep({'inputs': args.inputs, 'variant': args.variant,
                        'corruptions': args.corruptions, 'seed': args.seed,
                        'size': args.size, 'codec': [{'name': 'none'}]})
    kinds = [c for c in sweep.corruptions if c[0] in KINDS]
    if not kinds:
        raise spec.SpecError('corruptions: '
                             f'{", ".join(args.corruptions)}: none of them '
                             'is of pictures')
    shared = {'version': VERSION, 'element': version_of_element(),
              'variant': sweep.variant, 'seed': sweep.seed,
              'size': sweep.size}
    pictures, errors = {}, []
    names = names_of(args.inputs, args.out)
    if not names:
        raise spec.SpecError('inputs: there are no pictures')
    for name, path in sorted(names.items()):
        try:
            height, width = picture.load(path, sweep.size).shape[:2]
            pictures[name] = {'source': os.path.basename(path),
                              'sha256': digest(path), 'width': width,
                              'height': height}
        except (picture.CellError, OSError) as e:
            errors.append(str(e))
    severities = {}
    for kind, severity in kinds:
        severities.setdefault(kind, []).append(severity)
    manifest = joined(read_manifest(args.out), dict(
        shared, corruptions={k: sorted(severities[k])
                             for k in KINDS if k in severities},
        pictures=pictures))
    try:
        os.makedirs(args.out, exist_ok=True)
        # first, so that what a stopped run leaves is known
        write_text(os.path.join(args.out, MANIFEST),
                   json.dumps(manifest, indent=1) + '\n')
        write_text(os.path.join(args.out, README), about(manifest))
    except OSError as e:
        raise spec.SpecError(f'{args.out}: {e.strerror}') from None
    items = [{'input': names[name], 'size': sweep.size, 'corruption': kind,
              'severity': severity, 'variant': sweep.variant,
              'seed': sweep.seed, 'content': pictures[name]['sha256'][:16],
              'path': os.path.join(args.out, kind, str(severity), name)}
             for name in pictures for kind, severity in kinds]
    todo = [i for i in items if not os.path.exists(i['path'])]
    print(f'{len(items)} pictures, {len(items) - len(todo)} done already, '
          f'{args.jobs} at once', file=sys.stderr)
    bar = progress.Bar(len(todo))

    def done(item, ok, result):
        error = result.get('error') if ok else f'{item["path"]}: {result}'
        if error:
            errors.append(error)
        bar.step(error)

    try:
        pool.run(do, todo, args.jobs, done)
        write_text(os.path.join(args.out, SUMS), sums(args.out, manifest))
    except KeyboardInterrupt:
        print('\nwalloc-eval: stopped; run the same line to go on',
              file=sys.stderr)
        return 130
    except OSError as e:
        errors.append(f'{args.out}: {e.strerror}')
    for text in sorted(set(errors))[:10]:
        print(f'walloc-eval: {text}', file=sys.stderr)
    print(args.out)
    return 1 if errors else 0


def sums(folder, m):
    """What sha256sum writes of all pictures of the set that are there."""
    lines = []
    for kind, severities in m['corruptions'].items():
        for severity in severities:
            for name in m['pictures']:
                path = os.path.join(kind, str(severity), name)
                full = os.path.join(folder, path)
                if os.path.exists(full):
                    lines.append(f'{digest(full)}  {path}\n')
    return ''.join(lines)


def add(sub):
    """Its arguments."""
    c = sub.add_parser(
        'corrupt', help='corrupted pictures as files (Kodak-C)',
        description='Writes OUT/CORRUPTION/SEVERITY/picture.png; what is '
        'there is not made again.')
    c.add_argument('--inputs', nargs='+', required=True,
                   help='files, patterns, folders')
    c.add_argument('--corruptions', nargs='+', default=['all'],
                   help='all, or names, with severities: fog:1-3')
    c.add_argument('--variant', default='imagecorruptions')
    c.add_argument('--seed', type=int, default=0)
    c.add_argument('--size', type=int, default=0,
                   help='reduce the shorter side to it')
    c.add_argument('--jobs', type=int, default=os.cpu_count() or 1)
    c.add_argument('--out', required=True, help='folder')
    c.set_defaults(do=command)
