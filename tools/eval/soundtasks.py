# SPDX-License-Identifier: LGPL-2.1-or-later
"""What machines make of a sound that was coded: words that are heard, sources
that are told apart."""
import functools
import os
import re
import shlex
import tempfile

import numpy as np

from . import pipes, sound, stats
from .errors import CellError
from .pipes import Gst
from .taskbase import (Score, Task, TaskError, distance, of_parts,
                       run_program)

DIGITS = 'zero one two three four five six seven eight nine'.split()
DICTIONARY = '/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict'
MOST = 30                       # dB of SI-SDR
# a stem that is fainter beside its mixture does not play
FAINTEST = 10 ** (-26 / 20)


def words_of(text):
    """Words in lower case, with what is no letter or apostrophe between them;
    "7" is "seven"."""
    text = re.sub('[0-9]', lambda m: f' {DIGITS[int(m.group())]} ', text)
    return re.sub(r"[^\w']", ' ', text.lower()).split()


class Pocketsphinx(Task):
    """Words of speech: wrong ones (left out, put in, others) over those of the
    truth. truth: "text", NAME.txt beside the sound, or "name", the part of its
    name before the first "_". digits: of single digits; or grammar (JSGF), lm
    (language model), dictionary: files; acoustic: the folder of another acoustic
    model, options: words for pocketsphinx_continuous; rate: Hz that the acoustic
    model was made for."""
    programs = ('pocketsphinx_continuous',)
    keys = ('truth', 'digits', 'grammar', 'lm', 'dictionary', 'acoustic',
            'options', 'rate')
    paths = ('grammar', 'lm', 'dictionary', 'acoustic')
    media = ('sound',)
    measure, better = 'words wrong', 'lower'

    def __init__(self, name, **options):
        super().__init__(name, **options)
        if options.get('truth', 'text') not in ('text', 'name'):
            raise ValueError(f'task "{name}": "truth" is "text" (NAME.txt) or '
                             '"name" (before the first "_")')
        if len([k for k in ('digits', 'grammar', 'lm')
                if options.get(k)]) > 1:
            raise ValueError(f'task "{name}": "digits", "grammar" and "lm" do '
                             'not go together')
        rate = options.get('rate', 16000)
        if not isinstance(rate, int) or not 1000 <= rate <= 48000:
            raise ValueError(f'task "{name}": "rate" {rate!r} is no number of '
                             '1000 to 48000')

    def needs(self):
        lacking = super().needs()
        if not lacking and not self.options.get('acoustic') \
                and not os.path.exists(DICTIONARY):
            return 'pocketsphinx-en-us'
        return lacking

    def score(self, answers):
        """Wrong words of all; interval by bootstrap over sounds, as words of
        one sentence are not trials by themselves."""
        return of_parts([(a['wrong'], a['words']) for a in answers])

    def truth(self, path):
        if self.options.get('truth') == 'name':
            return words_of(os.path.basename(path).split('_')[0])
        stem = os.path.splitext(path)[0]
        try:
            with open(stem + '.txt', encoding='utf-8') as f:
                return words_of(f.read())
        except (OSError, UnicodeDecodeError) as e:
            raise TaskError(f'{stem}.txt: {e}') from None

    def arguments(self, folder):
        o, out = self.options, []
        if o.get('digits'):
            path = os.path.join(folder, 'digits.gram')
            with open(path, 'w', encoding='ascii') as f:
                f.write('#JSGF V1.0;\ngrammar digits;\npublic <digit> = '
                        + ' | '.join(DIGITS) + ';\n')
            out += ['-jsgf', path]
            if not o.get('dictionary') and os.path.exists(DICTIONARY):
                path = os.path.join(folder, 'digits.dict')
                with open(path, 'w', encoding='utf-8') as f:
                    f.writelines(_digits())
                out += ['-dict', path]
        for key, option in (('grammar', '-jsgf'), ('lm', '-lm'),
                            ('dictionary', '-dict'), ('acoustic', '-hmm')):
            if o.get(key):
                out += [option, o[key]]
        if o.get('rate', 16000) != 16000:
            out += ['-samprate', str(o['rate'])]
        return out + shlex.split(o.get('options', ''))

    def do(self, cell, clean, dirty, result):
        truth = self.truth(cell['input'])
        mono = sound.resample(
            sound.Sound(result.samples.mean(1, keepdims=True), result.rate),
            self.options.get('rate', 16000))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'speech.wav')
            log = os.path.join(folder, 'log')
            sound.write_wav(path, mono)
            done = run_program(['pocketsphinx_continuous', '-infile', path,
                                '-logfn', log] + self.arguments(folder))
            if done.returncode != 0:
                raise TaskError(f'pocketsphinx_continuous ended with '
                                f'{done.returncode}: {_complaint(log)}')
        heard = words_of(done.stdout)
        return {'words': len(truth), 'wrong': distance(truth, heard),
                'heard': ' '.join(heard)}


@functools.lru_cache(1)
def _digits():
    """Lines of the dictionary that are digits: a small one is read ten times as
    fast."""
    with open(DICTIONARY, encoding='utf-8') as f:
        return [v for v in f if v.split()[0].split('(')[0] in DIGITS]


def _complaint(log):
    try:
        with open(log, encoding='utf-8', errors='replace') as f:
            lines = [v.strip() for v in f if v.startswith(('ERROR', 'FATAL'))]
    except OSError:
        lines = []
    return lines[-1][-300:] if lines else 'and said nothing'


def si_sdr(truth, estimate):
    """Scale-invariant signal to distortion ratio in dB (Le Roux et al. 2019), of
    all channels together; -MOST to MOST, silence has the least."""
    a, b = truth.ravel().astype(float), estimate.ravel().astype(float)
    scaled = a * ((a @ b) / max(1e-20, a @ a))
    rest = b - scaled
    return float(np.clip(10 * np.log10(
        max(1e-30, scaled @ scaled) / max(1e-20, rest @ rest)), -MOST, MOST))


class Separate(Task):
    """Sources of a mixture, by a network on latents (`network`: a name or a
    path), beside NAME.stems/LABEL.wav: how much nearer to a stem its estimate is
    than the clean mixture, SI-SDR in dB, mean over those that play. Only for codecs
    of ours; with `quality`, of any: what came out is coded once more, by
    wallocaudioenc at that quality."""
    elements = ('compressedseparate', 'wallocaudioenc', 'wallocaudiodec')
    keys = ('network', 'quality')
    media = ('sound',)
    measure, unit = 'SI-SDR improvement', 'dB'

    def __init__(self, name, **options):
        super().__init__(name, **options)
        quality = options.get('quality')
        if quality is not None and not (isinstance(quality, int)
                                        and 1 <= quality <= 100):
            raise ValueError(f'task "{name}": "quality" {quality!r} is no '
                             'number of 1 to 100')

    def fits(self, cell):
        return super().fits(cell) and (
            self.options.get('quality') is not None
            or 'wallocaudioenc' in cell['how'])

    def score(self, answers):
        """Median over sounds: a stem that is nearly silent has ratios of
        anything."""
        values = [a['value'] for a in answers if a.get('stems')]
        if not values:
            return super().score([])
        return Score(float(np.median(values)),
                     *stats.bootstrap(values, of=np.median), len(values))

    def estimates(self, cell, dirty, result):
        """{label: Sound}."""
        if self.options.get('quality') is None:
            source = dirty
            encode = pipes.filled(cell['how'].partition(' | ')[0],
                                  setting=cell['setting'])
        else:
            source = result
            encode = f'wallocaudioenc quality={self.options["quality"]}'
        count = stems_of(self.options['network'])
        sinks = [f'out{i}' for i in range(count)]
        network = pipes.escape(self.options['network'])
        got, _, messages = pipes.run(
            f'appsrc name=in ! audioconvert ! {encode} ! '
            f'compressedseparate name=s model-file="{network}"'
            + ''.join(f' s.stem_{i} ! queue ! wallocaudiodec decoder=linear ! '
                      f'audioconvert ! {sound.FORMAT},'
                      f'{source.channel_caps()} ! appsink name={name}'
                      for i, name in enumerate(sinks)),
            {'in': source}, sinks, take=sound.of_sample)
        titles = {m['sink']: m['title'] for m in messages
                  if m['name'] == 'tag'}
        return {titles.get(name, name): sound.joined(got[name])
                for name in sinks}

    def do(self, cell, clean, dirty, result):
        folder = os.path.splitext(cell['input'])[0] + '.stems'
        stems = {}
        for label, estimate in self.estimates(cell, dirty, result).items():
            path = os.path.join(folder, label + '.wav')
            if not os.path.exists(path):
                raise TaskError(f'{path} is not there')
            try:
                truth = sound.load(path)
            except CellError as e:
                raise TaskError(str(e)) from None
            if (truth.rate, truth.samples.shape) != (clean.rate,
                                                     clean.samples.shape):
                raise TaskError(
                    f'{path}: {len(truth)} samples of {truth.rate} Hz, '
                    f'{truth.channels} channels; of the mixture '
                    f'{len(clean)} of {clean.rate} Hz, {clean.channels}')
            if estimate is None:
                raise TaskError(f'nothing came out of "{label}"')
            level = np.sqrt((truth.samples.astype(float) ** 2).mean())
            if level <= FAINTEST * np.sqrt(
                    (clean.samples.astype(float) ** 2).mean()):
                continue
            got = si_sdr(truth.samples, sound.delayed(
                estimate, 0, len(clean)).samples)
            stems[label] = {'si_sdr': got, 'improvement': got - si_sdr(
                truth.samples, clean.samples)}
        return {'stems': stems, 'value': float(np.mean(
            [v['improvement'] for v in stems.values()])) if stems else None}


@functools.lru_cache(8)
def stems_of(network):
    """How many stems a network has."""
    pipes.init()
    element = Gst.ElementFactory.make('compressedseparate')
    element.set_property('model-file', network)
    bus = Gst.Bus()
    element.set_bus(bus)
    try:
        if element.set_state(Gst.State.PAUSED) \
                == Gst.StateChangeReturn.FAILURE:
            m = bus.pop_filtered(Gst.MessageType.ERROR)
            raise TaskError(pipes.reason(m) if m else
                            f'"{network}" cannot be used')
        return element.numsrcpads
    finally:
        element.set_state(Gst.State.NULL)
