# SPDX-License-Identifier: LGPL-2.1-or-later
"""Puts a model of kind reference together (docs/model-format.md)."""

import io
import warnings

import numpy as np
import torch

import contexts

CLASSES = 4
# Neighbours of the generic contexts: the channel's own, already coded ones.
GENERIC_OFFSET = 4 * 2          # weights of 64 stand for 1
AROUND = ((0, -1, 18), (-1, 0, 18), (-1, -1, 8), (-1, 1, 8), (0, -2, 4),
          (-2, 0, 4))


def export_onnx(network, channels, example=None):
    """ONNX bytes of a decoder network: `latent` [1, D, h, w], any h and w,
    to `coefficients` [1, 192, h, w]. For sound, an example [1, D, w]."""
    stream = io.BytesIO()
    if example is None:
        example = torch.zeros(1, channels, 9, 7)
    sizes = [{2: "h", 3: "w"}] * 2 if example.dim() == 4 else [
        {2: "given"}, {2: "columns"}]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(), (example,), stream,
            input_names=["latent"], output_names=["coefficients"],
            opset_version=13, do_constant_folding=True,
            dynamic_axes={"latent": sizes[0], "coefficients": sizes[1]})
    return stream.getvalue()


def generic_contexts(channels):
    """Context tables that suit any latents: the spread of a latent is that
    of its own coded neighbours, residuals are Laplace distributed."""
    model = contexts.ContextModel(channels, 1, 1, np.zeros(channels, int))
    for channel in range(channels):
        spread = [(channel, dy, dx, weight) for dy, dx, weight in AROUND]
        model.taps[0][channel] = ([], spread, 4, GENERIC_OFFSET)
    model.count(0, np.zeros((1, channels, 1, 1), int), [])
    model.active[:] = 32000
    return model.tensors()


def fitted_contexts(latents, log=print):
    """Context tables fitted to latents, int [N, D, h, w]."""
    channels = latents.shape[1]
    # Classes by magnitude: wide channels have other shapes than narrow ones.
    size = np.abs(latents).mean((0, 2, 3))
    rank = np.argsort(np.argsort(-size))
    model = contexts.ContextModel(channels, 1, CLASSES,
                                  rank * CLASSES // channels)
    model.fit(0, latents, list(range(channels)), log=log)
    # A channel that is never all zero in the crops may be so in a drawing.
    model.active[:] = np.minimum(model.active, 32700)
    bits = model.bits(0, latents, list(range(channels)))
    per_position = bits.sum() / (latents.size / channels)
    return model.tensors(), per_position


def tensors(analysis, bias, linear, linear_bias, tables, networks):
    """All tensors of the model file. networks: {"fast": bytes, ...}."""
    channels = len(analysis)
    out = {
        "codec.group": np.zeros(channels, np.uint8),
        "codec.analysis": np.ascontiguousarray(analysis, np.float32),
        "codec.bias": np.ascontiguousarray(bias, np.float32),
        "codec.set_limit": np.array([65535], np.uint16),
        "codec.quality": np.tile(np.array([0, channels], np.uint16),
                                 (100, 1)),
        "decoder.linear": np.ascontiguousarray(linear, np.float32),
        "decoder.linear.bias": np.ascontiguousarray(linear_bias, np.float32),
    }
    out.update(tables)
    for name, blob in networks.items():
        out[f"decoder.{name}.onnx"] = np.frombuffer(blob, np.uint8)
    return out


def metadata(name, bits, sound=False, **more):
    """Metadata of the model file, all strings."""
    out = {"walloc.format": "1", "walloc.kind": "reference",
           "walloc.media": "audio" if sound else "video",
           "walloc.name": name, "walloc.levels": "8" if sound else "3",
           "walloc.latent_bits": str(bits)}
    out.update({f"walloc.{key}": str(value) for key, value in more.items()})
    return out
