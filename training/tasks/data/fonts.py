# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fonts of the system, by family, split so that no design is on both sides.

A design may have several names (C059 and TeX Gyre Schola are Century
Schoolbook); a split has all of them or none.
"""
import functools
import shutil
import subprocess

from PIL import ImageFont

TEST = ['Gentium Basic', 'Gentium Book Basic', 'C059', 'TeX Gyre Schola',
        'Roboto', 'Roboto Condensed', 'Cantarell', 'Inconsolata',
        'Linux Libertine O', 'Caladea', 'Quattrocento']
VAL = ['Charis SIL', 'Carlito', 'Lato', 'Vollkorn', 'Hack']
TRAIN = ['DejaVu Sans', 'DejaVu Serif', 'DejaVu Sans Mono',
         'Liberation Serif', 'Liberation Sans', 'Liberation Sans Narrow',
         'Liberation Mono', 'Nimbus Roman', 'Nimbus Sans', 'Nimbus Mono PS',
         'Nimbus Sans Narrow', 'FreeSerif', 'FreeSans', 'FreeMono', 'Tinos',
         'Arimo', 'Cousine', 'TeX Gyre Termes', 'TeX Gyre Heros',
         'TeX Gyre Heros Cn', 'TeX Gyre Cursor', 'TeX Gyre Pagella', 'P052',
         'TeX Gyre Bonum', 'URW Bookman', 'TeX Gyre Adventor', 'URW Gothic',
         'Latin Modern Roman', 'Latin Modern Sans', 'Latin Modern Mono',
         'CMU Serif', 'CMU Sans Serif', 'CMU Typewriter Text', 'CMU Bright',
         'CMU Concrete', 'Linux Biolinum O', 'EB Garamond', 'Noto Serif',
         'Noto Sans', 'Noto Sans Mono', 'Noto Serif Display', 'Open Sans',
         'Old Standard TT', 'Cardo', 'GFS Didot', 'Play']
FAMILIES = {'train': TRAIN, 'val': VAL, 'test': TEST}
PACKAGES = ('fontconfig fonts-dejavu fonts-liberation fonts-freefont-otf '
            'fonts-freefont-ttf fonts-noto-core fonts-noto-mono '
            'fonts-crosextra-carlito fonts-crosextra-caladea fonts-lmodern '
            'fonts-texgyre fonts-linuxlibertine fonts-urw-base35 '
            'fonts-croscore fonts-roboto-unhinted fonts-open-sans fonts-lato '
            'fonts-ebgaramond fonts-cantarell fonts-inconsolata '
            'fonts-gfs-didot fonts-sil-gentium-basic fonts-cmu '
            'fonts-cardo fonts-hack fonts-oldstandard fonts-quattrocento '
            'fonts-play fonts-sil-charis fonts-vollkorn')

#: Words in a style's name, and how often such a style is drawn.
STYLES = {'regular': 0.70, 'italic': 0.12, 'bold': 0.18}
REFUSED = ('thin', 'light', 'black', 'hairline', 'caps', 'dunhill', 'outline',
           'extra', 'swash', 'initial', 'ultra', 'unslanted', 'upright',
           'condensed', 'heavy')


def _kind(style):
    """'regular', 'italic', 'bold' of a style's name; None: not for pages."""
    style = style.lower()
    if any(w in style for w in REFUSED):
        return None
    if 'bold' in style or 'semibold' in style or 'demi' in style:
        return 'bold'
    if any(w in style for w in ('italic', 'oblique', 'slanted')):
        return 'italic'
    if 'regular' in style or style in ('book', 'roman', 'normal', 'medium',
                                       'text'):
        return 'regular'
    return None


@functools.lru_cache(None)
def installed():
    """{family: {kind: [files]}} as fontconfig has them."""
    if shutil.which('fc-list') is None:         # package fontconfig
        return {}
    text = subprocess.run(
        ['fc-list', '--format', '%{family[0]}|%{style[0]}|%{file}\n'],
        capture_output=True, text=True, check=True).stdout
    out = {}
    for line in sorted(text.splitlines()):
        family, style, file = line.split('|')
        kind = _kind(style)
        if kind and file.lower().endswith(('.ttf', '.otf')):
            out.setdefault(family, {}).setdefault(kind, []).append(file)
    return out


@functools.lru_cache(64)
def open_font(path, size):
    """A font at an em of @size pixels, laid out without ligatures."""
    return ImageFont.truetype(path, size,
                              layout_engine=ImageFont.Layout.BASIC)


@functools.lru_cache(None)
def known(path, symbols):
    """The set of those of @symbols (a string) that a font can draw."""
    font = open_font(path, 24)
    blank = {bytes(font.getmask(c)) for c in ('\uffff', '\ue123', '\u0378')}
    out = {' '}
    for c in symbols:
        mask = font.getmask(c)
        if mask.size[0] and bytes(mask) not in blank and mask.getbbox():
            out.add(c)
    return frozenset(out)


class Fonts:
    """Draws fonts of a list of families, or of a list of files.

    Errors: FileNotFoundError if none of them is installed."""

    def __init__(self, families=None, files=None):
        self.sets = []
        if files:
            self.sets = [{'regular': [f]} for f in files]
        else:
            have = installed()
            self.sets = [have[f] for f in families if f in have]
        self.missing = [] if files else [
            f for f in families if f not in installed()]
        if not self.sets:
            raise FileNotFoundError('none of the fonts %s is installed; '
                                    'apt-get install %s'
                                    % (families or files, PACKAGES))

    def draw(self, rng):
        """(body font file, heading font file) of one family."""
        family = self.sets[int(rng.integers(len(self.sets)))]
        kinds = sorted(family)
        share = [STYLES[k] for k in kinds]
        kind = kinds[rng.choice(len(kinds), p=[s / sum(share) for s in share])]
        head = 'bold' if 'bold' in family else kind
        return (str(rng.choice(family[kind])), str(rng.choice(family[head])))
