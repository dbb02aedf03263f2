# SPDX-License-Identifier: LGPL-2.1-or-later
"""Published audio checkpoints (Codec1D) to model files: the part of
convert_published.py that deals with sound."""

import numpy as np
import torch

import contexts
from reference import assemble, companding, linear
from reference.checkpoint import CheckpointError
from reference.oobleck import PublishedSoundDecoder, fold
from reference.wpt import HIGH, LOW

CHANNELS = 2
LEVELS = 8
BANDS = 1 << LEVELS
INPUTS = CHANNELS * BANDS
POST_TAPS = 129
BUFFERS = ("h0", "h1", "g0", "g1", "h0_row", "h1_row", "g0_row", "g1_row",
           "h0_col", "h1_col", "g0_col", "g1_col")
# A first-order Markov sound: correlation of neighbouring samples and of left
# and right, and the variance of a sample (range 1.0).
NEIGHBOURS = 0.97
SIDES = 0.7
VARIANCE = 0.01
# Neighbours of the generic contexts: the two columns before.
BEFORE = ((0, -1, 44), (0, -2, 20))


def is_sound(state, config):
    weight = state.get("encoder.0.weight")
    return (weight is not None and weight.ndim == 3) or \
        any(k.startswith("post.") for k in state) or \
        any(k.startswith("decoder.1.block.") for k in state) or \
        bool(config.get("post_filter"))


def check(state, config):
    """Says plainly which other codec this is, where it is one."""
    weight = state.get("encoder.0.weight")
    if config.get("lightweight_encode") is False or \
            any(k.startswith("encoder.") and ".block." in k for k in state):
        raise CheckpointError(
            "a checkpoint with the full encoder network; the model format "
            "holds encoders of one convolution (lightweight_encode)")
    if weight is None or "encoder.0.bias" not in state:
        raise CheckpointError("no encoder.0.weight and encoder.0.bias: not a "
                              "Codec1D checkpoint")
    if weight.ndim != 3 or weight.shape[2] != 1:
        raise CheckpointError(f"encoder of shape {weight.shape}; a "
                              "convolution of one tap was expected")
    channels = config.get("channels", CHANNELS)
    levels = config.get("J")
    if levels not in (None, LEVELS) or channels != CHANNELS or \
            weight.shape[1] != INPUTS:
        raise CheckpointError(
            f"a model of {weight.shape[1]} packet channels (channels="
            f"{channels}, J={levels}); the model format, version 1, holds "
            f"sound of {CHANNELS} channels and J={LEVELS} only ({INPUTS})")


def build_decoder(state, latent_dim):
    """The network with its parameters; complains about every difference."""
    given = {}
    for key, value in state.items():
        if key.startswith("decoder.1."):
            given[key[len("decoder.1."):]] = value
        elif not key.startswith(("encoder.0.", "post.")) \
                and key.split(".")[-1] not in BUFFERS:
            raise CheckpointError(f"unexpected parameter {key}")
    try:
        given = fold(given)
    except ValueError as error:
        raise CheckpointError(f"decoder: {error}") from error
    first = given.get("conv1.weight")
    if first is None or first.ndim != 3 or not 1 <= first.shape[0] <= 8192:
        raise CheckpointError("decoder: missing conv1.weight, or a strange one")
    network = PublishedSoundDecoder(latent_dim, first.shape[0], INPUTS)
    wanted = network.state_dict()
    missing = sorted(set(wanted) - set(given))
    extra = sorted(set(given) - set(wanted))
    if missing or extra:
        raise CheckpointError(f"decoder: missing {missing[:3]}, unexpected "
                              f"{extra[:3]}")
    for key, value in given.items():
        if value.shape != tuple(wanted[key].shape):
            raise CheckpointError(
                f"decoder: {key} has shape {value.shape}, expected "
                f"{tuple(wanted[key].shape)}")
        if not np.isfinite(value).all():
            raise CheckpointError(f"decoder: {key} is not finite")
    network.load_state_dict({k: torch.from_numpy(np.array(v, np.float32))
                             for k, v in given.items()})
    return network.eval()


def post_tensors(state):
    """The filter behind the synthesis, where there is one."""
    weight, bias = state.get("post.weight"), state.get("post.bias")
    if weight is None and bias is None:
        return {}
    if weight is None or bias is None or bias.shape != (CHANNELS,) or \
            weight.shape != (CHANNELS, CHANNELS, POST_TAPS):
        raise CheckpointError(
            f"post filter of shape {None if weight is None else weight.shape}"
            f"; ({CHANNELS}, {CHANNELS}, {POST_TAPS}) was expected")
    out = {"decoder.post": np.array(weight, np.float32),
           "decoder.post.bias": np.array(bias, np.float32)}
    if not all(np.isfinite(v).all() for v in out.values()):
        raise CheckpointError("post filter: damaged parameters")
    return out


def analyse(x):
    """Packet coefficients [..., 512, n / 256] of clips [..., 2, n],
    periodic."""
    for _ in range(LEVELS):
        low, high = (sum(taps[abs(d)] * np.roll(x, -d, -1) for d in
                         range(1 - len(taps), len(taps)))
                     for taps in (LOW, HIGH))
        x = np.stack([low[..., ::2], high[..., 1::2]], -2)
        x = x.reshape(x.shape[:-3] + (-1, x.shape[-1]))
    return x


def markov_sound(seed=1, columns=8, clips=100):
    """Coefficients [512, N] of clips of the Markov sound."""
    random = np.random.default_rng(seed)
    n = columns * BANDS
    white = random.standard_normal((clips, CHANNELS, n))
    white[:, 1] = SIDES * white[:, 0] + (1 - SIDES ** 2) ** 0.5 * white[:, 1]
    # The spectrum of such a sound, all around the clip.
    turn = np.exp(-2j * np.pi * np.arange(n // 2 + 1) / n)
    shape = (1 - NEIGHBOURS ** 2) ** 0.5 / np.abs(1 - NEIGHBOURS * turn)
    x = np.fft.irfft(np.fft.rfft(white) * shape, n) * VARIANCE ** 0.5
    return np.concatenate(list(analyse(x)), 1)


def generic_contexts(channels):
    """Context tables that suit any latents of sound."""
    model = contexts.ContextModel(channels, 1, 1, np.zeros(channels, int))
    for channel in range(channels):
        model.taps[0][channel] = ([], [(channel, dy, dx, weight) for
                                       dy, dx, weight in BEFORE], 4,
                                  assemble.GENERIC_OFFSET)
    model.count(0, np.zeros((1, channels, 1, 1), int), [])
    model.active[:] = 32000
    return model.tensors()


def excerpt_coefficients(path, count, columns=128):
    """Coefficients [N, 512, columns] of excerpts of int16 [n, 2, samples]."""
    clips = np.load(path, mmap_mode="r")
    if clips.ndim != 3 or clips.shape[1] != CHANNELS or \
            clips.dtype != np.int16 or clips.shape[2] < columns * BANDS:
        raise CheckpointError(f"{path}: expected int16 [N, 2, samples]")
    picks = np.linspace(0, len(clips) - 1, min(count, len(clips))).astype(int)
    out = []
    for i in picks:
        x = clips[i, :, :columns * BANDS].astype(np.float64)
        x -= x.mean()
        out.append(analyse(x / (2 * np.abs(x).max() + 1e-8)))
    return np.stack(out)


def convert(state, config, latent_bits, excerpts=None, count=60):
    """(tensors, network) of a checkpoint of sound."""
    check(state, config)
    analysis = np.array(state["encoder.0.weight"][:, :, 0], np.float32)
    bias = np.array(state["encoder.0.bias"], np.float32)
    channels = len(analysis)
    if channels > INPUTS or bias.shape != (channels,) or \
            not np.isfinite(analysis).all() or not np.isfinite(bias).all():
        raise CheckpointError("encoder: damaged parameters")
    if config.get("latent_dim", channels) != channels:
        raise CheckpointError(f"encoder of {channels} channels, "
                              f"configuration says {config['latent_dim']}")
    network = build_decoder(state, channels)
    if excerpts is None:
        x = markov_sound()
        tables = generic_contexts(channels)
    else:
        clips = excerpt_coefficients(excerpts, count)
        x = np.concatenate(list(clips), 1)
        latent = torch.from_numpy(np.einsum("dk,nkt->ndt", analysis, clips)
                                  + bias[:, None])
        latent = torch.round(companding.to_uniform(latent, latent_bits))
        tables, cost = assemble.fitted_contexts(latent[:, :, None].int()
                                                .numpy())
        print(f"context tables: {cost / BANDS / CHANNELS:.3f} bits per sample "
              f"on {len(clips)} excerpts")
    mean, covariance = linear.statistics(x.T)
    weight, offset = linear.wiener(analysis, bias, covariance, mean,
                                   linear.rounding_noise(latent_bits))
    networks = {"best": assemble.export_onnx(
        network, channels, torch.zeros(1, channels, 9))}
    tensors = assemble.tensors(analysis, bias, weight, offset, tables,
                               networks)
    tensors.update(post_tensors(state))
    return tensors, network
