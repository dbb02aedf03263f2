# SPDX-License-Identifier: LGPL-2.1-or-later
"""walloc-eval: statistics against known values, sweeps that say nonsense, results
that were cut off, workers that die, and a small sweep to its end twice."""
import json
import math
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
TOOL = os.path.join(ROOT, 'tools', 'walloc-eval')
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from eval import analysis, codecs, colour, picture  # noqa: E402
from eval import pipes, pool, spec, stats, store, summary  # noqa: E402
from eval import tasks, work  # noqa: E402


def die(item):
    """Work for test_pool: some items kill their process."""
    if item == 'always':
        os._exit(7)
    if item.startswith('once '):
        path = item[5:]
        if not os.path.exists(path):
            open(path, 'w').close()
            os.kill(os.getpid(), 9)
    if item == 'bug':
        raise ValueError('a bug')
    return item.upper()


class Stats(unittest.TestCase):
    def test_wilson(self):
        # Newcombe 1998, table I
        for hits, n, low, high in ((81, 263, .2553, .3662),
                                   (15, 148, .0624, .1605),
                                   (0, 20, 0, .1611), (1, 29, .0061, .1718)):
            got = stats.wilson(hits, n)
            self.assertAlmostEqual(got[0], low, 4)
            self.assertAlmostEqual(got[1], high, 4)
        self.assertEqual(stats.wilson(0, 0), (0, 1))

    def test_sign(self):
        self.assertEqual(stats.sign_test(0, 0), 1)
        self.assertAlmostEqual(stats.sign_test(1, 7), 0.0703125)
        self.assertAlmostEqual(stats.sign_test(7, 1), 0.0703125)
        self.assertEqual(stats.sign_test(5, 5), 1)

    def test_rates(self):
        self.assertAlmostEqual(stats.at_rate([.1, 1], [20, 30], 10 ** -.5), 25)
        self.assertTrue(math.isnan(stats.at_rate([.1, 1], [20, 30], 2)))
        self.assertEqual(stats.common_rates([[1, 2], [3, 4]]), [])
        got = stats.common_rates([[.1, 1], [.2, 3]], 3)
        self.assertAlmostEqual(got[0], .2)
        self.assertAlmostEqual(got[2], 1)
        self.assertAlmostEqual(got[1], .2 ** .5)

    def test_correlation(self):
        a, b = [1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5]
        r, low, high = stats.pearson(a, b)
        self.assertAlmostEqual(r, 0.8285714)
        self.assertTrue(-1 < low < r < high < 1)
        self.assertAlmostEqual(stats.spearman(a, np.exp(b))[0], 0.8285714)
        # equal values share their rank
        self.assertAlmostEqual(stats.spearman([1, 1, 2, 3], [1, 1, 2, 3])[0],
                               1)
        self.assertTrue(math.isnan(stats.pearson([1, 2, 3], [1, 2, 3])[0]))
        self.assertTrue(math.isnan(stats.pearson([1] * 5, range(5))[0]))
        self.assertAlmostEqual(
            stats.pearson([1, 2, 3, 4, float('nan')], [2, 4, 6, 8, 1])[0], 1)

    def test_bootstrap(self):
        low, high = stats.bootstrap(np.arange(100))
        self.assertTrue(43 < low < 45 and 54 < high < 56)
        self.assertTrue(math.isnan(stats.bootstrap([1])[0]))


class Spec(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.picture = os.path.join(self.folder.name, 'a.png')
        Image.new('RGB', (8, 8)).save(self.picture)

    def tearDown(self):
        self.folder.cleanup()

    def bad(self, text, **data):
        data = dict({'inputs': [self.picture], 'codec': [{'name': 'jpeg'}]},
                    **data)
        with self.assertRaises(spec.SpecError) as e:
            spec.Sweep({k: v for k, v in data.items() if v is not None})
        self.assertIn(text, str(e.exception))

    def test_nonsense(self):
        self.bad('there are no pictures, clips or sounds in "nowhere',
                 inputs=['nowhere/*.png'])
        self.bad('.py" is none of .png', inputs=[__file__])
        self.bad('"inputs" is missing', inputs=None)
        self.bad('"codec" is missing', codec=[])
        self.bad('codec "mp9" is none of', codec=[{'name': 'mp9'}])
        self.bad('no list of numbers', codec=['jpeg:high'])
        self.bad("unknown keys ['quality']",
                 codec=[{'name': 'jpeg', 'quality': 3}])
        self.bad('come together', codec=[{'name': 'x', 'encode': 'a'}])
        self.bad('"mist" is none of clean', corruptions=['mist:2'])
        self.bad('not within 1 to 5', corruptions=['fog:0-3'])
        self.bad('not within 1 to 5', corruptions=['fog:4-3'])
        self.bad('not within 1 to 5', corruptions=['fog:x'])
        self.bad('neither', variant='mine')
        self.bad('seed: -1', seed=-1)
        self.bad("unknown keys ['codecs']", codecs=[])
        self.bad('"kind" is none of', task=[{'kind': 'guess'}])
        self.bad('name one of "network"', task=[{'kind': 'classify'}])
        self.bad("unknown keys ['net']", task=[{'kind': 'classify',
                                                'net': 'x'}])
        self.bad('give yours another name', codec=[
            {'name': 'none', 'encode': 'a', 'decode': 'b'}])
        name = self.folder.name
        self.bad('matches folders only', inputs=[f'{name[:-1]}[{name[-1]}]'])
        self.bad('no list of file names', inputs=self.picture)
        self.bad('no list of names', corruptions='all')
        self.bad('no list of tables: [[codec]]', codec={'name': 'jpeg'})
        self.bad('no list of tables: [[task]]', task={'kind': 'zbar'})
        self.bad('no list of tables: [[task]]', task=['zbar'])
        self.bad('"encode" must be text',
                 codec=[{'name': 'x', 'encode': 5, 'decode': 'y'}])
        self.bad('must be a list of numbers',
                 codec=[{'name': 'jpeg', 'settings': [math.nan]}])
        self.bad('must be text', task=[{'kind': 'zbar', 'name': 3}])
        self.bad('two tasks', task=[{'kind': 'zbar'}, {'kind': 'zbar'}])

    def test_names(self):
        """Names that look like patterns, quotes and braces are names."""
        folder = os.path.join(self.folder.name, 'set [1] "{}"')
        os.makedirs(folder)
        path = os.path.join(folder, "a[b]'é*.png")
        Image.new('RGB', (8, 8)).save(path)
        self.assertEqual(spec.find_inputs([path]), [path])
        self.assertEqual(spec.find_inputs(['*.png'], folder), [path])
        self.assertEqual(spec.find_inputs([folder, path]), [path])

    def test_twice(self):
        cells = spec.Sweep({'inputs': [self.picture], 'codec': [
            'jpeg:10,20,10', 'jpeg:20']}).cells()
        self.assertEqual([c['setting'] for c in cells], [10, 20])

    def test_usual(self):
        """Clips have codecs, too, if the line names none."""
        path = os.path.join(self.folder.name, 'a.y4m')
        with open(path, 'wb'):
            pass
        got = tool('run', '--inputs', path, '--no-report', '--out',
                   os.path.join(self.folder.name, 'o'))
        self.assertNotIn('0 cells', got.stderr)
        self.assertIn('a.y4m', got.stderr)
        self.assertEqual(got.returncode, 1)

    def test_keys(self):
        """A file counts by content and name, not by where it lies."""
        def keys(folder, colour):
            path = os.path.join(self.folder.name, folder, 'set')
            os.makedirs(path)
            Image.new('RGB', (8, 8), colour).save(path + '/b.png')
            return [c['key'] for c in spec.Sweep(
                {'inputs': [path], 'codec': ['jpeg:10']}).cells()]
        first = keys('one', 'red')
        self.assertEqual(first, keys('two', 'red'))
        self.assertNotEqual(first, keys('three', 'blue'))

    def test_media(self):
        """Corruptions and codecs go to what they are for."""
        sound = os.path.join(self.folder.name, 'a.wav')
        with open(sound, 'wb'):
            pass
        cells = spec.Sweep({
            'inputs': [self.picture, sound], 'codec': ['jpeg:10'],
            'corruptions': ['clipping:2', 'fog:1']}).cells()
        self.assertEqual([(c['media'], c['corruption']) for c in cells],
                         [('picture', 'fog')])

    def test_file(self):
        path = os.path.join(self.folder.name, 's.toml')
        with open(path, 'w') as f:
            f.write('inputs = ["*.png"]\ncorruptions = ["clean", "all:2", '
                    '"fog:1-3"]\n[[codec]]\nname = "jpeg"\n'
                    'settings = [10, 50]\n[[codec]]\nname = "mine"\nencode = '
                    '"jpegenc quality={setting}"\ndecode = "jpegdec"\n'
                    'settings = [3]\n')
        cells = spec.load(path).cells()
        self.assertEqual(len(cells), (1 + 15 + 2) * 3)
        self.assertEqual(len({c['key'] for c in cells}), len(cells))
        self.assertEqual(cells, spec.load(path).cells())
        with open(path, 'w') as f:
            f.write('inputs = [')
        with self.assertRaises(spec.SpecError):
            spec.load(path)
        with self.assertRaises(spec.SpecError) as e:
            spec.load(path + 'x')
        self.assertIn('No such file', str(e.exception))


class Tasks(unittest.TestCase):
    def test_scores(self):
        def lines(entry, answers):
            return [{'tasks': [entry], 'answers': {'t': a}} for a in answers]
        got = tasks.scores(lines({'kind': 'zbar', 'name': 't'}, [
            {'codes': 3, 'right': 2, 'invented': 0},
            {'codes': 1, 'right': 1, 'invented': 1}, {'error': 'x'}]))
        self.assertEqual(got['t'][1].value, 75)
        self.assertEqual(got['t'][1].count, 4)
        self.assertTrue(got['t'][1].low < 75 < got['t'][1].high)
        got = tasks.scores(lines({'kind': 'tesseract', 'name': 't'}, [
            {'characters': 90, 'wrong': 9}, {'characters': 10, 'wrong': 6}]))
        self.assertEqual(got['t'][1].value, 15)
        self.assertEqual(got['t'][0].better, 'lower')
        got = tasks.scores(lines(
            {'kind': 'command', 'name': 't', 'command': 'x', 'unit': 'dB'},
            [{'value': 2}, {'value': 3}]))
        self.assertEqual((got['t'][1].value, got['t'][0].unit), (2.5, 'dB'))
        self.assertEqual(tasks.scores(lines({'kind': 'zbar', 'name': 't'},
                                            [{'error': 'x'}])), {})

    def test_distance(self):
        self.assertEqual(tasks.distance('kitten', 'sitting'), 3)
        self.assertEqual(tasks.distance('', 'abc'), 3)
        self.assertEqual(tasks.distance('abc', 'abc'), 0)

    def test_overlap(self):
        self.assertEqual(tasks.overlap((0, 0, 2, 2), (2, 0, 2, 2)), 0)
        self.assertEqual(tasks.overlap((0, 0, 2, 2), (0, 0, 2, 2)), 1)
        self.assertAlmostEqual(tasks.overlap((0, 0, 2, 2), (1, 0, 2, 2)),
                               1 / 3)

    def test_command(self):
        clip = [np.zeros((4, 5, 3), np.uint8)]
        cell = {'input': 'x.png'}

        def say(command):
            return tasks.make({'kind': 'command', 'name': 't', 'command':
                               command}).do(cell, clip, clip, clip)

        self.assertEqual(say('echo 3.5'), {'value': 3.5})
        self.assertEqual(say("echo '{{\"a\": 1}}'"), {'a': 1})
        self.assertEqual(say('sh -c "test -s {result} && test -s {clean} && '
                             'echo 1"'), {'value': 1})
        self.assertEqual(say("awk 'BEGIN {print 2}'"), {'value': 2})
        self.assertEqual(say("echo '{\"right\": 2, \"count\": 3}'"),
                         {'right': 2, 'count': 3})
        # none waits for somebody who types
        self.assertEqual(say("awk '{print $1} END {print NR}'"), {'value': 0})
        # what is no text is shown as it is
        with self.assertRaisesRegex(tasks.TaskError, 'xff'):
            say("printf '\\377'")
        for bad, text in (('echo three', 'neither JSON'),
                          ('echo NaN', 'no number'), ('echo null', 'no number'),
                          ('echo 1e999', 'no number'),
                          ("echo '{\"right\": 2}'", '2 right of 1'),
                          ('false', 'ended with 1'),
                          ('/no/such', 'No such file')):
            with self.assertRaises(tasks.TaskError) as e:
                say(bad)
            self.assertIn(text, str(e.exception))
        for options, text in (({'command': 'echo "1'}, 'No closing quotation'),
                              ({'command': ' '}, 'is empty'),
                              ({'command': 'x', 'better': 'more'}, 'neither')):
            with self.assertRaisesRegex(ValueError, text):
                tasks.make(dict(options, kind='command'))

    def test_command_unit(self):
        """Shares are in per cent; units of the sweep's own stay."""
        for options, answer, unit, value in (
                ({}, {'right': 1, 'count': 4}, '%', 25),
                ({'unit': 'per cent'}, {'right': 1}, 'per cent', 100),
                ({}, {'value': 3}, '', 3)):
            entry = dict(options, kind='command', command='x')
            lines = [{'tasks': [entry], 'answers': {'command': answer}}]
            task, score = tasks.scores(lines)['command']
            self.assertEqual((task.unit, score.value), (unit, value))
            self.assertEqual(analysis.asked(lines)[0][0].unit, unit)

    def test_bug(self):
        """A task that breaks down costs the cell nothing else."""
        clip = [np.zeros((4, 5, 3), np.uint8)]
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, 'x.txt'), 'w') as f:
                f.write('truth')
            got = tasks.answers({
                'input': os.path.join(folder, 'x.png'), 'media': 'picture',
                'tasks': [{'kind': 'tesseract', 'language': 5},
                          {'kind': 'command', 'command': 'echo 1'}]},
                clip, clip, clip)
        self.assertIn('TypeError', got['tesseract']['error'])
        self.assertEqual(got['command'], {'value': 1})

    def test_filled(self):
        for text, want in (('q={setting}', 'q=3'), ('{{{setting}}}', '{3}'),
                           ('format={I420,RGB} q={setting}',
                            'format={I420,RGB} q=3'), ('{} {setting}', '{} 3')):
            self.assertEqual(pipes.filled(text, setting=3), want)
        self.assertEqual(pipes.escape('a"b\\c'), 'a\\"b\\\\c')


class Pictures(unittest.TestCase):
    def test_load(self):
        """16 bits of grey are not white, and what is broken is said."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'a.png')
            Image.fromarray(np.array([[0, 257, 25700, 65535]], np.uint16)
                            ).save(path)
            got = picture.load(path, 0)
            self.assertEqual(got[0, :, 0].tolist(), [0, 1, 100, 255])
            with open(path, 'rb') as f:
                data = f.read()
            broken = os.path.join(folder, 'b.png')
            for bad in (data[:40], data.replace(b'IDAT', b'\0\0\0\0'),
                        data[:33], b''):
                with open(broken, 'wb') as f:
                    f.write(bad)
                with self.assertRaisesRegex(picture.CellError, 'b.png'):
                    picture.load(broken, 0)
            path = os.path.join(folder, 'c.tif')
            Image.fromarray(np.full((4, 4), 1e3, np.float32)).save(path)
            with self.assertRaisesRegex(picture.CellError, 'no known range'):
                picture.load(path, 0)


class Store(unittest.TestCase):
    def test_cut_off(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'r.jsonl')
            s = store.Store(path)
            s.add({'key': 'a', 'n': 1})
            s.add({'key': 'b', 'error': 'x'})
            s.close()
            with open(path, 'a') as f:
                f.write('{"key": "c", "n"')
            s = store.Store(path)
            s.add({'key': 'a', 'error': 'later'})
            s.add({'key': 'b', 'n': 2})
            s.close()
            lines, broken = store.read(path)
            self.assertEqual(broken, 1)
            self.assertEqual(lines, {'a': {'key': 'a', 'n': 1},
                                     'b': {'key': 'b', 'n': 2}})

    def test_newest(self):
        """What is there of two versions, or with other tasks, counts once."""
        def line(v, key, name='zbar', **more):
            return dict({'v': v, 'key': key, 'input': 'a/b/c.png',
                         'content': 'x', 'codec': 'jpeg', 'setting': 3,
                         'tasks': [{'kind': name}], 'answers': {name: {}}},
                        **more)
        one, two = line(3, 'a'), line(3, 'b', 'faces', input='q/b/c.png')
        got, = store.newest([one, two])
        self.assertEqual(got['key'], 'b')
        self.assertEqual(set(got['answers']), {'zbar', 'faces'})
        self.assertEqual(len(got['tasks']), 2)
        # answers of another version are of other noise
        for both in ([line(2, 'a'), two], [two, line(2, 'a')]):
            self.assertEqual(store.newest(both), [two])
        for both in ([one, line(3, 'c', error='x')],
                     [line(3, 'c', error='x'), one]):
            self.assertEqual(store.newest(both), [one])
        self.assertEqual(len(store.newest([
            one, line(3, 'd', setting=4), line(3, 'e', seed=1), 'no line',
            line(3, 'f', size=9), line(3, 'g', input='a/b/d.png')])), 5)

    def test_merge(self):
        """What is in the folder stays, what a killed merge left does not, and a
        running sweep is not overwritten."""
        with tempfile.TemporaryDirectory() as folder:
            def at(name):
                return os.path.join(folder, name, 'results.jsonl')
            for name in 'abc':
                os.mkdir(os.path.join(folder, name))
                s = store.Store(at(name))
                s.add({'key': name})
                s.close()
            with open(at('c') + '.part', 'w') as f:
                f.write('{"key": "stale"}\n')
            a, b, c = (os.path.join(folder, n) for n in 'abc')
            self.assertEqual(tool('merge', a, b, '--out', c).returncode, 0)
            self.assertEqual(set(store.read(at('c'))[0]), {'a', 'b', 'c'})
            held = store.Store(at('c'))
            got = tool('merge', a, '--out', c)
            self.assertEqual(got.returncode, 2)
            self.assertIn('another run', got.stderr)
            held.close()
            got = tool('merge', a + 'x', '--out', b + 'y')
            self.assertEqual(got.returncode, 2)
            self.assertFalse(os.path.exists(b + 'y'))

    @unittest.skipUnless(os.path.exists('/dev/full'), 'no /dev/full')
    def test_full(self):
        s = store.Store('/dev/full')
        with self.assertRaises(store.StoreError) as e:
            s.add({'key': 'a'})
        self.assertIn('run again to go on', str(e.exception))
        s.close()


class Pool(unittest.TestCase):
    def test_dying(self):
        with tempfile.TemporaryDirectory() as folder:
            once = 'once ' + os.path.join(folder, 'flag')
            got = {}

            def done(item, ok, result):
                self.assertNotIn(item, got)
                got[item] = ok, result

            pool.run(die, ['a', once, 'always', 'bug', 'b', 'c'], 2, done)
        self.assertEqual(got['a'], (True, 'A'))
        self.assertEqual(got['c'], (True, 'C'))
        self.assertTrue(got[once][0])
        self.assertFalse(got['always'][0])
        self.assertIn('ended with 7', got['always'][1])
        self.assertEqual(got['bug'], (False, 'ValueError: a bug'))

    def test_dies_idle(self):
        """A process that ends between two items costs neither of them."""
        give, broken = pool._Worker.give, []

        def once(worker, item, index, tries):
            if item == 'b' and not broken:
                broken.append(item)
                raise BrokenPipeError
            give(worker, item, index, tries)

        got = {}
        pool._Worker.give = once
        try:
            pool.run(die, ['a', 'b', 'c'], 1,
                     lambda item, ok, result: got.update({item: (ok, result)}))
        finally:
            pool._Worker.give = give
        self.assertEqual(got, {v: (True, v.upper()) for v in 'abc'})


class Colour(unittest.TestCase):
    def test_known(self):
        # BT.601, 16 to 235: red is 81, 90, 240
        for rgb, limited, full in (((255, 0, 0), (81, 90, 240), (76, 85, 255)),
                                   ((255, 255, 255), (235, 128, 128),
                                    (255, 128, 128)),
                                   ((0, 0, 0), (16, 128, 128),
                                    (0, 128, 128))):
            one = np.full((3, 5, 3), rgb, np.uint8)
            for want, name in ((limited, False), (full, True)):
                planes = colour.to_420(one, name)
                self.assertEqual([p.shape for p in planes],
                                 [(3, 5), (2, 3), (2, 3)])
                self.assertEqual([int(p[0, 0]) for p in planes], list(want))
                back = colour.of_420(planes, name).astype(int)
                self.assertLessEqual(np.abs(back - one).max(), 2)

    def test_places(self):
        """Colours stay where they are, and nothing is darker."""
        y, x = np.mgrid[:40, :60]
        rgb = np.stack([60 + 2 * x, 60 + 3 * y, 200 - x - y], 2).astype(
            np.uint8)
        back = colour.of_420(colour.to_420(rgb, False), False)
        error = back[2:-2, 2:-2].astype(float) - rgb[2:-2, 2:-2]
        self.assertLess(np.abs(error).max(), 3)
        self.assertLess(np.abs(error.mean((0, 1))).max(), 0.2)


class Threads(unittest.TestCase):
    def test_classes_are_there(self):
        # what threads of sources ask the bindings for first comes to nothing
        # when two do so at once
        done = subprocess.run([sys.executable, '-c', f"""
import sys
sys.path.insert(0, {os.path.join(ROOT, 'tools')!r})
import gi.module
import numpy as np
from eval import pipes
pipes.init()
asked, old = [], gi.module.IntrospectionModule.__getattr__
def ask(self, name):
    asked.append(name)
    return old(self, name)
gi.module.IntrospectionModule.__getattr__ = ask
pipes.to_buffer(np.zeros((4, 4, 3), np.uint8), 0)
print([v for v in asked if not v.isupper()])
"""], capture_output=True, text=True)
        self.assertEqual(done.stdout, '[]\n', done.stderr)


class Codecs(unittest.TestCase):
    def test_comment(self):
        slices = b'\0\0\0\1\x65' + bytes(range(1, 90))
        said = b'\0\0\1\6\5\xff' + b'x' * 20 + b'x264 - core 164 r3' \
            + b'y' * 30
        self.assertEqual(pipes.comment_bytes(said + slices[1:]), len(said))
        self.assertEqual(pipes.comment_bytes(slices), 0)
        self.assertEqual(pipes.comment_bytes(b'x264 - core'), 0)
        # in a picture it is a picture
        self.assertEqual(pipes.comment_bytes(
            b'\0\0\1\x65x264 - core 164' + slices), 0)

    def test_range(self):
        """A setting that the encoder does not have is no result at its
        default."""
        clip = [np.zeros((8, 8, 3), np.uint8)]
        for quality in (101, -1):
            with self.assertRaisesRegex(codecs.CodecError, 'out of range'):
                codecs.own('x', 'wallocenc quality={setting}', 'wallocdec',
                           [quality]).code(clip, quality)

    def test_own_decoder(self):
        """A codec that has a known one's name and encoder, but not its
        decoder."""
        known = codecs.table()['walloc']
        cell = {'codec': 'walloc', 'setting': 30,
                'how': known.encode + ' | ' + known.decode}
        self.assertEqual(codecs.of_cell(cell).note, known.note)
        cell['how'] = known.encode + ' | wallocdec decoder=best'
        self.assertEqual(codecs.of_cell(cell).decode, 'wallocdec decoder=best')


def pictures(folder):
    """Two pictures with something in them, one of odd size, and no picture."""
    rng = np.random.default_rng(4)
    for name, (h, w) in {'a.png': (48, 64), 'b.png': (51, 37)}.items():
        y, x = np.mgrid[:h, :w]
        rgb = np.stack([128 + 90 * np.sin(x / 7 + k) * np.cos(y / (5 + k))
                        for k in range(3)], 2) + rng.normal(0, 4, (h, w, 3))
        Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8)).save(
            os.path.join(folder, name))
    with open(os.path.join(folder, 'c.png'), 'w') as f:
        f.write('no picture')


def tool(*args):
    return subprocess.run([sys.executable, TOOL, *args], capture_output=True,
                          text=True, timeout=170)


@unittest.skipUnless(os.environ.get('WALLOC_EVAL_PIPELINES'),
                     'pipelines are run by the build (WALLOC_EVAL_PIPELINES)')
class Sweep(unittest.TestCase):
    def test_all(self):
        with tempfile.TemporaryDirectory() as folder:
            pictures(folder)
            out = os.path.join(folder, 'out')
            args = ('run', '--inputs', folder, '--codecs', 'walloc:20,70',
                    'none', '--corruptions', 'clean', 'gaussian_noise:3',
                    '--jobs', '2', '--out', out)
            first = tool(*args)
            self.assertEqual(first.returncode, 1, first.stderr)
            self.assertIn('cannot identify', first.stderr)
            lines, _ = store.read(os.path.join(out, 'results.jsonl'))
            self.assertEqual(len(lines), 3 * 2 * 3)
            good = [v for v in lines.values() if 'error' not in v]
            self.assertEqual(len(good), 12)
            self.check(good)
            # nothing is left to do
            again = tool(*args)
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertIn('18 done already', again.stderr)
            text = tool('summary', out)
            self.assertEqual(text.returncode, 0, text.stderr)
            self.assertIn('## gaussian_noise 3', text.stdout)
            self.assertIn('6 cells failed', text.stdout)
            merged = tool('merge', out, out, '--out',
                          os.path.join(folder, 'm'))
            self.assertIn('18 cells', merged.stdout)

    def check(self, lines):
        for v in lines:
            m = v['metrics']
            if v['codec'] == 'none' and not v['corruption']:
                self.assertEqual(m['error']['mse'], 0)
                self.assertEqual(v['bpp'], 24)
            if v['corruption']:
                # bands add up, and the result is the corrupted one's
                for name in 'RGC':
                    self.assertAlmostEqual(sum(m[name]['bands'])
                                           / max(m[name]['mse'], 1e-9),
                                           1 if m[name]['mse'] else 0, 3)
                if v['codec'] == 'none':
                    self.assertEqual(m['G']['mse'], 0)
                    self.assertAlmostEqual(m['R']['mse'], m['C']['mse'])
        by = summary.groups(lines)
        for key in ((None, 0), ('gaussian_noise', 3)):
            low, high = (by[key]['walloc'][q] for q in (20, 70))
            self.assertLess(summary.rate(low), summary.rate(high))
        clean = by[None, 0]['walloc']
        self.assertLess(summary.mean(clean[20], 'R', 'psnr')[0],
                        summary.mean(clean[70], 'R', 'psnr')[0])

    def test_colours(self):
        """High rates of codecs in YUV come close to what 4:2:0 holds: no
        conversion on the way makes pictures darker."""
        y, x = np.mgrid[:97, :131]
        rgb = np.stack([128 + 60 * np.sin(x / 17 + k) * np.cos(y / (15 + k))
                        for k in range(3)], 2).astype(np.uint8)
        for name, setting in (('jpeg', 98), ('x264', 4), ('x265', 4),
                              ('vp9', 4)):
            codec = codecs.table()[name]
            if codec.needs():
                continue
            even = rgb if name == 'jpeg' else rgb[:96, :130]
            sizes, out = codec.code([even, even], setting)
            self.assertEqual(len(sizes), 2)
            for got in out:
                error = got.astype(float) - even
                self.assertLess(np.abs(error.mean((0, 1))).max(), 0.5, name)
                self.assertLess((error ** 2).mean(), 3, name)

    def test_tasks(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, 'glass'))
            pictures(os.path.join(folder, 'glass'))
            sweep = os.path.join(folder, 's.toml')
            with open(sweep, 'w') as f:
                f.write('inputs = ["glass/a.png"]\n[[codec]]\nname = '
                        '"walloc"\nsettings = [30]\n[[codec]]\nname = '
                        '"none"\n[[task]]\nkind = "classify"\nname = '
                        '"waste"\nnetwork = "waste-1"\n[[task]]\nkind = '
                        '"command"\nname = "one"\ncommand = "echo 1"\n'
                        '[[task]]\nkind = "command"\nname = "bad"\n'
                        'command = "false"\n')
            out = os.path.join(folder, 'o')
            got = tool('run', sweep, '--out', out)
            self.assertEqual(got.returncode, 0, got.stderr)
            lines, _ = store.read(os.path.join(out, 'results.jsonl'))
            by = {v['codec']: v['answers'] for v in lines.values()}
            for answers in by.values():
                self.assertEqual(answers['one'], {'value': 1})
                self.assertIn('ended with 1', answers['bad']['error'])
            self.assertNotIn('waste', by['none'])
            said = by['walloc']['waste']
            if 'runs no networks' not in said.get('error', ''):
                self.assertEqual(said['truth'], 'glass')
                self.assertEqual(said['right'], said['label'] == 'glass')
                self.assertTrue(0 < said['confidence'] <= 1)

    def test_errors(self):
        with tempfile.TemporaryDirectory() as folder:
            pictures(folder)
            got = tool('run', '--inputs', folder, '--codecs', 'what',
                       '--out', folder)
            self.assertEqual(got.returncode, 2)
            self.assertIn('codec "what" is none of', got.stderr)
            sweep = os.path.join(folder, 's.toml')
            with open(sweep, 'w') as f:
                f.write('inputs = ["a.png"]\n[[codec]]\nname = "x"\nencode = '
                        '"nosuchelement q={setting}"\ndecode = "identity"\n'
                        'settings = [1]\n[[codec]]\nname = "none"\n')
            got = tool('run', sweep, '--out', os.path.join(folder, 'o'))
            self.assertIn('x is left out: GStreamer elements nosuchelement',
                          got.stderr)
            with open(os.path.join(folder, 'o', 'results.jsonl')) as f:
                self.assertEqual([json.loads(v)['codec'] for v in f],
                                 ['none'])


if __name__ == '__main__':
    unittest.main()
