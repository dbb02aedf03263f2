# SPDX-License-Identifier: LGPL-2.1-or-later
"""walloc-eval report: its numbers, what strange results do to it, and whether the
page works in a browser, by itself."""
import argparse
import contextlib
import io
import json
import math
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
TOOL = os.path.join(ROOT, 'tools', 'walloc-eval')
sys.path[:0] = [HERE, os.path.join(ROOT, 'tools')]
import made  # noqa: E402
from eval import analysis, crops, finish, machine, pairs  # noqa: E402
from eval import report, stats, store, summary  # noqa: E402

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')


def table(**kinds):
    return analysis.Table(analysis.name_apart(made.lines(**kinds)))


def tool(*args):
    return subprocess.run([sys.executable, TOOL, *args], capture_output=True,
                          text=True, timeout=170)


class Numbers(unittest.TestCase):
    def test_table(self):
        t = table()
        self.assertEqual(t.corruptions, [(None, 0), ('fog', 1), ('fog', 3)])
        self.assertEqual(t.codecs, ['alpha', 'beta', 'none'])
        self.assertEqual([m.id for m in t.measures], [
            'R.psnr', 'R.ssim', 'R.ms_ssim', 'G.psnr', 'G.ssim', 'G.ms_ssim',
            'task.codes', 'task.own', 'task.text'])
        self.assertEqual(t.measures[-1].better, 'lower')
        these, rate, values = t.rows[('fog', 1), 'beta', 3]
        self.assertEqual(len(these), 4)
        self.assertAlmostEqual(rate, summary.rate(these))
        want = summary.mean(these, 'R', 'psnr')
        for got, v in zip(values[0], want):
            self.assertAlmostEqual(got, v, delta=.1)
        self.assertAlmostEqual(values[0][0], want[0])
        # clean ones have no G
        self.assertTrue(math.isnan(t.rows[(None, 0), 'beta', 3][2][3][0]))

    def test_missing(self):
        """Files without a value do not count in it, others do."""
        these = made.lines(corruptions=((None, 0),))
        for v in these[:5]:
            del v['metrics']['error']['ms_ssim']
            v['metrics']['error']['ssim'] = float('nan')
        t = analysis.Table(these)
        good = [v for v in these if v['codec'] == 'alpha' and v['setting'] == 1
                and 'ms_ssim' in v['metrics']['error']]
        self.assertTrue(0 < len(good) < 4)
        values = t.rows[(None, 0), 'alpha', 1][2]
        self.assertAlmostEqual(values[2][0], np.mean(
            [v['metrics']['error']['ms_ssim'] for v in good]))
        self.assertTrue(math.isfinite(values[1][0]))

    def test_empty_task(self):
        """A task without anything to count is left out, and that is said."""
        these = made.lines()
        for v in these:
            v['answers']['codes'] = {'codes': 0, 'right': 0, 'invented': 0}
            if v['codec'] == 'alpha':
                v['answers']['own'] = {'error': 'x'}
        t = analysis.Table(these)
        self.assertEqual([m.id for m in t.measures if m.task],
                         ['task.own', 'task.text'])
        self.assertEqual(t.left_out, ['codes: nothing of it is in these '
                                      'pictures'])
        self.assertEqual({len(v) for _, _, v in t.rows.values()},
                         {len(t.measures)})

    def test_names_apart(self):
        these = made.lines(files=2, codecs=('alpha',), none=False)
        more = [dict(v, how='other | other', key=v['key'] + 'x')
                for v in these[:3]]
        names = [v['codec'] for v in analysis.name_apart(these + more)]
        self.assertEqual(set(names[:-3]), {'alpha'})
        self.assertEqual(names[-3:], ['alpha (2)'] * 3)
        fog = [v for v in these if v['corruption']]
        other = [dict(fog[0], variant='hendrycks')]
        self.assertEqual(analysis.name_apart(fog + other)[-1]['corruption'],
                         'fog (2)')

    def test_equal_and_heat(self):
        t = table()
        got = t.equal((None, 0), 0)
        self.assertEqual(len(got), 4)
        for rate, values in got:
            self.assertAlmostEqual(values['beta'][0] - values['alpha'][0], 1.3)
            self.assertAlmostEqual(
                values['alpha'][0], stats.at_rate(
                    *np.transpose([p[:2] for p in t.curves(
                        (None, 0), 0)['alpha']]), rate))
        rates, heat = t.heat()
        self.assertEqual(len(rates), 3)
        # the lowest clean rate is below all of fog's
        self.assertNotIn((('fog', 3), 'alpha'), heat[0, 0])
        self.assertIn(((None, 0), 'alpha'), heat[0, 0])
        self.assertFalse(any(k == 'none' for v in heat.values() for _, k in v))

    def test_density(self):
        """White noise is level: as much in each ring as it has of the plane."""
        n = 16
        edge = np.arange(n + 1) / n
        rings = np.append(math.pi / 4 * np.diff(edge ** 2), 1 - math.pi / 4)
        got = analysis.density(list(7 * rings), 'picture')
        self.assertTrue(np.allclose(got, 7))
        self.assertTrue(np.allclose(analysis.density([1, 1, 1, 1], 'sound'),
                                    4))

    def test_spectra(self):
        found, about = analysis.spectra(table())
        self.assertEqual(set(found[('fog', 1), 'alpha', 1]), {'R', 'G'})
        self.assertEqual(set(found[(None, 0), 'alpha', 1]), {'R'})
        self.assertEqual(set(about['fog', 1]), {'C', 'ref'})
        self.assertFalse(any(k == 'none' for _, k, _ in found))
        self.assertEqual(len(about[None, 0]['ref']), made.BANDS + 1)

    def test_discordant(self):
        t = table()
        codes, own, text = t.tasks
        a = {1: 10.0, 2: 20.0, 3: 30.0, 4: 5.0}
        b = {1: 10.0, 2: 25.0, 3: 35.0, 5: 9.0}
        self.assertEqual(pairs.discordant(codes, a, b)[:3], (0, 2, 1))
        # less is better: the other way round
        self.assertEqual(pairs.discordant(text, a, b)[:3], (2, 0, 1))
        self.assertEqual(pairs.discordant(codes, a, {})[:3], (0, 0, 0))
        n = {i: 100.0 for i in range(8)}
        m = {i: 0.0 for i in range(8)}
        self.assertAlmostEqual(pairs.discordant(codes, n, m)[3], 2 / 2 ** 8)

    def test_near(self):
        a = [(1, 'a1'), (2, 'a2'), (4, 'a4'), (8, 'a8')]
        b = [(1.1, 'b1'), (3, 'b3'), (4.1, 'b4'), (8, 'b8')]
        self.assertEqual(pairs.near(a, b, 3), [
            ((1, 'a1'), (1.1, 'b1')), ((4, 'a4'), (4.1, 'b4')),
            ((8, 'a8'), (8, 'b8'))])
        self.assertEqual(pairs.near(a, b, 1), [((4, 'a4'), (4.1, 'b4'))])
        self.assertEqual(pairs.near(a, [(100, 'x')], 3), [])

    def test_pairs(self):
        t = table()
        got, cut = pairs.compare(t)
        self.assertFalse(cut)
        for p in got:
            self.assertEqual(sum(p['only']) + p['alike'], 4)
            if p['second'][0] == 'beta' and p['task'] == 'own':
                self.assertEqual(p['only'][0], 0)
        beside = {p['second'] for p in got if p['second'][0] == 'none'}
        self.assertEqual(beside, {('none', 0)})
        few, cut = pairs.compare(t, 9)
        self.assertTrue(cut)
        self.assertLessEqual(len(few), 9)

    def test_correlations(self):
        t = table()
        got = {(v['measure'], v['task']): v for v in pairs.correlations(t)}
        self.assertEqual(set(m for m, _ in got), {
            'R.psnr', 'R.ssim', 'R.ms_ssim', 'log rate'})
        v = got['R.psnr', 'task.own']
        # all but uncompressed clean, which is not different at all
        self.assertEqual(v['count'], 3 * (2 * 4 + 1) - 1)
        self.assertGreater(v['pearson'][0], .99)
        self.assertLess(got['R.psnr', 'task.text']['pearson'][0], -.9)
        self.assertEqual(got['log rate', 'task.own']['count'], 3 * 2 * 4)
        clean = {(v['measure'], v['task']): v['count']
                 for v in pairs.correlations(t, True)}
        self.assertEqual(clean['R.psnr', 'task.own'], 8)
        one = pairs.correlations(table(codecs=('alpha',), settings=(1, 2),
                                       corruptions=((None, 0),), none=False))
        self.assertTrue(all(v['count'] == 2 and math.isnan(v['pearson'][0])
                            for v in one))


class Strange(unittest.TestCase):
    """Results that something else wrote, or that nothing good came of."""

    def page(self, these):
        with tempfile.TemporaryDirectory() as folder:
            made.write(folder, these)
            value = report.data([folder])
            page = report.render(value)
        inner = page[page.index('id="data">') + 10:]
        inner = inner[:inner.index('</script>')]
        # what was put in comes out, whatever was in it
        self.assertEqual(json.loads(inner), value)
        self.assertEqual(page.count('</script>'), 2)
        return value, page

    def test_text(self):
        bad = '</script><script>alert("1")</script><!-- \u2028 \ud800 & \''
        these = made.lines(files=2, codecs=(bad, 'beta'),
                           tasks=[dict(made.TASKS[0]), {
                               'kind': 'command', 'name': bad,
                               'command': 'x', 'measure': bad}])
        for v in these:
            v['input'] = '/a/' + bad + '.png'
            v['answers'][bad] = {'error': bad}
        these += [dict(these[0], key='e', error=bad)]
        with tempfile.TemporaryDirectory() as folder:
            made.write(folder, these)
            path = os.path.join(folder, 'r.html')
            report.write([folder], path, bad)
            with open(path, encoding='utf-8') as f:
                page = f.read()
        self.assertEqual(page.count('</script>'), 2)
        self.assertEqual(page.count('<script'), 2)
        self.assertNotIn('alert("', page)
        self.assertIn('<title>&lt;/script&gt;', page)

    def test_policy(self):
        _, page = self.page(made.lines())
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"',
                           page).group(1)
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn('unsafe', policy)
        self.assertNotIn('http:', policy + page.split('</head>')[0])
        addresses = set(re.findall(r'https?://[^\s\'"<]+', page))
        # the name of SVG is an address that nobody asks
        self.assertEqual(addresses, {'http://www.w3.org/2000/svg'})

    def test_numbers(self):
        these = made.lines(corruptions=((None, 0),))
        for i, v in enumerate(these):
            e = v['metrics']['error']
            e['psnr'] = [float('nan'), float('inf'), -float('inf'), 'x', None,
                         10 ** 400, [], 1e300][i % 8]
            e['bands'] = [[], None, [float('nan')] * 9, 'x', [1e400] * 9,
                          [10 ** 400] * 9, [[1]], {}][i % 8]
            v['answers'] = [{}, None, 3, {'codes': 4}, {'codes': {}},
                            {'own': {'value': float('inf')}},
                            {'codes': {'right': 9, 'codes': 1}},
                            {'text': {'wrong': 'x', 'characters': 1}}][i % 8]
        value, _ = self.page(these)
        self.assertEqual(value['odd'], 0)
        self.assertEqual(len(value['media'][0]['rows']), 2 * 4 + 1)

    def test_lines(self):
        good = made.lines(files=1, codecs=('alpha',), settings=(1,),
                          corruptions=((None, 0),), none=False)[0]

        def odd(n, **changes):
            return dict(good, key=f'odd{n}', input=f'set/{n}.png', **changes)
        value, _ = self.page([
            good, '[]', '3', 'nonsense', '{"key": ["x"]}', '{"key": "k"}',
            odd(1, codec=3), odd(2, bytes=-1), odd(3, bytes=float('nan')),
            odd(4, width=0), odd(5, metrics=[]), odd(6, setting='x'),
            odd(7, corruption=3), odd(8, severity=None), odd(9, media=4),
            odd(10, media='sound'), odd(11, bytes=10 ** 400),
            odd(12, metrics={'R': 3}), odd(13, frames=0),
            odd(14, media='smell'), odd(15, tasks=4), odd(16, tasks=[
                {'kind': 'what', 'name': 'x'}, 3, {'name': []}]),
            odd(17, error='it failed'), odd(18, error=['not', 'text'])])
        self.assertEqual(value['odd'], 14)
        self.assertEqual(value['broken'], 4)
        self.assertEqual(value['failed'], 2)
        self.assertEqual([m['media'] for m in value['media']],
                         ['picture', 'smell'])
        self.assertEqual(value['media'][0]['cells'], 3)
        self.assertTrue(value['media'][0]['left_out'])

    def test_twice(self):
        """A folder that has all of it of an earlier version, too."""
        these = made.lines(files=3)
        old = [dict(v, v=v['v'] - 1, key='old ' + v['key']) for v in these]
        once, both = (self.page(v)[0] for v in (these, these + old))
        self.assertEqual(both['cells'], len(these))
        self.assertEqual(both['media'], once['media'])

    def test_nothing(self):
        value, page = self.page([])
        self.assertEqual(value['media'], [])
        value, _ = self.page([dict(v, error='no memory')
                              for v in made.lines(files=1)])
        self.assertEqual(value['media'], [])
        self.assertEqual(value['failures'][0][1], 'no memory')
        self.assertEqual(value['failed'], len(made.lines(files=1)))
        with self.assertRaises(store.StoreError):
            report.data(['/nowhere'])
        with tempfile.TemporaryDirectory() as folder:
            made.write(folder, [])
            with self.assertRaises(store.StoreError) as e:
                report.write([folder], '/nowhere/r.html')
            self.assertIn('/nowhere/r.html: No such file', str(e.exception))

    def test_unwritten(self):
        """A report that cannot be made says so; results are not touched."""
        def broken(*_):
            raise KeyError('a bug')
        write, args = report.write, argparse.Namespace(jobs=1, no_report=False)
        with tempfile.TemporaryDirectory() as folder:
            self.assertTrue(finish.run(folder, [], args, 0))
            made.write(folder, made.lines(files=1))
            said, report.write = io.StringIO(), broken
            try:
                with contextlib.redirect_stderr(said):
                    self.assertFalse(finish.run(folder, [], args, 0))
            finally:
                report.write = write
            self.assertIn("no report: KeyError: 'a bug'; results are there",
                          said.getvalue())
            os.mkdir(os.path.join(folder, 'report.html'))
            said = io.StringIO()
            with contextlib.redirect_stderr(said):
                self.assertFalse(finish.run(folder, [], args, 0))
            self.assertIn('report.html: Is a directory', said.getvalue())
            self.assertEqual(sorted(os.listdir(folder)),
                             ['report.html', 'results.jsonl'])

    def test_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            made.write(folder, made.lines())
            with open(os.path.join(folder, machine.RUNS), 'w') as f:
                f.write('[]\nnonsense\n{"date": 3}\n{"date": "2026-01-02", '
                        '"name": "a<b", "cores": "x", "codecs": {"q": 1}}\n')
            runs = report.data([folder])['runs']
            self.assertEqual(runs, [{'date': '2026-01-02', 'name': 'a<b',
                                     'codecs': {'q': '1'}}])
            self.assertEqual(report.data([folder])['title'], 'a<b')
            out = os.path.join(folder, 'm')
            os.mkdir(out)
            for _ in range(2):
                machine.merge([folder, folder], out)
            self.assertEqual(machine.read([out]), runs)


class Crops(unittest.TestCase):
    def test_detail(self):
        rgb = np.full((300, 400, 3), 90, np.uint8)
        rgb[200:260:2, 300:360] = 255
        x, y, w, h = crops.detail(rgb)
        self.assertEqual((w, h), (160, 160))
        self.assertTrue(x <= 300 and x + w >= 360 and y <= 200
                        and y + h >= 260, (x, y))
        self.assertEqual(crops.detail(rgb[:20, :30]), (0, 0, 30, 20))

    def test_plan(self):
        these = made.lines(files=5, corruptions=(
            (None, 0), ('fog', 1), ('fog', 3), ('snow', 2), ('frost', 1)))
        jobs = crops.plan(these, 2)
        self.assertEqual(len(jobs), 2 * (1 + crops.CORRUPTIONS))
        for job in jobs:
            self.assertEqual([v['codec'] for v in job], ['alpha', 'beta'])
            self.assertEqual(len({analysis.file_of(v) for v in job}), 1)
            a, b = (summary.rate([v]) for v in job)
            self.assertLess(max(a, b) / min(a, b), 1.01)
        self.assertEqual(crops.plan(these, 0), [])
        self.assertEqual(crops.plan(made.lines(media='sound'), 3), [])

    def test_files(self):
        """What is stored comes back, what is no crop does not."""
        these = made.lines(files=1, corruptions=((None, 0),))
        with tempfile.TemporaryDirectory() as folder:
            there = os.path.join(folder, crops.FOLDER)
            os.mkdir(there)
            made.write(folder, these)
            job = [v for v in these if v['setting'] == 2]
            rgb = np.random.default_rng(1).integers(
                0, 255, (200, 220, 3), np.uint8)
            for what, v, path in crops.wanted(folder, job):
                crops._save(rgb, (10, 20, 160, 160), 0, what, v, path)
            self.assertEqual(crops.wanted(folder, job), [])
            Image.new('RGB', (8, 8)).save(os.path.join(there, 'other.png'))
            with open(os.path.join(there, 'bad.png'), 'wb') as f:
                f.write(b'\x89PNG\r\n\x1a\n<script>')
            with open(os.path.join(there, 'large.png'), 'wb') as f:
                f.write(bytes(crops.FILE_LIMIT + 1))
            got = crops.shown([folder], these)
            self.assertEqual(len(got['pictures']), 3)
            (group,) = got['groups']
            self.assertEqual([v['what'] for v in group['images']],
                             ['clean', 'coded', 'coded'])
            self.assertAlmostEqual(group['images'][1]['rate'], .4, 2)
            # another part of the sweep cut other settings: one is shown
            more = next(v for v in these if v['codec'] == 'alpha'
                        and v['setting'] == 4)
            path = os.path.join(there, crops.name_of(more, 'coded'))
            crops._save(rgb, (10, 20, 160, 160), 0, 'coded', more, path)
            (again,) = crops.shown([folder], these)['groups']
            self.assertEqual(len(again['images']), 3)
            os.unlink(path)
            # merged, they are as before
            out = os.path.join(folder, 'm')
            crops.merge([folder], out)
            made.write(out, these)
            self.assertEqual(crops.shown([out], these), got)
            # too much for a page
            limit, crops.REPORT_LIMIT = crops.REPORT_LIMIT, 1000
            try:
                self.assertEqual(crops.shown([folder], these), {
                    'pictures': [], 'groups': [], 'cut': True})
            finally:
                crops.REPORT_LIMIT = limit


@unittest.skipUnless(CHROMIUM, 'chromium is not installed')
class Browser(unittest.TestCase):
    """Loads pages with every host name unknown, and lets them check
    themselves."""

    def load(self, folder, anchor='#selftest'):
        path = os.path.join(folder, 'report.html')
        report.write([folder], path)
        done = subprocess.run(
            [CHROMIUM, '--headless', '--no-sandbox', '--disable-gpu',
             '--host-resolver-rules=MAP * ~NOTFOUND', '--enable-logging=stderr',
             f'--user-data-dir={folder}/profile', '--no-first-run',
             '--virtual-time-budget=60000', '--timeout=120000', '--dump-dom',
             'file://' + path + anchor], capture_output=True, text=True,
            errors='replace', timeout=170, env=dict(os.environ, HOME=folder))
        head = re.search(r'<html[^>]*>', done.stdout)
        self.assertTrue(head, done.stderr[-2000:])
        marks = dict(re.findall(r'data-([a-z]+)="([^"]*)"', head.group(0)))
        said = [v for v in done.stderr.split('\n') if 'CONSOLE' in v]
        self.assertEqual(said, [])
        self.assertEqual(marks.get('errors'), '', marks)
        if anchor:
            text = re.search(r'id="selftest"[^>]*>([^<]*)', done.stdout)
            self.assertEqual(marks.get('selftest'), 'ok',
                             text and text.group(1))
            self.assertGreater(int(marks['checks']), 2)
        return marks, done.stdout

    def test_page(self):
        with tempfile.TemporaryDirectory() as folder:
            these = made.lines()
            made.write(folder, these)
            os.mkdir(os.path.join(folder, crops.FOLDER))
            job = [v for v in these if v['setting'] == 2
                   and v['content'][-1] == '0' and not v['corruption']]
            rgb = np.zeros((40, 50, 3), np.uint8)
            for what, v, path in crops.wanted(folder, job):
                crops._save(rgb, (0, 0, 50, 40), 0, what, v, path)
            marks, dom = self.load(folder, anchor='')
            # two codecs: a metric, a task; and their spectra, and the input's
            self.assertEqual(int(marks['crops']), 3)
            self.assertIn('class="series', dom.replace('k0 series',
                                                       'series'))
            self.assertGreaterEqual(int(marks['curves']), 2 + 2 + 3)
            marks, _ = self.load(folder)
            self.assertGreater(int(marks['checks']), 80)

    def test_unequal(self):
        """A codec that lacks files is named beside the equal rates."""
        these = made.lines()
        for lacking, names in ((None, ()), ('beta', ('beta',))):
            with tempfile.TemporaryDirectory() as folder:
                made.write(folder, [v for v in these if v['codec'] != lacking
                                    or v['content'][-1] != '0'])
                _, dom = self.load(folder, anchor='')
                notes = re.findall(r'class="note unequal">([^<]*)', dom)
                self.assertEqual(len(notes), len(names))
                for name, note in zip(names, notes):
                    self.assertIn(name, note)
                    self.assertNotIn('alpha', note)

    def test_media(self):
        with tempfile.TemporaryDirectory() as folder:
            made.write(folder, made.lines(files=2)
                       + made.lines(files=2, media='clip')
                       + made.lines(files=2, media='sound', corruptions=(
                           (None, 0), ('clipping', 2))))
            _, dom = self.load(folder)
            for text in ('>Pictures<', '>Clips<', '>Sounds<', 'kbit/s',
                         'D SI-SDR, dB', 'bits per pixel'):
                self.assertIn(text, dom)

    def test_strange(self):
        bad = '"><img src=x onerror="document.title=1"><script>throw 1</script>'
        for these in ([dict(v, error=bad) for v in made.lines(files=1)],
                      made.lines(files=1, codecs=('alpha',), settings=(1,),
                                 corruptions=((None, 0),), none=False),
                      [dict(v, codec=bad, input=bad) for v in made.lines(
                          tasks=[{'kind': 'command', 'name': 'own',
                                  'command': 'x', 'measure': bad,
                                  'unit': bad}])]):
            with tempfile.TemporaryDirectory() as folder:
                made.write(folder, these)
                _, dom = self.load(folder)
                self.assertNotIn('<img src="x"', dom)

    def test_large(self):
        """4000 rows: more than a person reads, but the page opens. Processor
        time beside that of an empty one, as machines are busy."""
        these = made.lines(files=1, codecs=tuple('abcdefgh'), settings=tuple(
            range(1, 8)), corruptions=((None, 0),) + tuple(
            (f'kind{i}', s) for i in range(14) for s in range(1, 6)))
        self.assertGreater(len(these), 4000)
        took = []
        for lines in ([], these):
            with tempfile.TemporaryDirectory() as folder:
                made.write(folder, lines)
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                marks, _ = self.load(folder, anchor='')
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                took.append(after.ru_utime + after.ru_stime
                            - before.ru_utime - before.ru_stime)
                self.assertLess(os.path.getsize(os.path.join(
                    folder, 'report.html')), 10e6)
        self.assertGreater(int(marks['tables']), 3)
        self.assertLess(took[1] - took[0], 3)


@unittest.skipUnless(os.environ.get('WALLOC_EVAL_PIPELINES'),
                     'pipelines are run by the build (WALLOC_EVAL_PIPELINES)')
class Run(unittest.TestCase):
    def test_run(self):
        """A sweep leaves a report with details; merging keeps them."""
        with tempfile.TemporaryDirectory() as folder:
            inputs = os.path.join(folder, 'in')
            os.mkdir(inputs)
            y, x = np.mgrid[:96, :128]
            for name, k in (('a', 1), ('b', 2)):
                rgb = np.stack([128 + 90 * np.sin(x / (3 + c) + k)
                                * np.cos(y / 5) for c in range(3)], 2)
                Image.fromarray(rgb.astype(np.uint8)).save(
                    os.path.join(inputs, name + '.png'))
            out = os.path.join(folder, 'out')
            args = ('run', '--inputs', inputs, '--codecs', 'walloc:20,60',
                    'none', '--corruptions', 'clean', 'fog:2', '--crops', '1',
                    '--jobs', '1', '--out', out)
            got = tool(*args, '--no-report')
            self.assertEqual(got.returncode, 0, got.stderr)
            self.assertFalse(os.path.exists(out + '/report.html'))
            there = sorted(os.listdir(out + '/crops'))
            # clean and coded; corrupted and coded
            self.assertEqual(len(there), 4)
            for name in there:
                os.utime(os.path.join(out, 'crops', name), (1, 1))
            got = tool(*args)
            self.assertEqual(got.returncode, 0, got.stderr)
            self.assertTrue(os.path.exists(out + '/report.html'))
            # nothing was cut again
            self.assertEqual({os.path.getmtime(os.path.join(out, 'crops', n))
                              for n in there}, {1})
            value = report.data([out])
            self.assertEqual(len(value['media'][0]['crops']['groups']), 2)
            self.assertEqual(len(value['runs']), 1)
            self.assertIn('walloc', value['runs'][0]['codecs'])
            merged = os.path.join(folder, 'm')
            self.assertEqual(tool('merge', out, '--out', merged).returncode, 0)
            self.assertEqual(sorted(os.listdir(merged + '/crops')), there)
            page = os.path.join(folder, 'p.html')
            got = tool('report', out, merged, '--out', page, '--title', 'T<')
            self.assertEqual(got.returncode, 0, got.stderr)
            with open(page, encoding='utf-8') as f:
                self.assertIn('<title>T&lt;</title>', f.read())
            again = report.data([merged])
            self.assertEqual(again['media'][0]['crops'],
                             value['media'][0]['crops'])
            self.assertEqual(again['runs'], value['runs'])

    def test_reader_leaves(self):
        done = subprocess.run(f'{sys.executable} {TOOL} codecs | true',
                              shell=True, capture_output=True, text=True,
                              timeout=170)
        self.assertEqual(done.stderr, '')

    def test_errors(self):
        got = tool('report', '/nowhere')
        self.assertEqual(got.returncode, 2)
        self.assertIn('/nowhere/results.jsonl: No such file', got.stderr)
        got = tool('run', '--inputs', __file__, '--crops', '-1', '--out', 'x')
        self.assertEqual(got.returncode, 2)
        self.assertIn('--crops', got.stderr)


if __name__ == '__main__':
    unittest.main()
