#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of convert_published.py that need PyTorch:
python3 -m unittest reference.test_convert, run in training/."""

import collections
import json
import os
import pathlib
import pickle
import sys
import tempfile
import unittest
import zipfile

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import convert_published                                        # noqa: E402
from golden_transform import packet                             # noqa: E402
import walloc_model                                             # noqa: E402
from reference import checkpoint, golden, golden_audio, linear  # noqa: E402
from reference import oobleck, sound                            # noqa: E402
from reference.wpt import Packet                                # noqa: E402


class Bomb:
    """Runs a command when an ordinary reader unpickles it."""

    def __reduce__(self):
        return os.system, ("touch bomb-went-off",)


class TestConvert(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.scratch.name) / "a_b.pth"
        self.addCleanup(self.scratch.cleanup)

    def config(self, **changes):
        path = self.path.with_suffix(".json")
        fields = json.loads(path.read_text())
        fields.update(changes)
        path.write_text(json.dumps(fields))
        return path

    def refused(self, text, state=None, **changes):
        """The checkpoint is refused with a message that holds `text`."""
        golden.random_checkpoint(self.path, 32)
        if state:
            whole = torch.load(self.path)
            state(whole["model_state_dict"])
            torch.save(whole, self.path)
        with self.assertRaisesRegex(checkpoint.CheckpointError, text):
            convert_published.convert(self.path, self.config(**changes))

    def test_old_names_give_the_same_model(self):
        golden.random_checkpoint(self.path, 32)
        one = convert_published.convert(self.path, self.config())
        golden.random_checkpoint(self.path, 32, old=True)
        two = convert_published.convert(self.path, self.config())
        self.assertEqual(walloc_model.dump(*one[:2]),
                         walloc_model.dump(*two[:2]))
        self.assertEqual(one[1]["walloc.name"], "a-b")

    def test_parameter_count_is_the_published_one(self):
        for channels, count in ((12, 56883648), (48, 57132480)):
            network = convert_published.PublishedDecoder(channels, 768, 192)
            self.assertEqual(sum(p.numel() for p in network.parameters()),
                             count)

    def test_other_codecs_are_refused(self):
        def audio(state):
            state["encoder.0.weight"] = torch.zeros(108, 512, 1)

        def post(state):
            state["post.weight"] = torch.zeros(2, 2, 129)

        def deep(state):
            state["encoder.0.weight"] = torch.zeros(12, 768, 1, 1)

        def full(state):
            state["encoder.0.conv_in.weight"] = torch.zeros(32, 192, 3, 3)
        self.refused("J=3", audio)
        self.refused("one tap", post)
        self.refused("J=4", deep, J=4)
        self.refused("full encoder", full)
        self.refused("full encoder", lightweight_encode=False)
        self.refused("channels=1", channels=1)

    def test_wrong_parameters_are_refused(self):
        def missing(state):
            del state["decoder.1.conv_out.bias"]

        def extra(state):
            state["decoder.1.up_blocks.0.resnets.3.conv1.bias"] = \
                torch.zeros(32)

        def shape(state):
            state["decoder.1.conv_in.weight"] = torch.zeros(32, 12, 1, 1)

        def infinite(state):
            state["decoder.1.conv_in.bias"][3] = float("inf")
        self.refused("missing.*conv_out.bias", missing)
        self.refused("unexpected.*resnets.3", extra)
        self.refused("shape", shape)
        self.refused("finite", infinite)
        self.refused("latent_bits", latent_bits=9)
        self.refused("latent_bits", latent_bits=True)
        self.refused("latent_dim|channels", latent_dim=48)
        self.refused("shape|Nd", Nd=64)

    def refused_sound(self, text, state=None, **changes):
        golden_audio.random_checkpoint(self.path, 24)
        if state:
            whole = torch.load(self.path)
            state(whole["model_state_dict"])
            torch.save(whole, self.path)
        with self.assertRaisesRegex(checkpoint.CheckpointError, text):
            convert_published.convert(self.path, self.config(**changes))

    def test_sound_of_newer_names_gives_the_same_model(self):
        golden_audio.random_checkpoint(self.path, 24)
        one = convert_published.convert(self.path, self.config())
        golden_audio.random_checkpoint(self.path, 24, newer=True)
        two = convert_published.convert(self.path, self.config())
        self.assertEqual(walloc_model.dump(*one[:2]),
                         walloc_model.dump(*two[:2]))
        self.assertEqual(one[1]["walloc.media"], "audio")
        self.assertEqual(one[0]["decoder.post"].shape, (2, 2, 129))

    def test_parameter_count_of_sound_is_the_published_one(self):
        for channels, width, count in ((108, 756, 16290152),
                                       (27, 756, 15184097)):
            state = golden_audio.decoder_parameters(channels, width)
            self.assertEqual(sum(p.numel() for p in state.values()), count)
            network = oobleck.PublishedSoundDecoder(channels, width, 512)
            folded = oobleck.fold({k: v.numpy() for k, v in state.items()})
            self.assertEqual(set(folded), set(network.state_dict()))

    def test_excerpts_make_tables(self):
        random = np.random.default_rng(3)
        clips = np.cumsum(random.normal(0, 90, (3, 2, 128 * 256)), 2)
        excerpts = self.path.with_suffix(".npy")
        np.save(excerpts, clips.astype(np.int16))
        golden_audio.random_checkpoint(self.path, 24)
        plain = convert_published.convert(self.path, self.config())[0]
        fitted = convert_published.convert(self.path, self.config(),
                                           excerpts=excerpts)[0]
        self.assertEqual(set(plain), set(fitted))
        self.assertFalse(np.array_equal(plain["decoder.linear"],
                                        fitted["decoder.linear"]))
        np.save(excerpts, clips)
        with self.assertRaisesRegex(checkpoint.CheckpointError, "int16"):
            convert_published.convert(self.path, self.config(),
                                      excerpts=excerpts)

    def test_other_sound_codecs_are_refused(self):
        def mono(state):
            state["encoder.0.weight"] = torch.zeros(12, 256, 1)

        def wide(state):
            state["encoder.0.weight"] = torch.zeros(12, 512, 3)

        def full(state):
            state["encoder.0.block.0.conv1.weight_g"] = torch.zeros(8, 1, 1)

        def magnitude(state):
            del state["decoder.1.conv1.weight_v"]

        def missing(state):
            del state["decoder.1.block.1.res_unit3.snake2.beta"]

        def extra(state):
            state["decoder.1.block.2.snake1.beta"] = torch.zeros(1, 12, 1)

        def shape(state):
            state["decoder.1.snake1.beta"] = torch.zeros(1, 13, 1)

        def infinite(state):
            state["decoder.1.block.0.conv_t1.bias"][3] = float("inf")

        def short(state):
            state["post.weight"] = torch.zeros(2, 2, 127)

        def foreign(state):
            state["hyper.weight"] = torch.zeros(2)
        self.refused_sound("256 packet", mono)
        self.refused_sound("one tap", wide)
        self.refused_sound("full encoder", full)
        self.refused_sound("full encoder", lightweight_encode=False)
        self.refused_sound("J=7", J=7)
        self.refused_sound("latent_bits", latent_bits=9)
        self.refused_sound("channels", latent_dim=27)
        self.refused_sound("without its direction", magnitude)
        self.refused_sound("missing.*snake2.beta", missing)
        self.refused_sound("unexpected.*block.2", extra)
        self.refused_sound("shape", shape)
        self.refused_sound("finite", infinite)
        self.refused_sound("post filter", short)
        self.refused_sound("unexpected parameter hyper", foreign)

    def test_analysis_of_sound(self):
        random = np.random.default_rng(4)
        x = random.normal(0, 1, (3, 2, 1024))
        wanted = [[packet(s, 8, 0) for s in clip] for clip in x]
        self.assertTrue(np.allclose(sound.analyse(x), np.reshape(
            wanted, (3, 512, 4)), atol=1e-9))

    def test_markov_sound(self):
        """Its spectrum is the one that was asked for."""
        x = sound.markov_sound(clips=400)
        whole = (x ** 2).mean(1).sum() / 2
        self.assertTrue(0.8 < whole / 256 / sound.VARIANCE < 1.25, whole)
        self.assertGreater((x[0] ** 2).mean(), 30 * (x[128] ** 2).mean())
        self.assertTrue(np.allclose((x[0] * x[256]).mean()
                                    / (x[0] ** 2).mean(), sound.SIDES,
                                    atol=0.1))

    def test_pickles_run_nothing(self):
        torch.save({"config": Bomb(), "model_state_dict": {}}, self.path)
        here = os.getcwd()
        os.chdir(self.scratch.name)
        try:
            with self.assertRaises(checkpoint.CheckpointError):
                convert_published.convert(self.path, None)
            self.assertFalse(os.path.exists("bomb-went-off"))
        finally:
            os.chdir(here)

    def test_damage_is_an_error_of_ours(self):
        golden.random_checkpoint(self.path, 32)
        whole = self.path.read_bytes()
        random = np.random.default_rng(1)
        for _ in range(150):
            data = bytearray(whole)
            # Mostly in the pickle, which is where it is interesting.
            for at in random.integers(0, 20000, 4):
                data[at] = random.integers(256)
            self.path.write_bytes(data[:random.integers(1, len(data) * 2)])
            try:
                checkpoint.load(self.path)
            except checkpoint.CheckpointError:
                pass
        self.path.write_bytes(b"no zip")
        with self.assertRaisesRegex(checkpoint.CheckpointError, "zip"):
            checkpoint.load(self.path)

    def test_tensors_stay_within_their_storage(self):
        for offset, size, stride in ((0, (5,), (1,)), (3, (2,), (1,)),
                                     (0, (2, 2), (3, 1)), (0, (2,), (-1,)),
                                     (0, (1 << 40,), (0,))):
            class Entry:
                def __reduce__(self):
                    return torch._utils._rebuild_tensor_v2, (
                        Storage(), offset, size, stride, False,
                        collections.OrderedDict())

            class Storage:
                pass

            class Writer(pickle.Pickler):
                def persistent_id(self, thing):
                    if isinstance(thing, Storage):
                        return ("storage", torch.FloatStorage, "0", "cpu", 4)
                    return None
            with zipfile.ZipFile(self.path, "w") as archive:
                with archive.open("a/data.pkl", "w") as stream:
                    Writer(stream, protocol=2).dump({"x": Entry()})
                archive.writestr("a/data/0", bytes(16))
            with self.assertRaisesRegex(checkpoint.CheckpointError, "tensor"):
                checkpoint.load(self.path)

    def test_markov_covariance(self):
        """The closed form is the covariance that the transform gives."""
        covariance = linear.markov_covariance()
        n = 128
        distance = np.abs(np.arange(n)[:, None] - np.arange(n))
        root = np.linalg.cholesky(linear.NEIGHBOURS ** distance)
        random = np.random.default_rng(1)
        noise = random.standard_normal((200, 1, n, n))
        x = torch.from_numpy(linear.VARIANCE ** 0.5
                             * (root @ noise @ root.T))
        y = Packet(3).analyse(x)[:, :, 4:-4, 4:-4]
        measured = y.permute(0, 2, 3, 1).reshape(-1, 64).var(0).numpy()
        self.assertTrue(np.allclose(measured, np.diag(covariance)[:64],
                                    rtol=0.15, atol=1e-6))


if __name__ == "__main__":
    unittest.main()
