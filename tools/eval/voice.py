# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether someone speaks, by silero VAD, which Node runs (nodetasks.py)."""
import numpy as np

from . import models, sound
from .nodetasks import ask
from .taskbase import Task, TaskError, of_parts

RATE, FRAME = 16000, 512        # Hz; samples of a decision
SPEECH = 0.5                    # chance from which on a frame is speech
MOST = 16 << 20                 # samples that Node takes, 17 minutes


def frames_of(heard):
    """Samples [n, FRAME] of a Sound: mean of its channels at RATE, the end
    filled up with zeros. Raises TaskError."""
    mono = sound.resample(
        sound.Sound(heard.samples.mean(1, keepdims=True), heard.rate),
        RATE).samples[:, 0]
    if len(mono) > MOST:
        raise TaskError(f'vad: {len(mono) // RATE} s are more than the '
                        f'{MOST // RATE} s that it takes; cut the sound')
    count = -(-len(mono) // FRAME)
    return np.pad(mono, (0, count * FRAME - len(mono))).reshape(count, FRAME)


def compared(want, got):
    """The answer, of decisions [n] and [m]: what is not there is no speech,
    what is beyond the end of `want` does not count."""
    want = np.asarray(want, bool)
    got = np.asarray(got, bool)[:len(want)]
    got = np.pad(got, (0, len(want) - len(got)))
    return {'frames': len(want), 'right': int((want == got).sum()),
            'speech': int(want.sum()), 'missed': int((want & ~got).sum()),
            'invented': int((~want & got).sum())}


class Vad(Task):
    """Frames of 32 ms of which silero VAD decides the same as of the sound that
    is neither corrupted nor coded: speech or not, at a chance of 0.5."""
    media = ('sound',)
    measure = 'frames decided the same'
    kept = {}                   # of the last clean sound

    def needs(self):
        return models.needs('silero')

    def score(self, answers):
        """Interval by bootstrap over sounds, as frames of one are not trials
        by themselves."""
        return of_parts([(a['right'], a['frames']) for a in answers])

    def decisions(self, heard):
        """Whether each frame of a Sound is speech."""
        said = ask({'do': 'speech'},
                   frames_of(heard).astype('<f4').tobytes())['chances']
        return np.array(said) >= SPEECH

    def of_clean(self, cell, heard):
        """The same of a sound as it came, kept: its cells follow each
        other."""
        key = cell['content'], len(heard), heard.rate
        if self.kept.get('key') != key:
            said = self.decisions(heard)
            self.kept.clear()
            self.kept.update(key=key, said=said)
        return self.kept['said']

    def do(self, cell, clean, dirty, result):
        return compared(self.of_clean(cell, clean), self.decisions(result))
