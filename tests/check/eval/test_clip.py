# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clips in walloc-eval: every frame once and in order, all their bytes,
corruptions by number, tasks that see frames."""
import os
import sys
import tempfile
import unittest

import numpy as np
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import parts  # noqa: E402
if 'WALLOC_EVAL_PIPELINES' in os.environ:
    # codecs of clips are in plugins that other tests do without
    os.environ.pop('GST_PLUGIN_SYSTEM_PATH_1_0', None)
    os.environ.pop('GST_REGISTRY_FORK', None)
    if 'GST_REGISTRY' in os.environ:
        os.environ['GST_REGISTRY'] += '.all'
from eval import clip, clipcodecs, codecs, networks, picture  # noqa: E402
from eval import pipes, spec, summary, tasks, work  # noqa: E402
from eval.errors import CellError  # noqa: E402

W, H, N = 48, 32, 9


def frame(n):
    """A scene of which every frame differs; n tells by its brightness."""
    y, x = np.mgrid[:H, :W]
    wave = 20 * np.sin((x + 2 * n) / 5) + 20 * np.cos(y / 4)
    return np.uint8(np.clip(60 + 12 * n + wave[:, :, None]
                            + np.array([0, 10, 20]), 0, 255))


def write_y4m(path, frames, rate='30:1'):
    """Grey enough that what 4:2:0 loses is little."""
    from eval import colour
    with open(path, 'wb') as f:
        h, w = frames[0].shape[:2]
        f.write(f'YUV4MPEG2 W{w} H{h} F{rate} Ip A1:1 C420jpeg\n'.encode())
        for rgb in frames:
            f.write(b'FRAME\n' + b''.join(
                p.tobytes() for p in colour.to_420(rgb, False)))


class Clips(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = os.path.join(cls.folder.name, 'a.y4m')
        write_y4m(cls.path, [frame(n) for n in range(N)])
        lacking = pipes.missing('y4mdec', 'uridecodebin')
        if lacking:
            raise unittest.SkipTest(f'{lacking} are not installed')

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def cells(self, codec='none', settings=(0,), **more):
        return spec.Sweep(dict({
            'inputs': [self.path],
            'codec': [{'name': codec, 'settings': list(settings)}]},
            **more)).cells()

    def line(self, *args, **more):
        cell, = self.cells(*args, **more)
        line = work.do(cell)
        self.assertNotIn('error', line)
        return line


class Loading(Clips):
    def test_frames(self):
        got, fps = clip.load(self.path, 60, 0)
        self.assertEqual((len(got), fps), (N, 30))
        for n, rgb in enumerate(got):
            self.assertEqual(rgb.shape, (H, W, 3))
            self.assertLess(np.abs(rgb.astype(int) - frame(n)).mean(), 6)
        got, _ = clip.load(self.path, 4, 16)
        self.assertEqual([f.shape for f in got], [(16, 24, 3)] * 4)

    def test_wrong_files(self):
        with self.assertRaisesRegex(CellError, 'there is no such file'):
            clip.load(self.path + '.mkv', 4, 0)
        path = os.path.join(self.folder.name, 'b.mp4')
        with open(path, 'wb') as f:
            f.write(b'this is no video' * 99)
        with self.assertRaises(CellError) as e:
            clip.load(path, 4, 0)
        self.assertIn('b.mp4', str(e.exception))
        path = os.path.join(self.folder.name, 'none.y4m')
        with open(path, 'wb') as f:
            f.write(b'YUV4MPEG2 W48 H32 F30:1 Ip A1:1 C420jpeg\n')
        with self.assertRaisesRegex(CellError, 'none.y4m'):
            clip.load(path, 4, 0)

    def test_too_much(self):
        old, clip.MAX_BYTES = clip.MAX_BYTES, 3 * W * H * 3
        try:
            with self.assertRaisesRegex(CellError, 'ask for fewer'):
                clip.load(self.path, 9, 0)
            self.assertEqual(len(clip.load(self.path, 3, 0)[0]), 3)
        finally:
            clip.MAX_BYTES = old

    def test_nonsense(self):
        for frames in (0, 601, 'all'):
            with self.assertRaisesRegex(spec.SpecError, 'frames'):
                self.cells(frames=frames)


class Coding(Clips):
    def test_uncompressed(self):
        line = self.line(frames=5)
        self.assertEqual((line['frames'], line['fps'], line['bpp']),
                         (5, 30, 24))
        self.assertAlmostEqual(line['kbps'], 24 * W * H * 30 / 1000)
        self.assertEqual(line['metrics']['error']['mse'], 0)

    @parts.needs('onnx')
    def test_all_codecs(self):
        """Every frame, in order, with all bytes; long distances between key
        frames cost less than key frames alone."""
        clean, _ = clip.load(self.path, 60, 0)
        for codec in clipcodecs.known() + [
                c for c in codecs.table().values()
                if c.media == codecs.ANY and c.name != 'none']:
            if codec.needs():
                print(f'{codec.name}: {codec.needs()} are not installed')
                continue
            with self.subTest(codec.name):
                setting = codec.settings[-1]
                sizes, got = codec.code(clean, setting)
                self.assertEqual(len(got), N)
                self.assertGreater(sum(sizes), 100)
                for n in range(N):
                    errors = [np.abs(got[n].astype(int) - f).mean()
                              for f in clean]
                    self.assertEqual(int(np.argmin(errors)), n)
                line = self.line(codec.name, [setting])
                self.assertEqual(line['bytes'], sum(sizes))
                self.assertAlmostEqual(
                    line['bpp'], 8 * sum(sizes) / (N * W * H))

    def test_message_of_x264(self):
        """Half a kilobyte that no decoder needs does not count."""
        table = codecs.table()
        for name in ('x264', 'x264-time'):
            if table[name].needs():
                self.skipTest(table[name].needs())
            sizes, _ = table[name].code([np.full((32, 32, 3), 99, np.uint8)],
                                        36)
            self.assertLess(sum(sizes), 200)

    def test_in_time(self):
        still = os.path.join(self.folder.name, 'still.y4m')
        rng = np.random.default_rng(1)
        write_y4m(still, [np.repeat(rng.integers(
            60, 190, (96, 160, 1), np.uint8), 3, 2)] * N)
        clean, _ = clip.load(still, 60, 0)
        table = codecs.table()
        alone = sum(table['walloc'].code(clean, 60)[0])
        self.assertLess(sum(table['walloc-time'].code(clean, 60)[0]),
                        alone / 3)

    def test_lost_frame(self):
        """A codec that loses frames."""
        clean, _ = clip.load(self.path, 60, 0)
        lossy = codecs.own('lossy', 'video/x-raw ! identity eos-after=4',
                           'identity', None)
        with self.assertRaisesRegex(codecs.CodecError, '9 frames went in'):
            lossy.code(clean, 0)

    def test_corruption(self):
        """Frame n is corrupted as frame n, however many there are."""
        cell, = self.cells(corruptions=['gaussian_noise:3'], seed=4)
        clean, _ = clip.load(self.path, 9, 0)
        all_of = picture.corrupt(clean, cell)
        some = picture.corrupt(clean[:4], cell)
        self.assertEqual(len(all_of), N)
        for a, b in zip(all_of, some):
            self.assertTrue((a == b).all())
        noise = [f.astype(int) - c for f, c in zip(all_of, clean)]
        self.assertFalse((noise[0] == noise[1]).all())
        line = self.line(corruptions=['gaussian_noise:3'], seed=4)
        self.assertGreater(line['metrics']['C']['mse'], 100)
        self.assertAlmostEqual(line['metrics']['R']['mse'],
                               line['metrics']['C']['mse'], 3)

    def test_keys(self):
        cells = {c['key'] for n in (5, 6) for c in self.cells(frames=n)}
        self.assertEqual(len(cells), 2)
        # of pictures the number of frames is no part
        path = os.path.join(self.folder.name, 'a.png')
        Image.new('RGB', (8, 8)).save(path)
        keys = {spec.Sweep({'inputs': [path], 'codec': [{'name': 'none'}],
                            'frames': n}).cells()[0]['key'] for n in (5, 6)}
        self.assertEqual(len(keys), 1)

    def test_summary(self):
        lines = [self.line('jpeg', [q]) for q in (20, 80)]
        self.assertAlmostEqual(
            summary.rate(lines[:1]), lines[0]['bpp'])
        self.assertIn('jpeg', summary.text(lines))


class Tasks(Clips):
    def test_last_frame(self):
        seen = []

        class Double(networks.Classify):
            def _of_pixels(self, rgb):
                seen.append(rgb)
                return 'x', 1.0
        frames = [frame(n) for n in range(3)]
        task = Double('d', pixels='n.onnx')
        cell = {'media': 'clip', 'input': 'x/a.y4m', 'how': ''}
        self.assertTrue(task.fits(cell))
        self.assertEqual(task.do(cell, frames, frames, frames)['right'], 1)
        self.assertIs(seen[0], frames[2])

    @parts.needs('onnx')
    def test_latents(self):
        line = self.line('walloc-time', [60], task=[
            {'kind': 'classify', 'network': 'waste-1'},
            {'kind': 'tesseract'}])
        self.assertEqual(list(line['answers']), ['classify'])
        self.assertIn('label', line['answers']['classify'])

    @unittest.skipIf(tasks.make({'kind': 'zbar'}).needs(), 'no zbarimg')
    def test_every(self):
        line = self.line(task=[{'kind': 'zbar', 'every': 4}])
        self.assertEqual(line['answers']['zbar'],
                         {'codes': 0, 'right': 0, 'invented': 0})
        with self.assertRaisesRegex(ValueError, '"every"'):
            tasks.make({'kind': 'zbar', 'every': -1})


if __name__ == '__main__':
    unittest.main()
