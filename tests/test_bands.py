"""Layers computed together in bands of rows: which, how, and that they give the golden's bytes."""

from __future__ import annotations

import needs
import numpy as np
import pytest
from image_networks import ImageNetwork

from tinyproof.cores import CORTEX_M4F, PLAIN, PORTABLE
from tinyproof.export import banding
from tinyproof.export.banding import BANDS, Banding
from tinyproof.export.cost import modelled_cycles
from tinyproof.export.emit_model import constant_bytes, emit_model_c
from tinyproof.export.golden import Golden
from tinyproof.export.lower import Lowered, lower
from tinyproof.export.ops.kind import Call
from tinyproof.export.tflite_reader import read_graph
from tinyproof.host.bench.kinds import KINDS
from tinyproof.optimize import Optimize

NETWORKS = ("MobileNetV1-like", "MobileNetV2-like", "FOMO-like")


def lowered(content: bytes) -> Lowered:
    return lower(read_graph(content, "model"))


def random_bands(one: Lowered, rng: np.random.Generator, optimize: Optimize) -> tuple[Call, ...]:
    """A program's calls with chains in it that nobody would choose."""
    choices = one.choices(CORTEX_M4F, optimize)
    found = Banding(one.graph, choices, one.root, CORTEX_M4F, optimize)
    for _ in range(3):
        at = found.units[rng.integers(len(found.units))]
        candidates = list(found.candidates(at, most=10**9))
        rng.shuffle(candidates)
        units = (unit for candidate in candidates[:8] if (unit := found.joined(candidate)))
        if unit := next(units, None):
            found.take(unit)
    return found.calls


@needs.golden
@pytest.mark.parametrize("seed", range(40))
def test_any_chain_in_any_bands_gives_the_bytes_of_tflm(kernels, seed, monkeypatch):
    monkeypatch.setattr(banding, "MOST_TIME", dict.fromkeys(Optimize, 1000.0))
    monkeypatch.setattr(banding, "MOST_BANDS", 1000)
    content = ImageNetwork(seed).model()
    one, golden, rng = lowered(content), Golden(content), np.random.default_rng(seed)
    calls = random_bands(one, rng, list(Optimize)[seed % 3])
    program = one.laid_out(calls)
    for _ in range(2):
        x = rng.integers(-128, 128, sum(tensor.size for tensor in one.inputs), np.int8)
        expected = np.frombuffer(golden.run_bytes(x.tobytes()), np.int8)
        np.testing.assert_array_equal(kernels.run(program, x), expected)


def test_most_random_networks_have_a_chain(monkeypatch):
    """Lest the test above tests nothing."""
    monkeypatch.setattr(banding, "MOST_TIME", dict.fromkeys(Optimize, 1000.0))
    having = 0
    for seed in range(12):
        calls = random_bands(lowered(ImageNetwork(seed).model()), np.random.default_rng(seed), Optimize.BALANCED)
        having += any(call.kernel is BANDS for call in calls)
    assert having >= 9


@pytest.mark.parametrize("kind", NETWORKS)
def test_bands_save_memory_for_next_to_no_time_and_no_flash(kind):
    one = lowered(KINDS[kind]().model())
    alone = one.laid_out(tuple(choice.call for choice in one.choices(CORTEX_M4F, Optimize.BALANCED)))
    banded = one.program(CORTEX_M4F)
    assert banded.arena_bytes < 0.6 * alone.arena_bytes
    assert modelled_cycles(banded) < banding.MOST_TIME[Optimize.BALANCED] * modelled_cycles(alone)
    assert constant_bytes(banded) < 1.01 * constant_bytes(alone)
    assert {step.y.index for step in banded.steps if step.finishes_y} < {step.y.index for step in alone.steps}


@needs.golden
@pytest.mark.parametrize("core", [PORTABLE, CORTEX_M4F])
@pytest.mark.parametrize("kind", NETWORKS)
def test_networks_in_bands_give_the_bytes_of_tflm(kernels, kind, core):
    content = KINDS[kind]().model()
    one, golden = lowered(content), Golden(content)
    x = np.random.default_rng(1).integers(-128, 128, sum(tensor.size for tensor in one.inputs), np.int8)
    expected = np.frombuffer(golden.run_bytes(x.tobytes()), np.int8)
    np.testing.assert_array_equal(kernels.run(one.program(core), x), expected)


def test_small_models_plain_programs_and_fast_ones_have_no_bands():
    content = KINDS["MobileNetV2-like"]().model()
    for program in (
        lowered(content).program(PLAIN),
        lowered(content).program(CORTEX_M4F, Optimize.FAST),
        lowered(KINDS["depthwise 5x1"]().model()).program(CORTEX_M4F),
    ):
        assert all(not step.parts for step in program.steps)


def test_a_struct_that_several_bands_have_is_emitted_once():
    text = emit_model_c(lowered(KINDS["MobileNetV2-like"]().model()).program(), "")
    calls = [line.split("&")[1].split(")")[0] for line in text.splitlines() if "_s8(" in line]
    assert len(set(calls)) < len(calls)
    for name in set(calls):
        assert text.count(f" {name} = {{") == 1
