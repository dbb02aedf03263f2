#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turns a published WaLLoC checkpoint into a model file.

    convert_published.py RGB_16x.pth RGB_16x.json rgb-16x.wlm
        [--crops crops_train.npy] [--name NAME]
    convert_published.py stereo_5x.pth stereo_5x.json stereo-5x.wlm
        [--excerpts music_train.npy] [--name NAME]

The checkpoint is read by training/reference/checkpoint.py, which runs no code
from it. The file holds the encoder's 1x1 convolution, the decoder network
with its attention as `decoder.best.onnx`, a linear decoder and context
tables. With --crops (uint8 [N, 256, 256, 3]) the last two are fitted to
pictures; without, they come from a Markov model of pictures and from generic
tables, which cost bits but lose nothing. The same with --excerpts (int16 [N, 2,
samples]) for sound.

Supported: pictures (Codec2D), 3 colours, J = 3; sound (Codec1D), stereo, J = 8
(reference/sound.py); lightweight encoder, 2 to 8 bits.
Weights keep the licence under which their authors gave them.
"""

import argparse
import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import torch                                                    # noqa: E402
import walloc_model                                             # noqa: E402
from reference import assemble, companding, linear, sound       # noqa: E402
from reference.checkpoint import (CheckpointError, attributes,  # noqa: E402
                                  load)
from reference.nets import PublishedDecoder                     # noqa: E402
from reference.wpt import Packet                                # noqa: E402

COLOURS = 3
LEVELS = 3
INPUTS = COLOURS * 4 ** LEVELS
FIELDS = ("channels", "J", "Ne", "Nd", "latent_dim", "latent_bits",
          "lightweight_encode", "post_filter")
# What older diffusers called the parts of an attention block.
OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v",
             "proj_attn": "to_out.0"}
# Filters of pytorch_wavelets, kept as buffers; the transform is fixed.
WAVELET_BUFFERS = ("h0_col", "h1_col", "h0_row", "h1_row",
                   "g0_col", "g1_col", "g0_row", "g1_row")


def unpack(thing):
    """(state dict, configuration fields) of a checkpoint's object."""
    config = {}
    if not isinstance(thing, dict):
        raise CheckpointError("the checkpoint is not a dictionary")
    for key in ("config", "args"):
        config.update({k: v for k, v in attributes(thing.get(key)).items()
                       if k in FIELDS})
    for key in ("model_state_dict", "state_dict"):
        if isinstance(thing.get(key), dict):
            thing = thing[key]
            break
    state = {k: v for k, v in thing.items() if isinstance(v, np.ndarray)}
    if not state:
        raise CheckpointError("the checkpoint holds no tensors")
    return state, config


def refuse_others(state, config):
    """Says plainly which other codecs this is, where it is one."""
    weight = state.get("encoder.0.weight")
    if any(".conv_in." in k for k in state if k.startswith("encoder.")) \
            or config.get("lightweight_encode") is False:
        raise CheckpointError(
            "a checkpoint with the full encoder network; the model format "
            "holds encoders of one 1x1 convolution (lightweight_encode)")
    if weight is None or "encoder.0.bias" not in state:
        raise CheckpointError("no encoder.0.weight and encoder.0.bias: not a "
                              "Codec2D checkpoint")
    if weight.ndim != 4 or weight.shape[2:] != (1, 1):
        raise CheckpointError(f"encoder of shape {weight.shape}; a 1x1 "
                              "convolution was expected")
    inputs = weight.shape[1]
    colours = config.get("channels", COLOURS)
    levels = config.get("J")
    if levels not in (None, LEVELS) or inputs != INPUTS \
            or colours != COLOURS:
        raise CheckpointError(
            f"a model of {inputs} packet channels (channels={colours}, "
            f"J={levels}); the model format, version 1, holds pictures of "
            f"{COLOURS} colours and J={LEVELS} only ({INPUTS})")


def number(config, key, least, most):
    """An integer field of the configuration, checked."""
    value = config.get(key)
    if isinstance(value, bool) or not isinstance(value, int) \
            or not least <= value <= most:
        raise CheckpointError(f"configuration: {key} is {value!r}, expected "
                              f"{least} to {most}")
    return value


def decoder_state(state):
    """Parameters of the decoder network under current names."""
    out = {}
    for key, value in state.items():
        if key.startswith("decoder.1."):
            parts = key[len("decoder.1."):].split(".")
            if "attentions" in parts and parts[-2] in OLD_NAMES:
                parts[-2] = OLD_NAMES[parts[-2]]
                # Some versions kept the projections as 1x1 convolutions.
                if parts[-1] == "weight" and value.ndim == 4 \
                        and value.shape[2:] == (1, 1):
                    value = value[:, :, 0, 0]
            out[".".join(parts)] = value
        elif not key.startswith("encoder.0.") \
                and key.split(".")[-1] not in WAVELET_BUFFERS:
            raise CheckpointError(f"unexpected parameter {key}")
    return out


def build_decoder(state, latent_dim, width):
    """The network with its parameters; complains about every difference."""
    network = PublishedDecoder(latent_dim, width, INPUTS)
    wanted = network.state_dict()
    given = decoder_state(state)
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


def picture_coefficients(path, count):
    """Packet coefficients [count, 192, 32, 32] of crops spread over a file,
    as torch float32."""
    crops = np.load(path, mmap_mode="r")
    if crops.ndim != 4 or crops.shape[3] != 3 or crops.dtype != np.uint8:
        raise CheckpointError(f"{path}: expected uint8 [N, 256, 256, 3]")
    picks = np.linspace(0, len(crops) - 1, min(count, len(crops))).astype(int)
    packet = Packet(LEVELS)
    out = [packet.analyse(torch.as_tensor(np.ascontiguousarray(
        crops[i].transpose(2, 0, 1)))[None].float() / 255 - 0.5)
        for i in picks]
    return torch.cat(out)


def convert(checkpoint, config, crops=None, name=None, pictures=200,
            excerpts=None):
    """(tensors, metadata, network) of a model from paths; config may be
    None when the checkpoint has one inside."""
    state, fields = unpack(load(checkpoint))
    if config is not None:
        with open(config, encoding="utf-8") as stream:
            given = json.load(stream)
        if not isinstance(given, dict):
            raise CheckpointError(f"{config}: not an object")
        fields.update(given)
    name = name or pathlib.Path(checkpoint).stem.lower().replace("_", "-")
    about = {"source": "converted from a published checkpoint",
             "licence": "that of the checkpoint"}
    if sound.is_sound(state, fields):
        bits = number(fields, "latent_bits", 2, 8)
        tensors, network = sound.convert(state, fields, bits, excerpts)
        return tensors, assemble.metadata(name, bits, sound=True,
                                          **about), network
    refuse_others(state, fields)
    bits = number(fields, "latent_bits", 2, 8)
    analysis = np.array(state["encoder.0.weight"][:, :, 0, 0], np.float32)
    bias = np.array(state["encoder.0.bias"], np.float32)
    channels = len(analysis)
    if number(fields, "latent_dim", 1, 192) != channels:
        raise CheckpointError(f"encoder of {channels} channels, "
                              f"configuration says {fields['latent_dim']}")
    if bias.shape != (channels,) or not np.isfinite(analysis).all() \
            or not np.isfinite(bias).all():
        raise CheckpointError("encoder: damaged parameters")
    network = build_decoder(state, channels, number(fields, "Nd", 32, 4096))

    if crops is None:
        covariance = linear.markov_covariance(LEVELS, COLOURS)
        mean = np.zeros(INPUTS)
        tables = assemble.generic_contexts(channels)
    else:
        x = picture_coefficients(crops, pictures)
        with torch.no_grad():
            latent = torch.nn.functional.conv2d(
                x, torch.from_numpy(analysis)[:, :, None, None],
                torch.from_numpy(bias))
            latent = torch.round(companding.to_uniform(latent, bits))
        mean, covariance = linear.statistics(
            x.permute(0, 2, 3, 1).reshape(-1, INPUTS).double().numpy())
        tables, cost = assemble.fitted_contexts(latent.int().numpy())
        print(f"context tables: {cost / 4 ** LEVELS:.3f} bits per pixel on "
              f"{len(x)} crops")
    weight, offset = linear.wiener(analysis, bias, covariance, mean,
                                   linear.rounding_noise(bits))
    networks = {"best": assemble.export_onnx(network, channels)}
    tensors = assemble.tensors(analysis, bias, weight, offset, tables,
                               networks)
    return tensors, assemble.metadata(name, bits, **about), network


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("checkpoint")
    parser.add_argument("config", nargs="?",
                        help="the .json beside the checkpoint")
    parser.add_argument("model", help="the .wlm file to write")
    parser.add_argument("--crops", help="crops_train.npy to fit tables to")
    parser.add_argument("--excerpts",
                        help="music_train.npy to fit tables to, for sound")
    parser.add_argument("--name")
    options = parser.parse_args()
    try:
        tensors, info, _ = convert(options.checkpoint, options.config,
                                   options.crops, options.name,
                                   excerpts=options.excerpts)
        walloc_model.save(options.model, tensors, info)
    except (CheckpointError, OSError, ValueError) as error:
        sys.exit(f"{options.checkpoint}: {error}")


if __name__ == "__main__":
    main()
