#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Training on lossy data: sheets, controls, pairs of seeds, statistics."""
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import torch

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(
    __file__)), '..', '..', '..'))
TASKS = os.path.join(ROOT, 'training', 'tasks')
sys.path.insert(0, TASKS)
import lossy_set  # noqa: E402
import test_lossy as measure  # noqa: E402
import train_lossy  # noqa: E402



def things(n, seed=0):
    """Pictures [n, 28, 28] with edges and grey levels, on black."""
    rng = np.random.default_rng(seed)
    out = np.zeros((n, 28, 28), np.uint8)
    for x in out:
        a, b = rng.integers(2, 10, 2)
        x[a:28 - a, b:28 - b] = rng.integers(60, 200)
        x[a:14, b:14] += rng.integers(0, 50, dtype=np.uint8)
    return out


class Codec:
    """A codec of a table, for Set: keeps the upper bits."""
    name = 'bits'

    def needs(self):
        return ''

    def code(self, clip, setting):
        mask = 256 - 2 ** setting
        return [100] * len(clip), [(c & mask) for c in clip]


def small_set(folder, train=400):
    """A Set of two classes, bars that lie or stand, with one codec."""
    store = lossy_set.Set(folder)
    store.__dict__['codecs'] = {'bits': Codec()}
    for seed, (split, n) in enumerate((('train', train), ('val', 40),
                                       ('test', 60))):
        rng = np.random.default_rng(seed)
        labels = np.arange(n, dtype=np.uint8) % 2 + 8
        x = np.zeros((n, 28, 28), np.uint8)
        for p, c in zip(x, labels):
            at = rng.integers(4, 22)
            if c == 8:
                p[at:at + 3, 4:24] = 200
            else:
                p[4:24, at:at + 3] = 200
        store.write(split, 'clean', x, mse=0.0, psnr=None, count=n)
        store.write(split, 'labels', labels)
    return store


def quietly(case):
    """Without progress on the terminal until the test is over."""
    for way in (contextlib.redirect_stdout, contextlib.redirect_stderr):
        both = way(io.StringIO())
        both.__enter__()
        case.addCleanup(both.__exit__, None, None, None)


class Sheets(unittest.TestCase):
    def test_back_and_forth(self):
        for n in (1, 256, 300):
            x = things(n)
            sheets = lossy_set.mosaics(x)
            self.assertEqual([s.shape for s in sheets],
                             [(512, 512, 3)] * (2 if n > 256 else 1))
            np.testing.assert_array_equal(lossy_set.cut(sheets, n, 28, 28), x)

    def test_tiles_are_whole_blocks(self):
        x = np.full((18, 28, 28), 255, np.uint8)
        sheet = lossy_set.mosaics(x)[0][:, :, 0]
        tiles = sheet.reshape(16, 32, 16, 32).transpose(0, 2, 1, 3)
        self.assertEqual(tiles[1, 1, 2:30, 2:30].min(), 255)
        self.assertEqual(tiles[1, 1].astype(int).sum(), 28 * 28 * 255)
        self.assertEqual(tiles[1, 2].max(), 0)

    def test_colour_is_averaged(self):
        sheet = np.zeros((512, 512, 3), np.uint8)
        sheet[2:30, 2:30] = 10, 20, 33
        self.assertEqual(lossy_set.cut([sheet], 1, 28, 28).tolist(),
                         np.full((1, 28, 28), 21).tolist())

    def test_too_large(self):
        with self.assertRaisesRegex(ValueError, 'do not fit'):
            lossy_set.mosaics(np.zeros((1, 33, 28), np.uint8))
        with self.assertRaisesRegex(ValueError, 'no 257 pictures'):
            lossy_set.cut(lossy_set.mosaics(things(2)), 257, 28, 28)


class Names(unittest.TestCase):
    known = {'jpeg': None, 'jpeg2000': None}

    def test_good(self):
        for name, want in (('clean', ('clean', None)), ('jpeg-5', ('jpeg', 5)),
                           ('jpeg2000-80', ('jpeg2000', 80)),
                           ('swap-of-jpeg-5', ('swap', 'jpeg-5'))):
            self.assertEqual(lossy_set.parse(name, self.known), want)

    def test_bad(self):
        for name in ('jpeg', 'jpeg-', 'jpeg-x', 'gif-5', 'grain-of-jpeg-5',
                     'blur-of-clean', 'blur-of-blur-of-jpeg-5', ''):
            with self.assertRaises(ValueError, msg=name):
                lossy_set.parse(name, self.known)


class Controls(unittest.TestCase):
    def test_as_far_away(self):
        clean = things(64)
        other = (clean // 64 * 64).astype(np.uint8)
        want = lossy_set.mse(clean, other)
        for kind in ('blur', 'noise', 'swap'):
            amount = lossy_set.matched(kind, clean, other, 1)
            got = lossy_set.degrade(kind, amount, clean, other, 1)
            self.assertAlmostEqual(lossy_set.mse(clean, got) / want, 1,
                                   delta=.03, msg=kind)

    def test_swap_takes_the_next_error(self):
        clean = np.full((3, 28, 28), 100, np.uint8)
        other = clean + np.array([1, 2, 3], np.uint8)[:, None, None]
        got = lossy_set.degrade('swap', 1.0, clean, other, 1)
        self.assertEqual(got[:, 0, 0].tolist(), [102, 103, 101])

    def test_same_noise_every_time(self):
        clean = things(4)
        a, b, c = (lossy_set.degrade('noise', 9.0, clean, clean, s)
                   for s in (1, 1, 2))
        np.testing.assert_array_equal(a, b)
        self.assertTrue((a != c).any())

    def test_too_bad_to_match(self):
        with self.assertRaisesRegex(ValueError, 'no blur is as bad'):
            lossy_set.matched('blur', np.full((2, 28, 28), 9, np.uint8),
                              np.zeros((2, 28, 28), np.uint8), 1)


class Folder(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        quietly(self)
        self.store = small_set(self.place.name)

    def test_codings_and_their_facts(self):
        self.store.make('test', 'bits-7')
        x, clean = (self.store.read('test', n) for n in ('bits-7', 'clean'))
        np.testing.assert_array_equal(x, clean & 128)
        facts = self.store.facts('test', 'bits-7')
        self.assertEqual((facts['bytes'], facts['pixels'], facts['count']),
                         (100, 512 * 512, 60))
        self.assertAlmostEqual(facts['mse'], lossy_set.mse(x, clean), 3)

    def test_strength_is_of_training_pictures(self):
        self.store.make('test', 'noise-of-bits-7')
        self.assertTrue(self.store.there('train', 'bits-7'))
        want = self.store.amount('noise-of-bits-7')
        self.assertEqual(self.store.facts('test', 'noise-of-bits-7')['amount'],
                         want)

    def test_not_made_again(self):
        self.store.make('test', 'bits-7')
        path = self.store.path('test', 'bits-7') + '.npy'
        before = os.stat(path).st_mtime_ns
        self.store.make('test', 'bits-7')
        self.assertEqual(os.stat(path).st_mtime_ns, before)

    def test_what_is_not_there(self):
        with self.assertRaisesRegex(ValueError, 'run lossy_set.py'):
            self.store.read('train', 'bits-3')

    def test_no_package(self):
        done = subprocess.run(
            [sys.executable, os.path.join(TASKS, 'lossy_set.py'), '--package',
             os.path.join(self.place.name, 'none'), '--out', self.place.name],
            capture_output=True, text=True)
        if 'No module named' in done.stderr:
            self.skipTest('python3-gi is not installed')
        self.assertEqual(done.returncode, 1)
        self.assertIn('apt-get install dataset-fashion-mnist', done.stderr)


class Training(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        quietly(self)
        self.store = small_set(self.place.name)
        for n in ('bits-7', 'bits-6'):
            for split in ('train', 'val', 'test'):
                self.store.make(split, n)
        torch.set_num_threads(1)

    def pictures(self, parts, **more):
        return train_lossy.Pictures(self.store, 'train', parts, (8, 9),
                                    **more)

    def test_same_batches_whatever_the_codings(self):
        one, two = (list(train_lossy.batches(self.pictures(p), 32, 2, 3))
                    for p in (['clean'], ['bits-7', 'clean']))
        self.assertEqual(len(one), 2 * (400 // 32 + 1))
        same = 0
        for a, b in zip(one, two):
            if a is None:
                self.assertIsNone(b)
                continue
            np.testing.assert_array_equal(a[1], b[1])
            coded = (a[0] & 128 == b[0]).all((1, 2))
            clean = (a[0] == b[0]).all((1, 2))
            self.assertTrue((coded | clean).all())
            same += clean.sum()
        self.assertGreater(same, 0)
        self.assertLess(same, 24 * 32)

    def test_another_seed_another_order(self):
        a, b = (next(train_lossy.batches(self.pictures(['clean']), 32, 1, s))
                for s in (1, 2))
        self.assertTrue((a[0] != b[0]).any())

    def test_too_few_pictures(self):
        with self.assertRaisesRegex(ValueError, 'not 401'):
            self.pictures(['clean'], count=401)
        with self.assertRaisesRegex(ValueError, 'too few for batches'):
            train_lossy.train(self.store, train_lossy.Recipe(
                ['clean'], classes=(8, 9), batch=512), 1, 'cpu')

    def test_learns_and_repeats(self):
        recipe = train_lossy.Recipe(['bits-7', 'bits-6'], classes=(8, 9),
                                    epochs=4, batch=20)
        a, course = train_lossy.train(self.store, recipe, 1, 'cpu')
        self.assertGreater(max(c['val'] for c in course), .9)
        b, _ = train_lossy.train(self.store, recipe, 1, 'cpu')
        for k in a:
            self.assertTrue(torch.equal(a[k], b[k]), k)

    def test_start_keeps_all_but_other_classes(self):
        first = train_lossy.Net(5).state_dict()
        net = train_lossy.Net(10)
        last = net[-1].weight.clone()
        net.begin_as(first)
        self.assertTrue(torch.equal(net[0].weight, first['0.weight']))
        self.assertTrue(torch.equal(net[-1].weight, last))

    def test_recipes_can_be_made_in_order(self):
        seen = set()
        for name, recipe in train_lossy.networks().items():
            self.assertTrue(recipe.start is None or recipe.start in seen, name)
            seen.add(name)
            other = measure.control_of(name)
            if not name.startswith('first-'):
                self.assertIn(other, train_lossy.networks())
                # a control has all the updates of what it is compared with
                a, b = recipe, train_lossy.networks()[other]
                self.assertEqual(
                    (a.classes, a.pictures, a.epochs, a.batch, a.rate),
                    (b.classes, b.pictures, b.epochs, b.batch, b.rate))
                self.assertIn('clean', b.parts)

    def test_asked_once(self):
        nets = os.path.join(self.place.name, 'nets')
        os.mkdir(nets)
        recipe = train_lossy.Recipe(['clean'], classes=(8, 9))
        torch.save(dict(recipe=json.dumps(recipe._asdict()), course='[]',
                        state=train_lossy.Net(2).state_dict()),
                   train_lossy.path_of(nets, 'x', 1))
        said, truth = measure.ask(self.store, nets, 'x', 1,
                                  ['clean', 'bits-7'], 'cpu')
        self.assertEqual((len(truth), said['bits-7'].shape), (60, (60,)))
        path = os.path.join(nets, 'x-1.npz')
        np.savez(path, clean=np.full(60, 7, np.uint8))
        said, _ = measure.ask(self.store, nets, 'x', 1, ['clean', 'bits-6'],
                              'cpu')
        self.assertEqual(set(said['clean'].tolist()), {7})
        self.assertEqual(set(np.load(path)), {'clean', 'bits-6'})

    def test_unknown_network(self):
        done = subprocess.run(
            [sys.executable, os.path.join(TASKS, 'train_lossy.py'),
             self.place.name, '--out', self.place.name, '--only', 'gif-3'],
            capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn('gif-3: no such network', done.stderr)


class Statistics(unittest.TestCase):
    def test_one_seed_is_the_paired_test(self):
        from scipy.stats import ttest_1samp
        d = np.random.default_rng(1).choice([-1, 0, 1], (1, 400),
                                            p=[.05, .85, .1])
        got = measure.crossed(d)
        want = ttest_1samp(d[0], 0)
        self.assertAlmostEqual(got['p'], want.pvalue, 6)

    def test_covers_as_often_as_it_says(self):
        # seeds and pictures that both have something of their own
        rng, inside, runs = np.random.default_rng(2), 0, 600
        for _ in range(runs):
            d = (.3 + .2 * rng.standard_normal((5, 1))
                 + 2 * rng.standard_normal((1, 200))
                 + rng.standard_normal((5, 200)))
            v = measure.crossed(d)
            inside += v['low'] < .3 < v['high']
        self.assertGreater(inside / runs, .92)
        self.assertLess(inside / runs, .985)

    def test_few_seeds_of_several_networks(self):
        rng, inside, runs = np.random.default_rng(6), 0, 400
        for _ in range(runs):
            d = (.2 * rng.standard_normal((6, 2, 1))
                 + 2 * rng.standard_normal((6, 1, 150))
                 + rng.standard_normal((6, 2, 150)))
            v = measure.crossed(d[0], measure.seed_spread(d))
            inside += v['low'] < 0 < v['high']
        self.assertGreater(inside / runs, .91)
        self.assertLess(inside / runs, .985)

    def test_spread_of_seeds(self):
        rng = np.random.default_rng(7)
        d = (.5 * rng.standard_normal((40, 3, 1))
             + rng.standard_normal((40, 1, 200))
             + rng.standard_normal((40, 3, 200)))
        got, df = measure.seed_spread(d)
        self.assertEqual(df, 80)
        self.assertAlmostEqual(got, .25, delta=.1)
        self.assertEqual(measure.seed_spread([d[0][:1]]), (0.0, 0))

    def test_pictures_alone_would_not(self):
        # what crossed() is there for: the same, seeds taken as fixed
        rng, inside, runs = np.random.default_rng(3), 0, 300
        for _ in range(runs):
            d = .5 * rng.standard_normal((5, 1)) + rng.standard_normal((5, 200))
            v = measure.crossed(d.mean(0)[None])
            inside += v['low'] < 0 < v['high']
        self.assertLess(inside / runs, .7)

    def test_no_difference(self):
        self.assertEqual(measure.crossed(np.zeros((3, 9)))['p'], 1.0)
        self.assertEqual(measure.crossed(np.ones((3, 9)))['p'], 0.0)
        with self.assertRaises(ValueError):
            measure.crossed(np.zeros((3, 1)))

    def test_holm(self):
        # worked by hand: 4 x .01, 3 x .02, 2 x .03, then no smaller than that
        np.testing.assert_allclose(measure.holm([.03, .01, .04, .02]),
                                   [.06, .04, .06, .06])
        self.assertEqual(measure.holm([.9, .8]), [1.0, 1.0])

    def test_pairs(self):
        a, b = np.zeros((2, 100), bool), np.zeros((2, 100), bool)
        a[0, :30], a[1, :2], b[:, 50:52] = True, True, True
        v = measure.pair(a, b)
        self.assertEqual((v['only_first'], v['only_second'], v['seeds_alone']),
                         ([30, 2], [2, 2], 1))
        self.assertAlmostEqual(v['points'], 100 * (32 - 4) / 200)

    def test_figures(self):
        rng = np.random.default_rng(4)
        base = rng.random((3, 500)) < .8
        better = base | (rng.random((3, 500)) < .5)
        right = {'clean': {'clean': base, 'bits-7': base & better},
                 'bits-7': {'clean': base, 'bits-7': better}}
        got = measure.compare(right)
        self.assertEqual(list(got['gain']), ['bits-7'])
        self.assertLess(got['gain']['bits-7']['bits-7']['p_holm'], .001)
        self.assertEqual(got['gain']['bits-7']['clean']['p_holm'], 1.0)
        self.assertGreater(got['rise']['bits-7']['bits-7']['points'], 5)
        best = measure.best_of(got)
        self.assertEqual(best['bits-7']['cell'], 'bits-7')
        self.assertGreater(best['bits-7']['less_control'], 5)
        got['cells'] = {'clean': {}, 'bits-7': dict(bpp=1.0)}
        text = measure.markdown(got, [['clean', 'bits-7']])
        self.assertIn('| bits-7 | +', text)
        with tempfile.TemporaryDirectory() as place:
            path = os.path.join(place, 'x.png')
            measure.draw(got, ['clean', 'bits-7'], path)
            self.assertGreater(os.path.getsize(path), 5000)

    def test_thousands_that_differ(self):
        from scipy.stats import binomtest
        for a, b in ((700, 900), (1500, 1530), (0, 1100)):
            want = binomtest(a, a + b).pvalue
            self.assertAlmostEqual(measure.stats.sign_test(a, b) / want
                                   if want else 1, 1, 6)

    def test_other_numbers_of_seeds(self):
        rng = np.random.default_rng(5)
        base = rng.random((3, 200)) < .8
        right = {'clean': {'clean': base}, 'bits-7': {'clean': base[:2]}}
        got = measure.compare(right)['gain']['bits-7']['clean']
        self.assertEqual((got['points'], len(got['only_first'])), (0.0, 2))

    def test_controls(self):
        for name, want in (('jpeg-10', 'clean'), ('clean', 'clean'),
                           ('jpeg-10-then-clean', 'clean-then-clean'),
                           ('second-after-jpeg-10', 'second-after-clean')):
            self.assertEqual(measure.control_of(name), want)


if __name__ == '__main__':
    unittest.main()
