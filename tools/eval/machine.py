# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a sweep ran on: a line of JSON for each `run`, in DIR/runs.jsonl."""
import datetime
import json
import os
import platform
import subprocess

RUNS = 'runs.jsonl'
LIMIT = 5                       # seconds that a program may take for --version
KEYS = {'name': str, 'date': str, 'cores': int, 'machine': str, 'system': str,
        'gstreamer': str, 'python': str, 'codecs': dict, 'jobs': int}


def processor():
    """The processor's name; its architecture where the system does not say."""
    try:
        with open('/proc/cpuinfo', encoding='utf-8', errors='replace') as f:
            for text in f:
                name, _, value = text.partition(':')
                if name.strip() == 'model name':
                    return value.strip()
    except OSError:
        pass
    return platform.machine()


def _plugins(codec):
    """"plugin version" of the elements of both fragments."""
    from . import pipes
    pipes.init()
    found = {}
    for side in (codec.encode, codec.decode):
        for part in side.split('!'):
            words = part.split()
            factory = pipes.Gst.ElementFactory.find(words[0]) if words else None
            plugin = factory.get_plugin() if factory else None
            if plugin and plugin.get_name() != 'coreelements':
                found[plugin.get_name()] = plugin.get_version()
    return ', '.join(f'{n} {v}' for n, v in sorted(found.items()))


def _programs(codec):
    """What the commands' programs say of themselves."""
    import shlex
    said = {}
    for command in (codec.encode, codec.decode):
        program = shlex.split(command)[0]
        try:
            done = subprocess.run([program, '--version'], capture_output=True,
                                  text=True, errors='replace', timeout=LIMIT)
        except (OSError, subprocess.TimeoutExpired):
            continue
        first = next((v.strip() for v in done.stdout.split('\n')
                      if v.strip()), '')
        if done.returncode == 0 and first:
            said[program] = f'{program}: {first[:80]}'
    return ', '.join(said.values())


def version_of(codec):
    """Versions of what a codec is made of, in words; empty: they say none."""
    if not getattr(codec, 'encode', ''):
        return ''
    return _programs(codec) if hasattr(codec, 'suffix') else _plugins(codec)


def describe(name, codecs, jobs):
    """The line of a run that begins now; codecs: those that will run."""
    from . import pipes
    pipes.init()
    return {
        'name': name,
        'date': datetime.datetime.now().astimezone().isoformat(
            timespec='seconds'),
        'cores': os.cpu_count() or 1, 'machine': processor(),
        'system': platform.system() + ' ' + platform.machine(),
        'gstreamer': pipes.Gst.version_string().replace('GStreamer ', ''),
        'python': platform.python_version(), 'jobs': jobs,
        'codecs': {c.name: version_of(c) for c in codecs},
    }


def add(folder, line):
    """Adds it to the folder's list. Raises OSError."""
    with open(os.path.join(folder, RUNS), 'a', encoding='utf-8') as f:
        f.write(json.dumps(line, sort_keys=True) + '\n')


def read(folders):
    """The runs of all folders, each once, by date; what is none is left out."""
    found = {}
    for folder in folders:
        try:
            with open(os.path.join(folder, RUNS), encoding='utf-8',
                      errors='replace') as f:
                texts = f.readlines()
        except OSError:
            continue
        for text in texts:
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict) and isinstance(line.get('date'), str):
                line = {k: v for k, v in line.items()
                        if k in KEYS and isinstance(v, KEYS[k])}
                line['codecs'] = {k: str(v) for k, v in line.get(
                    'codecs', {}).items()}
                found[json.dumps(line, sort_keys=True)] = line
    return sorted(found.values(), key=lambda v: v['date'])


def merge(folders, out):
    """The runs of folders as those of out."""
    lines = read(folders + [out])
    if lines:
        with open(os.path.join(out, RUNS), 'w', encoding='utf-8') as f:
            f.writelines(json.dumps(v, sort_keys=True) + '\n' for v in lines)
