# SPDX-License-Identifier: LGPL-2.1-or-later
"""Free text for pages: paragraphs of files, and which symbols are read.

Files may be HTML or plain text, packed with gzip or not, UTF-8 or Latin-1. The
default files come with Debian packages; training, validation and test never
share a document.
"""
import glob
import gzip
import html.parser
import os
import re
import unicodedata

ASCII = [chr(c) for c in range(32, 127)]
LATIN = [chr(c) for c in range(0xC0, 0x100) if c not in (0xD7, 0xF7)]
PRINT = list('–—‘’“”„•…§©°«»€£')
#: What the recogniser can say; index k of this list is its output k + 1.
SYMBOLS = ASCII + LATIN + PRINT

#: What stands for what is not read itself.
SAME = str.maketrans({'\u00a0': ' ', '\u00ad': '', '\u2011': '-',
                      '\u2010': '-', '\u2212': '-', '\ufb01': 'fi',
                      '\ufb02': 'fl', '\u200b': '', '\u2026': '…',
                      '\u2009': ' ', '\u202f': ' ', '\u2018': '‘'})

#: (pattern, share) of a split; share is how often a file of this line is
#: drawn, whatever its length.
SOURCES = {
    'train': [
        ('/usr/share/doc/installation-guide-amd64/en/*.html', 5),
        ('/usr/share/debian-reference/*.en.html', 5),
        ('/usr/share/games/fortunes/*[a-z]', 4),
        ('/usr/share/common-licenses/[ACGLM]*', 1),
        ('/usr/share/doc/maint-guide/html/*.en.html', 2),
        ('/usr/share/doc/installation-guide-amd64/de/*.html', 1.5),
        ('/usr/share/doc/installation-guide-amd64/fr/*.html', 1.5),
        ('/usr/share/doc/installation-guide-amd64/es/*.html', 1),
        ('/usr/share/doc/installation-guide-amd64/pt/*.html', 0.7),
        ('/usr/share/doc/installation-guide-amd64/sv/*.html', 0.7),
    ],
    'val': [
        ('/usr/share/developers-reference/*.html', 3),
        ('/usr/share/doc/debian/FAQ/*.en.html', 1),
    ],
    'test': [
        ('/usr/share/doc/debian-handbook/html/en-US/*.html', 6),
        ('/usr/share/doc/debian-policy/ch-*.html', 2),
        ('/usr/share/doc/debian-handbook/html/de-DE/*.html', 1),
        ('/usr/share/doc/debian-handbook/html/fr-FR/*.html', 1),
    ],
}
PACKAGES = ('installation-guide-amd64 debian-reference-en fortunes '
            'maint-guide developers-reference debian-faq debian-handbook '
            'debian-policy')


class _Paragraphs(html.parser.HTMLParser):
    """Text of a page of HTML, split where a block begins or ends."""
    BLOCKS = {'p', 'div', 'li', 'td', 'th', 'tr', 'h1', 'h2', 'h3', 'h4',
              'pre', 'dt', 'dd', 'br', 'blockquote', 'body', 'ul', 'table'}
    SILENT = {'script', 'style', 'head', 'title'}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.out, self.now, self.silent = [], [], 0

    def cut(self):
        self.out.append(''.join(self.now))
        self.now = []

    def handle_starttag(self, tag, attrs):
        self.silent += tag in self.SILENT
        if tag in self.BLOCKS:
            self.cut()

    def handle_endtag(self, tag):
        self.silent = max(0, self.silent - (tag in self.SILENT))
        if tag in self.BLOCKS:
            self.cut()

    def handle_data(self, data):
        if not self.silent:
            self.now.append(data)


def read_file(path):
    """The text of a file, whatever of UTF-8 and Latin-1 it is in."""
    opened = gzip.open if path.endswith('.gz') else open
    with opened(path, 'rb') as f:
        data = f.read(4 << 20)
    try:
        return data.decode('utf-8')
    except UnicodeDecodeError:
        return data.decode('latin-1')


def paragraphs(path, symbols=SYMBOLS):
    """List of paragraphs of a file, white space folded, made of @symbols
    alone; those with much else in them are left out."""
    text = read_file(path)
    if re.search(r'<html|<!doctype html', text[:2000], re.I):
        parser = _Paragraphs()
        parser.feed(text)
        parser.cut()
        parts = parser.out
    else:
        parts = re.split(r'\n\s*\n|\n%\n', text)
    known, out = set(symbols), []
    for part in parts:
        part = unicodedata.normalize('NFC', part).translate(SAME)
        part = ' '.join(part.split())
        kept = ''.join(c for c in part if c in known)
        if len(kept) >= 40 and len(kept) >= 0.97 * len(part):
            out.append(' '.join(kept.split()))
    return out


class Texts:
    """Draws runs of paragraphs from files.

    sources: list of (glob pattern, share). Errors: FileNotFoundError if no
    file of them can be read, with the packages to install.
    """

    def __init__(self, sources):
        self.files, self.shares = [], []
        for pattern, share in sources:
            found = [f for f in sorted(glob.glob(pattern))
                     if os.path.isfile(f)]
            for f in found:
                parts = paragraphs(f)
                if sum(map(len, parts)) > 100:
                    self.files.append(parts)
                    self.shares.append(share / len(found))
        if not self.files:
            raise FileNotFoundError(
                'no text in %s; give files of your own, or: apt-get install %s'
                % (', '.join(p for p, _ in sources), PACKAGES))
        total = sum(self.shares)
        self.shares = [s / total for s in self.shares]

    def draw(self, rng):
        """Endless paragraphs, in order, from a random place of a file."""
        parts = self.files[rng.choice(len(self.files), p=self.shares)]
        at = int(rng.integers(len(parts)))
        while True:
            yield parts[at % len(parts)]
            at += 1


def odd_word(rng):
    """A word that no language has, so that rare symbols are learnt and no
    word is known by heart."""
    pools = [ASCII[1:], LATIN, PRINT, list('0123456789'),
             list('0123456789.,:/-%€$'), [c.upper() for c in
                                         'abcdefghijklmnopqrstuvwxyz']]
    pool = pools[rng.choice(len(pools), p=[.35, .2, .1, .15, .1, .1])]
    return ''.join(rng.choice(pool, int(rng.integers(1, 9))))


def split_sources(split, patterns=None):
    """Sources of a split: the default ones, or a user's patterns (strings)."""
    if patterns:
        return [(p, 1) for p in patterns]
    return SOURCES[split]
