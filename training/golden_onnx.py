#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes tests/golden/net: small ONNX files and what PyTorch computes.

Run with Debian's python3 (python3-torch, python3-onnx):
  /usr/bin/python3 training/golden_onnx.py [OUTPUT_FOLDER]

Each case is NAME.onnx and NAME.io; list.txt names them in order. An .io file
is little-endian: u32 inputs, then per tensor u32 rank, u32 dims..., f32
values..., then u32 outputs and the same. Weights and inputs come from a fixed
seed; PyTorch's results on another machine may differ in the last bits.
"""
import io
import os
import struct
import sys
import warnings

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings("ignore")
OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "net")
NAMES = []


def write_io(name, inputs, outputs):
    with open(os.path.join(OUT, name + ".io"), "wb") as f:
        for tensors in (inputs, outputs):
            f.write(struct.pack("<I", len(tensors)))
            for t in tensors:
                a = t.detach().numpy().astype("<f4")
                f.write(struct.pack("<%dI" % (a.ndim + 1), a.ndim, *a.shape))
                f.write(np.ascontiguousarray(a).tobytes())
    NAMES.append(name)


class Lambda(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def randomize(module):
    """Weights of a scale that keeps activations near one, and statistics of
    batch norms that differ from the defaults."""
    for m in module.modules():
        if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
            m.running_mean.normal_(0, 0.3)
            m.running_var.uniform_(0.5, 1.5)
        if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm,
                          nn.LayerNorm, nn.InstanceNorm2d)):
            if m.weight is not None:
                m.weight.data.normal_(1, 0.2)
                m.bias.data.normal_(0, 0.2)
    return module


def case(name, module, *shapes, opset=13, dynamic=None, inputs=None):
    if not isinstance(module, nn.Module):
        module = Lambda(module)
    module = randomize(module).eval()
    if inputs is None:
        inputs = [torch.randn(*s) for s in shapes]
    with torch.no_grad():
        outputs = module(*inputs)
        if isinstance(outputs, torch.Tensor):
            outputs = (outputs,)
        names = ["in%d" % i for i in range(len(inputs))]
        torch.onnx.export(module, tuple(inputs),
                          os.path.join(OUT, name + ".onnx"),
                          opset_version=opset, input_names=names,
                          dynamic_axes=dynamic, do_constant_folding=True)
    write_io(name, inputs, outputs)


def raw(name, nodes, inputs, outputs, consts=None, opset=13):
    """A graph put together by hand, for what torch does not export."""
    infos = [helper.make_tensor_value_info(
        "in%d" % i, TensorProto.FLOAT, list(t.shape))
        for i, t in enumerate(inputs)]
    outs = [helper.make_tensor_value_info(
        "out%d" % i, TensorProto.FLOAT, list(t.shape))
        for i, t in enumerate(outputs)]
    init = [numpy_helper.from_array(np.asarray(v), k)
            for k, v in (consts or {}).items()]
    graph = helper.make_graph(nodes, name, infos, outs, init)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 7
    onnx.save(model, os.path.join(OUT, name + ".onnx"))
    write_io(name, inputs, outputs)


def node(op, inputs, outputs=("out0",), **attributes):
    return helper.make_node(op, list(inputs), list(outputs), **attributes)


def convolutions():
    case("conv3x3", nn.Conv2d(5, 19, 3, padding=1), (1, 5, 9, 11))
    case("conv_stride", nn.Conv2d(4, 7, (5, 3), stride=(2, 3),
                                  padding=(2, 0)), (2, 4, 13, 17))
    case("conv_dilated", nn.Conv2d(3, 8, 3, padding=4, dilation=(4, 2)),
         (1, 3, 14, 9))
    case("conv_groups", nn.Conv2d(12, 18, 3, padding=1, groups=3),
         (1, 12, 7, 5))
    case("conv_depthwise", nn.Conv2d(37, 37, 3, padding=1, groups=37),
         (2, 37, 6, 7))
    case("conv_depthwise_stride", nn.Conv2d(16, 16, 5, stride=2, padding=2,
                                            groups=16, bias=False),
         (1, 16, 11, 10))
    case("conv_multiplier", nn.Conv2d(6, 12, 3, groups=6), (1, 6, 8, 8))
    case("conv1x1", nn.Conv2d(33, 70, 1), (1, 33, 5, 7))
    case("conv_large_kernel", nn.Conv2d(2, 3, 11, padding=5), (1, 2, 12, 13))
    case("conv1d", nn.Conv1d(6, 10, 7, stride=2, padding=3, dilation=2),
         (2, 6, 40))
    case("conv1d_depthwise", nn.Conv1d(9, 9, 5, padding=2, groups=9),
         (1, 9, 21))
    case("conv1d_long", nn.Conv1d(2, 3, 150, stride=5), (1, 2, 400))
    case("conv_relu", nn.Sequential(nn.Conv2d(4, 20, 3), nn.ReLU(),
                                    nn.Conv2d(20, 3, 3), nn.LeakyReLU(0.2)),
         (1, 4, 10, 9), opset=11)
    case("conv_dynamic", nn.Sequential(nn.Conv2d(3, 6, 3, padding=1),
                                       nn.ReLU(), nn.Conv2d(6, 3, 3)),
         (1, 3, 10, 12), dynamic={"in0": {0: "n", 2: "h", 3: "w"}})
    case("convt_stride2", nn.ConvTranspose2d(7, 5, 4, stride=2, padding=1),
         (1, 7, 6, 5))
    case("convt_odd", nn.ConvTranspose2d(4, 9, 3, stride=(3, 2), padding=1,
                                         output_padding=(2, 1)),
         (2, 4, 5, 4))
    case("convt_groups", nn.ConvTranspose2d(8, 12, 3, stride=2, groups=4,
                                            dilation=2), (1, 8, 4, 5))
    case("convt_gap", nn.ConvTranspose2d(3, 4, 2, stride=3), (1, 3, 4, 4))
    case("convt1d", nn.ConvTranspose1d(6, 4, 8, stride=4, padding=2),
         (1, 6, 11))
    x = torch.randn(1, 3, 9, 10)
    w = torch.randn(4, 3, 4, 3)
    same = F.conv2d(F.pad(x, (0, 1, 1, 2)), w, stride=2)
    raw("conv_same_upper", [node("Conv", ["in0", "w"], strides=[2, 2],
                                 auto_pad="SAME_UPPER")], [x], [same],
        {"w": w.numpy()})
    low = F.conv2d(F.pad(x, (1, 0, 2, 1)), w, stride=2)
    raw("conv_same_lower", [node("Conv", ["in0", "w"], strides=[2, 2],
                                 auto_pad="SAME_LOWER")], [x], [low],
        {"w": w.numpy()})
    valid = F.conv2d(x, w)
    raw("conv_valid", [node("Conv", ["in0", "w"], auto_pad="VALID")], [x],
        [valid], {"w": w.numpy()})


class Linear3(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(13, 21)

    def forward(self, x):
        return self.a(x)


def products():
    case("gemm", nn.Linear(19, 77), (5, 19))
    case("matmul_3d", Linear3(), (2, 7, 13))
    case("matmul_data", torch.matmul, (3, 5, 9), (3, 9, 11))
    case("matmul_broadcast", torch.matmul, (2, 1, 4, 6), (3, 6, 5))
    case("matmul_vector", torch.matmul, (4, 6), (6,))
    a, b, c = torch.randn(6, 5), torch.randn(7, 6), torch.randn(5, 1)
    raw("gemm_full", [node("Gemm", ["in0", "in1", "in2"], transA=1, transB=1,
                           alpha=0.5, beta=2.0)], [a, b, c],
        [0.5 * a.t() @ b.t() + 2.0 * c])


def elementwise():
    shape = (2, 5, 3, 7)
    for name, f in (
            ("sqrt", lambda x: torch.sqrt(x * x + 1)), ("neg", torch.neg),
            ("abs", torch.abs), ("exp", torch.exp),
            ("log", lambda x: torch.log(x * x + 0.1)),
            ("sin", lambda x: torch.sin(x * 20)),
            ("cos", lambda x: torch.cos(x * 20)), ("erf", torch.erf),
            ("tanh", torch.tanh), ("sigmoid", torch.sigmoid),
            ("relu", torch.relu), ("leaky", lambda x: F.leaky_relu(x, 0.3)),
            ("clip", lambda x: torch.clamp(x, -0.5, 0.7)),
            ("clip_min", lambda x: torch.clamp(x, min=0.1)),
            ("hardsigmoid", F.hardsigmoid), ("elu", F.elu),
            ("softplus", F.softplus), ("gelu", F.gelu), ("silu", F.silu),
            ("mish", F.mish), ("floor", lambda x: torch.floor(x * 5)),
            ("ceil", lambda x: torch.ceil(x * 5)),
            ("round", lambda x: torch.round(x * 5)), ("sign", torch.sign),
            ("reciprocal", lambda x: 1 / (x * x + 1)),
            ("pow2", lambda x: x ** 2), ("pow3", lambda x: x ** 3),
            ("rsub", lambda x: 2.5 - x), ("rdiv", lambda x: 2.5 / (x.abs()
                                                                 + 1))):
        case(name, f, shape)
    case("clip_old", lambda x: torch.clamp(x, -0.5, 0.7), shape, opset=10)
    case("hardswish", F.hardswish, shape, opset=14)
    case("prelu", nn.PReLU(5, 0.3), shape)
    case("sin_large", torch.sin, inputs=[torch.linspace(-3e4, 3e4, 401)])
    case("exp_range", torch.exp, inputs=[torch.cat((
        torch.linspace(-100, 80, 301), torch.tensor([-1e30])))])
    for name, f in (("add", torch.add), ("sub", torch.sub),
                    ("mul", torch.mul),
                    ("div", lambda x, y: x / (y.abs() + 1)),
                    ("max", torch.maximum), ("min", torch.minimum),
                    ("pow", lambda x, y: (x.abs() + 0.1) ** y)):
        case(name, f, shape, shape)
        case(name + "_broadcast", f, (5, 1, 7), shape)
    for i, s in enumerate(((1, 5, 1, 1), (2, 1, 1, 1), (2, 5, 1, 1),
                           (1, 1, 3, 7), (2, 1, 3, 7), (7,), (3, 1), (1,),
                           (5, 3, 7), (1, 5, 1, 7), (4, 2, 5, 3, 7))):
        case("broadcast%d" % i, lambda x, y: F.relu(x) * 2 - y, shape, s)

        def conv_then(x, y, w=torch.randn(5, 5, 1, 1)):
            return F.conv2d(x, w) - y
        if len(s) <= 4:
            case("broadcast_conv%d" % i, conv_then, shape, s)
    case("broadcast_both", lambda x, y: x * y, (4, 1, 3), (5, 1))
    case("same_twice", lambda x: (x + x) * x, shape)
    case("where", lambda x, y: torch.where(x > y, x * 2, y), shape, (5, 1, 1))
    case("compare", lambda x, y: (x > y).float() + (x < 0.1).float() * 2
         + (x == x).float() * 4, shape, shape)
    case("masked", lambda x: x.masked_fill(x > 0.5, float("-inf")).softmax(-1),
         shape)
    x, y, z = (torch.randn(3, 4) for _ in range(3))
    raw("sum3", [node("Sum", ["in0", "in1", "in2"])], [x, y, z], [x + y + z])
    raw("mean3", [node("Mean", ["in0", "in1", "in2"])], [x, y, z],
        [(x + y + z) / 3])
    raw("max3", [node("Max", ["in0", "in1", "in2"])], [x, y, z],
        [torch.maximum(torch.maximum(x, y), z)])
    raw("logic", [node("Greater", ["in0", "in1"], ["a"]),
                  node("Less", ["in0", "in2"], ["b"]),
                  node("And", ["a", "b"], ["c"]), node("Not", ["c"], ["d"]),
                  node("Or", ["d", "a"], ["e"]),
                  node("Cast", ["e"], to=TensorProto.FLOAT)], [x, y, z],
        [((~((x > y) & (x < z))) | (x > y)).float()])


def moves():
    shape = (2, 6, 5, 7)
    case("concat", lambda x, y: torch.cat((x, y, x), 1), shape, (2, 3, 5, 7))
    case("concat_conv", lambda x, w=torch.randn(4, 6, 1, 1): torch.cat(
        (F.conv2d(x, w), x), 1), shape)
    case("split", lambda x: torch.split(x, [1, 3, 2], 1), shape)
    case("split_old", lambda x: torch.split(x, 2, 1), shape, opset=11)
    case("chunk", lambda x: torch.sigmoid(x.chunk(2, 1)[0])
         * x.chunk(2, 1)[1], shape)
    case("slice", lambda x: x[:, 1:5:2, :-1, 3:], shape)
    case("flip", lambda x: torch.flip(x, (2, 3)), shape)
    case("reshape", lambda x: x.reshape(x.shape[0], -1, 5) * 2, shape)
    case("flatten", lambda x: torch.flatten(x, 1), shape)
    case("transpose", lambda x: x.permute(0, 2, 3, 1), shape)
    case("transpose2", lambda x: x.transpose(-1, -3).contiguous() + 1, shape)
    case("squeeze", lambda x: x.unsqueeze(1).unsqueeze(-1).squeeze(1), shape)
    case("unsqueeze_old", lambda x: x.unsqueeze(1).squeeze(1).unsqueeze(0),
         shape, opset=11)
    case("expand", lambda x: x.expand(4, 2, 6, 5, 7) + 0, shape)
    case("gather", lambda x: x[:, torch.tensor([4, 0, -1, 4])], shape)
    case("gather_one", lambda x: x[:, :, 2], shape)
    case("pad_zero", lambda x: F.pad(x, (1, 2, 0, 3)), shape)
    case("pad_value", lambda x: F.pad(x, (1, 2, 3, 4, 1, 0), value=1.5),
         shape)
    case("pad_crop", lambda x: F.pad(x, (-1, 2, 0, -2)), shape)
    case("pad_reflect", lambda x: F.pad(x, (3, 2, 4, 1), mode="reflect"),
         shape)
    case("pad_edge", lambda x: F.pad(x, (3, 2, 9, 1), mode="replicate"),
         shape)
    case("pad_reflect_conv", nn.Sequential(
        nn.Conv2d(6, 5, 1), nn.ReflectionPad2d(2), nn.Conv2d(5, 4, 5)), shape)
    case("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), (1, 12, 3, 5))
    case("pixel_shuffle_conv", nn.Sequential(
        nn.Conv2d(3, 18, 1), nn.PixelShuffle(3), nn.Conv2d(2, 5, 3)),
        (1, 3, 4, 3))
    case("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), (1, 3, 6, 8))
    x = torch.randn(1, 8, 3, 4)
    b, c, h, w = 1, 2, 3, 4
    dcr = x.reshape(b, 2, 2, c, h, w).permute(0, 3, 4, 1, 5, 2).reshape(
        b, c, h * 2, w * 2)
    raw("depth_to_space_dcr", [node("DepthToSpace", ["in0"], blocksize=2)],
        [x], [dcr])
    s2d = dcr.reshape(b, c, h, 2, w, 2).permute(0, 3, 5, 1, 2, 4).reshape(
        b, 8, h, w)
    raw("space_to_depth", [node("SpaceToDepth", ["in0"], blocksize=2)],
        [dcr], [s2d])
    case("shape_math", lambda x: x.reshape(
        x.shape[0] * x.shape[1], x.shape[2], x.shape[3] // 1)
        + torch.zeros(x.shape[2], x.shape[3]), shape,
        dynamic={"in0": {0: "n", 2: "h", 3: "w"}})
    case("two_outputs", lambda x: (x + 1, F.relu(x + 1), x.sum(1)), shape)
    raw("range_where", [
        node("Shape", ["in0"], ["s"]), node("Gather", ["s", "one"], ["n"]),
        node("Range", ["zero", "n", "one"], ["r"]),
        node("Greater", ["r", "two"], ["m"]),
        node("Where", ["m", "r", "zero"], ["q"]),
        node("Cast", ["q"], ["f"], to=TensorProto.FLOAT),
        node("Mul", ["in0", "f"])], [torch.ones(2, 6)],
        [torch.tensor([[0., 0, 0, 3, 4, 5]] * 2)],
        {"one": np.int64(1), "zero": np.int64(0), "two": np.int64(2)})
    raw("constants", [
        node("Constant", [], ["a"], value_float=2.0),
        node("Constant", [], ["b"], value_floats=[1.0, 2.0, 3.0]),
        node("Constant", [], ["s"], value_ints=[3, 1]),
        node("ConstantOfShape", ["s"], ["z"],
             value=numpy_helper.from_array(np.array([5], np.float32))),
        node("Mul", ["in0", "a"], ["c"]), node("Add", ["c", "b"], ["d"]),
        node("Add", ["d", "z"])], [torch.zeros(1, 3)],
        [torch.tensor([[6., 7, 8]] * 3)])
    raw("half_weights", [node("Cast", ["h"], ["f"], to=TensorProto.FLOAT),
                         node("MatMul", ["in0", "f"])], [torch.eye(3)],
        [torch.tensor([[1.5, -2], [0.25, 6e-8], [1024, -0.0]]).half()
         .float()],
        {"h": np.array([[1.5, -2], [0.25, 6e-8], [1024, -0.0]],
                       np.float16)})


def resizes():
    shape = (1, 3, 5, 7)
    for name, args in (
            ("nearest", dict(scale_factor=2, mode="nearest")),
            ("nearest_size", dict(size=(8, 9), mode="nearest")),
            ("linear", dict(scale_factor=2, mode="bilinear",
                            align_corners=False)),
            ("linear_size", dict(size=(7, 4), mode="bilinear",
                                 align_corners=False)),
            ("linear_align", dict(size=(11, 13), mode="bilinear",
                                  align_corners=True)),
            ("cubic", dict(scale_factor=2, mode="bicubic",
                           align_corners=False))):
        case("resize_" + name, lambda x, a=args: F.interpolate(x, **a), shape)
    case("resize_conv", nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.Upsample(scale_factor=2),
        nn.Conv2d(6, 5, 3), nn.Upsample(scale_factor=2, mode="bilinear")),
        shape, opset=11)
    case("resize1d", lambda x: F.interpolate(x, scale_factor=3.0,
                                             mode="nearest"), (1, 4, 9))
    case("resize1d_linear", lambda x: F.interpolate(
        x, scale_factor=2.0, mode="linear"), (2, 4, 9))
    case("resize_dynamic", lambda x: F.interpolate(
        x, scale_factor=2.0, mode="nearest"), shape,
        dynamic={"in0": {2: "h", 3: "w"}})
    case("resize10", lambda x: F.interpolate(x, scale_factor=2.0,
                                             mode="nearest"), shape, opset=10)


def reductions():
    shape = (2, 6, 5, 7)
    case("mean_hw", lambda x: x.mean((2, 3)), shape)
    case("mean_hw_conv", lambda x, w=torch.randn(9, 6, 1, 1):
         F.conv2d(x, w).mean((2, 3), keepdim=True), shape)
    case("mean_c_conv", lambda x, w=torch.randn(9, 6, 1, 1):
         F.conv2d(x, w).mean(1), shape)
    case("sum_last", lambda x: x.sum(-1), shape)
    case("sum_first", lambda x: x.sum(0), shape, opset=11)
    case("sum_mixed", lambda x: x.sum((0, 2)), shape)
    case("sum_all", lambda x: x.sum(), shape)
    case("max_axis", lambda x: x.amax(1), shape)
    case("min_axis", lambda x: x.amin(3, keepdim=True), shape)
    case("l2", lambda x: x.norm(dim=1), shape)
    case("global_average", nn.AdaptiveAvgPool2d(1), shape)
    case("global_max", nn.AdaptiveMaxPool2d(1), shape)
    case("max_pool", nn.MaxPool2d(3, 2, 1), shape)
    case("max_pool_ceil", nn.MaxPool2d(2, 2, ceil_mode=True), shape)
    case("max_pool1d", nn.MaxPool1d(4, 3, dilation=2), (1, 5, 23))
    case("average_pool", nn.AvgPool2d((3, 2), (2, 1), (1, 0)), shape)
    case("average_pool_out", nn.AvgPool2d(3, 2, 1, count_include_pad=False),
         shape)
    case("average_pool1d", nn.AvgPool1d(4, 2), (2, 5, 17))
    case("softmax_last", lambda x: x.softmax(-1), shape)
    case("softmax_channel", lambda x: (x * 2).softmax(1), shape)
    case("softmax_middle", lambda x: x.softmax(2), shape)
    case("softmax_old", lambda x: x.softmax(-1), shape, opset=11)
    case("softmax_conv", nn.Sequential(nn.Conv2d(6, 9, 1), nn.Softmax(1)),
         shape)
    case("log_softmax", lambda x: x.log_softmax(-1), (3, 11))
    x = torch.randn(3, 4, 5)
    raw("softmax_flat", [node("Softmax", ["in0"])], [x],
        [x.reshape(3, 20).softmax(1).reshape(3, 4, 5)], opset=11)
    raw("reduce18", [node("ReduceMean", ["in0", "axes"], keepdims=0)], [x],
        [x.mean(1)], {"axes": np.array([1])}, opset=18)
    raw("sum_square", [node("ReduceSumSquare", ["in0"], axes=[2])], [x],
        [(x * x).sum(2, keepdim=True)])


def norms():
    shape = (2, 6, 5, 7)
    case("batch_norm", nn.BatchNorm2d(6), shape)
    case("batch_norm1d", nn.BatchNorm1d(9), (4, 9))
    case("batch_norm_conv", nn.Sequential(
        nn.Sigmoid(), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 7, 3)),
        shape)
    case("instance_norm", nn.InstanceNorm2d(6, affine=True), shape)
    case("group_norm", nn.GroupNorm(3, 6), shape)
    case("group_norm_conv", nn.Sequential(
        nn.Conv2d(6, 8, 3, padding=1), nn.GroupNorm(4, 8), nn.SiLU(),
        nn.Conv2d(8, 3, 1)), shape)
    case("layer_norm", nn.LayerNorm(7), shape)
    x, w, b = torch.randn(2, 5, 11), torch.randn(11), torch.randn(11)
    raw("layer_norm17", [node("LayerNormalization", ["in0", "w", "b"],
                              axis=-1, epsilon=1e-3)], [x],
        [F.layer_norm(x, (11,), w, b, 1e-3)],
        {"w": w.numpy(), "b": b.numpy()}, opset=17)


class Residual(nn.Module):
    def __init__(self, c, act):
        super().__init__()
        self.a, self.b = nn.Conv2d(c, c, 3, padding=1), nn.Conv2d(
            c, c, 3, padding=1)
        self.act = act

    def forward(self, x):
        return self.act(x + self.b(self.act(self.a(x))))


class Attention(nn.Module):
    """Single head over all places, as in the middle of latent decoders."""

    def __init__(self, c):
        super().__init__()
        self.norm = nn.GroupNorm(4, c, eps=1e-6)
        self.q, self.k, self.v, self.o = (nn.Linear(c, c) for _ in range(4))
        self.c = c

    def forward(self, x):
        b, c, h, w = x.shape
        y = self.norm(x).reshape(b, c, h * w).transpose(1, 2)
        q, k, v = self.q(y), self.k(y), self.v(y)
        s = torch.baddbmm(torch.zeros(b, h * w, h * w), q,
                          k.transpose(-1, -2), beta=0, alpha=c ** -0.5)
        y = self.o(torch.bmm(s.softmax(-1), v))
        return x + y.transpose(-1, -2).reshape(b, c, h, w)


class ResnetBlock(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.n1, self.c1 = nn.GroupNorm(4, i), nn.Conv2d(i, o, 3, padding=1)
        self.n2, self.c2 = nn.GroupNorm(4, o), nn.Conv2d(o, o, 3, padding=1)
        self.skip = nn.Conv2d(i, o, 1) if i != o else nn.Identity()

    def forward(self, x):
        y = self.c1(F.silu(self.n1(x)))
        return self.skip(x) + self.c2(F.silu(self.n2(y)))


class Snake(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.alpha = nn.Parameter(torch.randn(1, c, 1) * 0.3)
        self.beta = nn.Parameter(torch.randn(1, c, 1) * 0.3)

    def forward(self, x):
        return x + (torch.exp(self.beta) + 1e-9).reciprocal() * torch.sin(
            x * torch.exp(self.alpha)).pow(2)


class AudioUnit(nn.Module):
    def __init__(self, c, dilation):
        super().__init__()
        self.body = nn.Sequential(
            Snake(c), nn.Conv1d(c, c, 7, padding=3 * dilation,
                                dilation=dilation),
            Snake(c), nn.Conv1d(c, c, 1))

    def forward(self, x):
        return x + self.body(x)


class SqueezeExcite(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a, self.b = nn.Conv2d(c, 4, 1), nn.Conv2d(4, c, 1)

    def forward(self, x):
        y = F.relu(self.a(F.adaptive_avg_pool2d(x, 1)))
        return x * F.hardsigmoid(self.b(y))


def networks():
    case("net_decoder", nn.Sequential(
        nn.Conv2d(12, 24, 3, padding=1), Residual(24, nn.GELU()),
        Residual(24, nn.LeakyReLU(0.1)), nn.Conv2d(24, 12, 3, padding=1),
        nn.PixelShuffle(2)), (1, 12, 9, 11),
        dynamic={"in0": {0: "n", 2: "h", 3: "w"}})
    case("net_classifier", nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16),
        nn.Hardswish(), nn.Conv2d(16, 16, 3, 1, 1, groups=16, bias=False),
        nn.BatchNorm2d(16), nn.ReLU6(), SqueezeExcite(16),
        nn.Conv2d(16, 24, 1, bias=False), nn.BatchNorm2d(24),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2),
        nn.Linear(24, 10), nn.Softmax(1)), (2, 3, 17, 15), opset=14)
    case("net_vae", nn.Sequential(
        nn.Conv2d(4, 16, 3, padding=1), ResnetBlock(16, 16), Attention(16),
        ResnetBlock(16, 8), nn.Upsample(scale_factor=2),
        nn.Conv2d(8, 8, 3, padding=1), nn.GroupNorm(4, 8), nn.SiLU(),
        nn.Conv2d(8, 3, 3, padding=1)), (1, 4, 6, 5), opset=14,
        dynamic={"in0": {2: "h", 3: "w"}})
    case("net_audio", nn.Sequential(
        nn.Conv1d(6, 16, 7, padding=3), Snake(16),
        nn.ConvTranspose1d(16, 8, 8, stride=4, padding=2), AudioUnit(8, 1),
        AudioUnit(8, 3), Snake(8), nn.Conv1d(8, 2, 7, padding=3, bias=False),
        nn.Tanh()), (1, 6, 13), dynamic={"in0": {2: "t"}})


def bad(name, nodes, shape=(1, 3, 4, 4), consts=None, change=None,
        opset=13):
    """A file that must be refused; not in list.txt."""
    info = helper.make_tensor_value_info("in0", TensorProto.FLOAT, shape)
    out = helper.make_tensor_value_info("out0", TensorProto.FLOAT, None)
    init = [numpy_helper.from_array(np.asarray(v), k)
            for k, v in (consts or {}).items()]
    model = helper.make_model(
        helper.make_graph(nodes, name, [info], [out], init),
        opset_imports=[helper.make_opsetid("", opset)])
    if change is not None:
        change(model)
    with open(os.path.join(OUT, name + ".onnx"), "wb") as f:
        f.write(model.SerializeToString())
    write_io(name, [torch.zeros(*shape)], [torch.zeros(1)])
    NAMES.pop()


def refused():
    w = np.ones((2, 3, 3, 3), np.float32)
    conv = [node("Conv", ["in0", "w"])]

    def external(m):
        t = m.graph.initializer[0]
        t.ClearField("raw_data")
        t.data_location = TensorProto.EXTERNAL
        t.external_data.add(key="location", value="/etc/passwd")

    def dims(*values):
        def change(m):
            del m.graph.initializer[0].dims[:]
            m.graph.initializer[0].dims.extend(values)
        return change

    def int_input(m):
        m.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64

    def rename_output(m):
        m.graph.output[0].name = "nothing"

    def nest(m):
        graph = m.graph
        for _ in range(40):
            inner = graph.node.add(op_type="If").attribute.add(
                name="b", type=onnx.AttributeProto.GRAPH)
            graph = inner.g

    bad("bad_operator", [helper.make_node("Lstm9", ["in0"], ["out0"],
                                          name="bad_node")])
    bad("bad_domain", [helper.make_node("Relu", ["in0"], ["out0"],
                                        domain="com.example")])
    bad("bad_cycle", [node("Add", ["in0", "b"], ["a"]),
                      node("Relu", ["a"], ["b"]), node("Relu", ["b"])])
    bad("bad_missing", conv)
    bad("bad_external", conv, consts={"w": w}, change=external)
    bad("bad_size", conv, consts={"w": w}, change=dims(2, 3, 3, 4))
    bad("bad_negative", conv, consts={"w": w}, change=dims(-2, -3, 3, 3))
    bad("bad_overflow", conv, consts={"w": w},
        change=dims(1 << 31, 1 << 31, 1 << 31, 54))
    bad("bad_rank", [node("Add", ["in0", "w"])],
        consts={"w": np.ones((1,) * 9, np.float32)})
    bad("bad_type", [node("Relu", ["in0"])], change=int_input)
    bad("bad_twice", [node("Relu", ["in0"]), node("Abs", ["in0"])])
    bad("bad_output", [node("Relu", ["in0"])], change=rename_output)
    bad("bad_opset", [node("Relu", ["in0"])], opset=99)
    bad("bad_kernel", [node("Conv", ["in0", "w"], kernel_shape=[2, 3])],
        consts={"w": w})
    bad("bad_pads", [node("Conv", ["in0", "w"],
                          pads=[-1, 0, 1 << 40, 0])], consts={"w": w})
    bad("bad_stride", [node("Conv", ["in0", "w"], strides=[0, 1])],
        consts={"w": w})
    bad("bad_groups", [node("Conv", ["in0", "w"], group=7)], consts={"w": w})
    bad("bad_reshape", [node("Reshape", ["in0", "s"])],
        consts={"s": np.array([5, -1])})
    bad("bad_reshape_data", [node("Reshape", ["in0", "in0"])])
    bad("bad_integers", [node("Cast", ["in0"], ["s"], to=7),
                         node("Reshape", ["in0", "s"])])
    bad("bad_expand", [node("Expand", ["in0", "s"])],
        consts={"s": np.array([1 << 20, 1 << 12, 3, 4, 4])})
    bad("bad_resize", [node("Resize", ["in0", "", "s"])],
        consts={"s": np.array([1, 1, 1e6, 1e4], np.float32)})
    bad("bad_pad", [node("Pad", ["in0", "s"])],
        consts={"s": np.array([0, 0, 1 << 18, 1 << 18] * 2)})
    bad("bad_gather", [node("Gather", ["in0", "s"], axis=1)],
        consts={"s": np.array([0, 3])})
    bad("bad_axis", [node("Concat", ["in0", "in0"], axis=4)])
    bad("bad_perm", [node("Transpose", ["in0"], perm=[0, 1, 1, 2])])
    bad("bad_matmul", [node("MatMul", ["in0", "w"])],
        consts={"w": np.ones((3, 2), np.float32)})
    bad("bad_broadcast", [node("Add", ["in0", "w"])],
        consts={"w": np.ones((3,), np.float32)})
    bad("bad_divide", [node("Shape", ["in0"], ["s"]),
                       node("Div", ["s", "z"], ["q"]),
                       node("Reshape", ["in0", "q"])],
        consts={"z": np.zeros(1, np.int64)})
    bad("bad_nesting", [node("Relu", ["in0"])], change=nest)


def fake(x, scale, zero, low, high, axis=None):
    """What a pair of QuantizeLinear and DequantizeLinear gives."""
    scale, zero = torch.as_tensor(scale), torch.as_tensor(zero)
    if axis is not None:
        shape = [1] * x.dim()
        shape[axis] = -1
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    q = torch.clamp(torch.round(x / scale) + zero, low, high)
    return (q - zero) * scale


def quantised():
    """NAME.io of these holds two results per output of the graph: with every
    pair rounding, and without. Not in list.txt."""
    def pair(x, base, **attributes):
        names = [base + "_s", base + "_z"]
        return [node("QuantizeLinear", [x] + names, [base + "_q"],
                     **attributes),
                node("DequantizeLinear", [base + "_q"] + names,
                     [base + "_d"], **attributes)]

    def save(name, nodes, x, results, consts, both=True):
        raw(name, nodes, [x], results, consts)
        model = onnx.load(os.path.join(OUT, name + ".onnx"))
        half = len(results) // 2 if both else len(results)
        del model.graph.output[half:]
        onnx.save(model, os.path.join(OUT, name + ".onnx"))
        NAMES.pop()

    # a residual block as decoders have them: 1x1 in, 3x3, 3x3 with a sum,
    # then two convolutions that share what is quantised; with 7 channels the
    # first stays in floats
    x = torch.randn(1, 7, 14, 31)
    w = {"w0": torch.randn(24, 7, 1, 1) * 0.3,
         "w1": torch.randn(20, 24, 3, 3) * 0.1,
         "w2": torch.randn(24, 20, 3, 3) * 0.1,
         "w3": torch.randn(70, 24, 1, 1) * 0.2,
         "w4": torch.randn(9, 24, 3, 3) * 0.1}
    b = {"b%d" % k: torch.randn(len(w["w%d" % k])) * 0.3 for k in range(4)}
    sites = {"x0": (0.02, 0), "h": (0.03, 3), "x1": (0.05, 117)}
    scales = {k: v.abs().reshape(len(v), -1).amax(1) / 120
              for k, v in w.items()}

    def run(on):
        def site(v, name):
            s, z = sites[name]
            return fake(v, s, z, 0, 255) if on else v

        def weight(k):
            v = w[k]
            return fake(v, scales[k], torch.zeros(len(v)), -128, 127,
                        0) if on else v
        x0 = F.relu(F.conv2d(x, w["w0"], b["b0"]))
        h = F.relu(F.conv2d(site(x0, "x0"), weight("w1"), b["b1"],
                            padding=1))
        x1 = x0 + F.conv2d(site(h, "h"), weight("w2"), b["b2"], padding=1)
        y = site(x1, "x1")
        return [F.conv2d(y, weight("w3"), b["b3"]),
                F.conv2d(y, weight("w4"), None, padding=1, stride=2)]

    consts = {k: v.numpy() for k, v in {**w, **b}.items()}
    nodes = []
    for k in ("w1", "w2", "w3", "w4"):
        nodes += pair(k, k, axis=0)
        consts[k + "_s"] = scales[k].numpy()
        consts[k + "_z"] = np.zeros(len(scales[k]), np.int8)
    for k, (s, z) in sites.items():
        consts[k + "_s"] = np.float32(s)
        consts[k + "_z"] = np.uint8(z)
    pads = {"pads": [1] * 4}
    nodes += [node("Conv", ["in0", "w0", "b0"], ["c0"]),
              node("Relu", ["c0"], ["x0"]), *pair("x0", "x0"),
              node("Conv", ["x0_d", "w1_d", "b1"], ["c1"], **pads),
              node("Relu", ["c1"], ["h"]), *pair("h", "h"),
              node("Conv", ["h_d", "w2_d", "b2"], ["c2"], **pads),
              node("Add", ["c2", "x0"], ["x1"]), *pair("x1", "x1"),
              node("Conv", ["x1_d", "w3_d", "b3"], ["out0"]),
              node("Conv", ["x1_d", "w4_d"], ["out1"], strides=[2, 2],
                   **pads)]
    save("quant_block", nodes, x, run(True) + run(False), consts)

    # weights and bias that are stored as integers, signed bytes for input
    x = torch.randn(1, 16, 8, 10)
    q = torch.randint(-127, 128, (12, 16, 3, 3), dtype=torch.int8)
    s = torch.rand(12) * 0.01 + 0.001
    bias = torch.randint(-2000, 2000, (12,), dtype=torch.int32)
    consts = {"w": q.numpy(), "w_s": s.numpy(),
              "w_z": np.zeros(12, np.int8), "b": bias.numpy(),
              "b_s": (s * 0.025).numpy(), "b_z": np.zeros(12, np.int32),
              "x_s": np.float32(0.025), "x_z": np.int8(-7)}
    nodes = [node("QuantizeLinear", ["in0", "x_s", "x_z"], ["q"]),
             node("DequantizeLinear", ["q", "x_s", "x_z"], ["d"]),
             node("DequantizeLinear", ["w", "w_s", "w_z"], ["wd"], axis=0),
             node("DequantizeLinear", ["b", "b_s", "b_z"], ["bd"], axis=0),
             node("Conv", ["d", "wd", "bd"], ["out0"], pads=[1, 0, 0, 1])]
    wd = q.float() * s.reshape(-1, 1, 1, 1)
    bd = bias.float() * s * 0.025

    def conv(v):
        return F.conv2d(F.pad(v, (0, 1, 1, 0)), wd, bd)
    save("quant_stored", nodes, x, [conv(fake(x, 0.025, -7, -128, 127)),
                                    conv(x)], consts)

    one = {"s": np.float32(0.1), "z": np.uint8(0)}
    alone = node("QuantizeLinear", ["in0", "s", "z"], ["q"])
    bad("bad_quant_reader", [alone, node("Relu", ["q"])], consts=one)
    bad("bad_quant_output", [node("QuantizeLinear", ["in0", "s", "z"])],
        consts=one)
    bad("bad_quant_pair", [alone, node("DequantizeLinear",
                                       ["q", "other", "z"])],
        consts={**one, "other": np.float32(0.2)})
    bad("bad_quant_scale", [alone, node("DequantizeLinear",
                                        ["q", "s", "z"])],
        consts={**one, "s": np.float32(-0.1)})
    bad("bad_quant_nan", [alone, node("DequantizeLinear", ["q", "s", "z"])],
        consts={**one, "s": np.float32("nan")})
    bad("bad_quant_count", [alone, node("DequantizeLinear",
                                        ["q", "s", "z"])],
        consts={"s": np.ones(5, np.float32), "z": np.zeros(5, np.uint8)})
    bad("bad_quant_zeros", [alone, node("DequantizeLinear",
                                        ["q", "s", "z"])],
        consts={**one, "z": np.zeros(3, np.uint8)})
    bad("bad_quant_dynamic", [node("ReduceMax", ["in0"], ["m"], keepdims=0),
                              node("QuantizeLinear", ["in0", "m"], ["q"]),
                              node("DequantizeLinear", ["q", "m"])])
    bad("bad_quant_float", [node("DequantizeLinear", ["in0", "s", "z"])],
        consts=one)


def main():
    os.makedirs(OUT, exist_ok=True)
    torch.manual_seed(20240912)
    torch.set_num_threads(1)
    for group in (convolutions, products, elementwise, moves, resizes,
                  reductions, norms, networks, refused, quantised):
        group()
    path = os.path.join(OUT, "net_classifier.onnx")
    model = onnx.load(path)
    for key, value in (("labels", "a\nb"), ("normalize", "255")):
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)
    with open(os.path.join(OUT, "list.txt"), "w") as f:
        f.write("\n".join(NAMES) + "\n")


main()
