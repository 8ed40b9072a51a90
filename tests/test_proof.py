"""Certificates: what is proved, what is refused, and that the two ways to every byte are the same where they meet."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import networks
import numpy as np
import pytest
from conftest import DEMO_MODEL, ROOT
from proof_faults import C, Files, faults, sealed

from tinyproof.cores import CORTEX_M4F, PLAIN
from tinyproof.export.emit_model import emit_model_c, emit_model_h
from tinyproof.export.lower import lower
from tinyproof.export.ops.equivalent import PackedChannel, Stage
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.host.proof.checker import arithmetic, winograd
from tinyproof.host.proof.checker.check import check
from tinyproof.host.proof.checker.findings import Refused
from tinyproof.host.proof.prove import make_certificate
from tinyproof.optimize import Optimize

CHECKER = ROOT / "host" / "proof" / "checker"


def every_kind(seed: int, dead: bool = False) -> bytes:
    """A small network with a pooled convolution, one with a residual sum, a depthwise one, a mean and a classifier;
    `dead`: with filters that no input moves.
    """
    rng = np.random.default_rng(seed)
    b = ModelBuilder()

    def taps(*shape: int) -> np.ndarray:
        return rng.integers(-127, 128, shape, np.int8)

    def layer(name: str, x: int, shape: tuple[int, ...], weights: np.ndarray, depthwise: bool = False, **scales: float) -> int:
        y_c, axis = shape[-1], 3 if depthwise else 0
        w_scales = list(rng.uniform(0.004, 0.006, y_c))
        bias = rng.integers(-2000, 2000, y_c, np.int32)
        if dead and not depthwise and name == "first":
            weights[1::2], bias[1::2] = 0, -900
        y = b.tensor((1, *shape), scales.get("y", 0.05), -128 if name != "second" else 3)
        operands = [x, b.constant(weights, w_scales, axis=axis), b.constant(bias, [1.0])]
        if depthwise:
            b.depthwise_conv2d(operands, y, (1, 1), (1, 1), "SAME", "RELU")
        else:
            b.conv2d(operands, y, (1, 1), (1, 1), "SAME" if name == "second" else "VALID", "RELU" if name == "first" else "NONE")
        return y

    source = b.tensor((1, 14, 14, 1), 1 / 255, -128)
    first = layer("first", source, (12, 12, 8), taps(8, 3, 3, 1))
    pooled = b.tensor((1, 6, 6, 8), 0.05, -128)
    b.max_pool2d(first, pooled, (2, 2), (2, 2))
    second = layer("second", pooled, (6, 6, 8), taps(8, 3, 3, 8), y=0.3)
    summed = b.tensor((1, 6, 6, 8), 0.31, -5)
    b.op("ADD", [pooled, second], [summed], add_options())
    deep = layer("deep", summed, (6, 6, 8), taps(1, 3, 3, 8), depthwise=True, y=0.5)
    mean = b.tensor((1, 1, 1, 8), 0.5, -128)
    b.op("AVERAGE_POOL_2D", [deep], [mean], pool_options(6))
    flat, scores, y = b.tensor((1, 8), 0.5, -128), b.tensor((1, 5), 0.4, 10), b.tensor((1, 5), 1 / 256, -128)
    b.reshape(mean, flat)
    b.dense([flat, b.constant(taps(5, 8), [0.005]), b.constant(rng.integers(-90, 90, 5, np.int32), [0.0025])], scores)
    b.softmax(scores, y)
    return b.build([source], [y])


def add_options():
    from every_op import schema_options

    return schema_options("AddOptionsT")


def pool_options(side: int):
    from every_op import schema_options

    return schema_options("Pool2DOptionsT", padding=1, strideH=side, strideW=side, filterHeight=side, filterWidth=side)


def exported(content: bytes, optimize: Optimize | None = Optimize.BALANCED) -> Files:
    """The files of a model with one core; `optimize` None: of plain kernels."""
    lowered = lower(read_graph(content, "model.tflite"))
    program = lowered.program(PLAIN) if optimize is None else lowered.program(CORTEX_M4F, optimize)
    sources = {"model.c": emit_model_c(program, ""), "model.h": emit_model_h(program, "")}
    return {"model.tflite": content, **{f"c/core/{name}": text.encode() for name, text in sources.items()}}


def certified(content: bytes, optimize: Optimize | None = Optimize.BALANCED) -> tuple[Files, bytes]:
    files = exported(content, optimize)
    return files, make_certificate(files).encode()


@pytest.mark.parametrize("optimize", [*Optimize, None])
def test_small_models_are_proved_with_every_kernel(optimize):
    models = [every_kind(1), every_kind(2, dead=True), *map(networks.random_network, range(6))]
    models += [make(seed) for make in (networks.usual_network, networks.pooled_layer) for seed in range(4)]
    for number, content in enumerate(models):
        verdict = check(*certified(content, optimize))
        assert verdict.proved, (number, verdict.line)


@pytest.mark.parametrize("seed", range(2))
def test_planted_faults_are_refused(seed):
    content = every_kind(seed, dead=bool(seed))
    files, certificate = certified(content)
    assert check(files, certificate).proved
    rng = np.random.default_rng(seed)
    every = list(faults(files, certificate, rng))
    assert len(every) > 200
    accepted = [every[k][0] for k in rng.permutation(len(every))[:110] if is_proved(*every[k][1:])]
    assert not accepted


def is_proved(files: Files, certificate: bytes) -> bool:
    try:
        return check(files, certificate).proved
    except Refused:
        return False
