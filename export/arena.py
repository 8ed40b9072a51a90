"""How large TensorFlow Lite Micro's arena has to be for a model: measured with TFLM itself, not guessed.

The wheel answers for its own 64-bit structures and reference kernels. A chip's pointers are half as long, but the
kernels made for it take scratch memory from the arena that the reference kernels do without; `arena_bytes` adds that.
Not covered: ESP-NN's kernels for the ESP32-S3, which copy weights and inputs into the arena.
"""

from __future__ import annotations

import os
import subprocess
import sys
from math import prod

from tinyproof.console import UserError
from tinyproof.environment import run_module
from tinyproof.export.golden import golden_available, tflm_runtime
from tinyproof.export.graph import Graph, Op, Tensor
from tinyproof.export.tflite_reader import read_graph

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
ALIGNMENT_BYTES = 16
FIRST_TRY_BYTES = 1 << 10
LIMIT_BYTES = 1 << 26  # more than any microcontroller has
TIMEOUT_S = 120
# For another TFLM than those whose needs were compared with `arena_bytes` on a Cortex-M4 (tests/test_arena.py).
MARGIN_BYTES = 512


def arena_bytes(model: bytes) -> int | None:
    """Size of the arena to build into firmware for the `.tflite`; None where there is no wheel to measure with.

    UserError when TFLM does not run the model.
    """
    graph = read_graph(model, "the model")
    measured = measure_arena(model)
    return None if measured is None else _aligned(measured + kernel_scratch_bytes(graph) + MARGIN_BYTES)


def unmeasured_arena_bytes(graph: Graph) -> int:
    """The same for machines without the wheel, up to 4 KiB more: the plan is TFLM's, its structures are a formula.

    On 305 models, 300 of them random networks, the formula was at least what the wheel needed beside the tensors.
    """
    channels = sum(max(_weights_shape(graph, op)[::3], default=0) for op in graph.ops if op.name in CONVOLUTIONS)
    structures = 2048 + 48 * len(graph.tensors) + 160 * len(graph.ops) + 8 * channels
    return _aligned(_planned_bytes(graph) + structures + kernel_scratch_bytes(graph) + MARGIN_BYTES)


def with_margin(used: int) -> int:
    """The arena to build in for a chip that reported `used` bytes. Not less: a few bytes too few can crash TFLM."""
    return _aligned(used + MARGIN_BYTES)


def measure_arena(model: bytes) -> int | None:
    """The smallest arena, a multiple of 16 bytes, in which the wheel prepares and runs the model; None without a wheel.

    UserError when there is none up to `LIMIT_BYTES`, or it takes longer than `TIMEOUT_S`.
    """
    if not golden_available():
        return None
    tflm_runtime()
    command = run_module("tinyproof.export.arena")
    try:
        result = subprocess.run(command, input=model, capture_output=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise UserError(f"measuring the model's arena took more than {TIMEOUT_S} s; use a smaller model") from None
    if result.returncode != 0:
        said = result.stderr.decode(errors="replace").split("\n")
        reason = next((line.strip() for line in reversed(said) if line.strip()), "without a word")
        raise UserError(f"TensorFlow Lite Micro does not run the model in {LIMIT_BYTES:,} bytes: {reason}")
    return int(result.stdout)


def kernel_scratch_bytes(graph: Graph) -> int:
    """What kernels made for microcontrollers take for one op beyond the reference kernels; ops run one after the other.

    CMSIS-NN (arm_convolve_get_buffer_sizes_s8.c) unfolds two windows of a convolution to int16 and sums a pixel of an
    average pooling in int32; ESP-NN (esp_nn_softmax_opt.c) keeps a row of a softmax in int32.
    """
    return 4 * max((_scratch_words(graph, op) for op in graph.ops), default=0)


def _scratch_words(graph: Graph, op: Op) -> int:
    if op.name in CONVOLUTIONS:
        return prod(_weights_shape(graph, op)[1:])
    if op.name in ("AVERAGE_POOL_2D", "SOFTMAX"):
        return max((prod(graph.tensors[index].shape[-1:]) for index in op.outputs), default=0)
    return 0


def _weights_shape(graph: Graph, op: Op) -> tuple[int, ...]:
    """(out,H,W,in) of a convolution, (1,H,W,C) of a depthwise one."""
    return graph.tensors[op.inputs[1]].shape if len(op.inputs) > 1 else ()


def _planned_bytes(graph: Graph) -> int:
    """What TFLM's GreedyMemoryPlanner needs for the tensors: the largest first, each at the lowest free place."""
    end = len(graph.ops)
    first = dict.fromkeys(graph.inputs, 0)
    last: dict[int, int] = {}
    for step, op in enumerate(graph.ops):
        first.update((index, step) for index in op.outputs if index not in first)
        last.update((index, step) for index in op.inputs)
    last.update((index, end) for index in graph.outputs)
    placed: list[tuple[int, int, int]] = []  # offset, tensor, size
    for size, tensor in sorted(((_tensor_bytes(graph.tensors[index]), index) for index in first), reverse=True):
        place = 0
        for offset, other, other_size in sorted(placed):
            if first[other] <= last.get(tensor, first[tensor]) and first[tensor] <= last.get(other, first[other]):
                if offset - place >= size:
                    break
                place = max(place, offset + other_size)
        placed.append((place, tensor, size))
    return max((offset + size for offset, _, size in placed), default=0)


def _tensor_bytes(tensor: Tensor) -> int:
    return _aligned(tensor.size * (1 if tensor.dtype in ("int8", "uint8", "bool") else 4))


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


def _smallest(model: bytes) -> int | None:
    """The answer of `measure_arena`, found by doubling and halving; None when even the largest arena does not do."""
    too_small, enough = 0, FIRST_TRY_BYTES
    while not _runs(model, enough):
        if enough >= LIMIT_BYTES:
            return None
        too_small, enough = enough, 2 * enough
    while enough - too_small > ALIGNMENT_BYTES:
        middle = (too_small + enough) // (2 * ALIGNMENT_BYTES) * ALIGNMENT_BYTES
        if _runs(model, middle):
            enough = middle
        else:
            too_small = middle
    return enough


def _runs(model: bytes, arena_size: int) -> bool:
    """Whether TFLM prepares and runs the model. In a process of its own: in a small arena it may write through null."""
    runtime = tflm_runtime()
    if child := os.fork():
        return os.waitpid(child, 0)[1] == 0
    status = 1
    try:
        runtime.Interpreter.from_bytes(model, arena_size=arena_size).invoke()
        status = 0
    finally:
        os._exit(status)


def _main() -> None:
    """The process that `measure_arena` starts: the model on standard input, the number on standard output."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    smallest = _smallest(sys.stdin.buffer.read())
    if smallest is None:
        sys.exit(1)
    print(smallest)


if __name__ == "__main__":
    _main()
