"""Moves of numbers that no engine runs as the converter writes them: what is made of them gives the same bytes."""

from __future__ import annotations

from pathlib import Path

import needs
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from click.testing import CliRunner

from tinyproof.export.byte_moves import with_byte_moves
from tinyproof.export.commands import export as command_line
from tinyproof.export.golden import Golden
from tinyproof.export.lower import lower
from tinyproof.export.tflite_reader import read_graph
from tinyproof.export.tflite_writer import ModelBuilder

SHAPE = (1, 4, 6)


def split_in_float(behind: float = 0.1) -> bytes:
    """x (1,4,6) cut in three along the last axis, in float32; the middle is read by nobody, the others are added."""
    b = ModelBuilder()
    x, y = b.tensor(SHAPE, 0.1, 7), b.tensor((1, 4, 2), 0.2, 1)
    real = b.tensor(SHAPE, None, dtype="float32")
    parts = [b.tensor((1, 4, 2), None, dtype="float32") for _ in range(3)]
    ends = [b.tensor((1, 4, 2), behind, 7) for _ in range(2)]
    b.op("DEQUANTIZE", [x], [real])
    options = schema.SplitOptionsT()
    options.numSplits = 3
    b.op("SPLIT", [b.constant(np.array([2], np.int32), None), real], parts, options)
    for part, end in zip(parts[::2], ends, strict=True):
        b.op("QUANTIZE", [part], [end])
    b.op("ADD", ends, [y], schema.AddOptionsT())
    return b.build([x], [y])


def sample(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(1).integers(-128, 128, shape, np.int8)


@needs.golden
def test_a_split_in_float_between_one_scale_moves_bytes_and_nothing_else_changes():
    before = split_in_float()
    after = with_byte_moves(before, "split")
    assert [op.name for op in read_graph(after, "split").ops] == ["SPLIT", "ADD"]
    np.testing.assert_array_equal(Golden(after).run(sample(SHAPE)), Golden(before).run(sample(SHAPE)))
    lower(read_graph(after, "split"))


def test_a_split_behind_which_the_scale_is_another_stays():
    before = split_in_float(behind=0.11)
    assert with_byte_moves(before, "split") == before


@needs.golden
@pytest.mark.parametrize("repeats", [(1, 1, 3, 1), (1, 2, 3, 2), (1, 1, 1, 1), (3, 1, 1, 1)])
def test_tile_becomes_gathers_of_the_same_bytes(repeats):
    b = ModelBuilder()
    shape = (1, 2, 3, 4)
    x = b.tensor(shape, 0.1, 7)
    y = b.tensor(tuple(np.multiply(shape, repeats).tolist()), 0.1, 7)
    b.op("TILE", [x, b.constant(np.array(repeats, np.int32), None)], [y])
    after = with_byte_moves(b.build([x], [y]), "tile")
    assert {op.name for op in read_graph(after, "tile").ops} == {"GATHER"}
    np.testing.assert_array_equal(Golden(after).run(sample(shape)), np.tile(sample(shape), repeats))
    lower(read_graph(after, "tile"))


@needs.golden
@pytest.mark.parametrize(("name", "axis"), [("PACK", 1), ("CONCATENATION", -1)])
def test_more_tensors_than_tflm_joins_are_joined_in_groups(name, axis):
    b = ModelBuilder()
    x = b.tensor((1, 23), 0.1, 7)
    parts = [b.tensor((1, 1), 0.1, 7) for _ in range(23)]
    options = schema.SplitOptionsT()
    options.numSplits = 23
    b.op("SPLIT", [b.constant(np.array([1], np.int32), None), x], parts, options)
    y = b.tensor((1, 23, 1) if name == "PACK" else (1, 23), 0.1, 7)
    how = schema.PackOptionsT() if name == "PACK" else schema.ConcatenationOptionsT()
    how.axis = axis
    if name == "PACK":
        how.valuesCount = 23
    b.op(name, parts[::-1], [y], how)
    after = with_byte_moves(b.build([x], [y]), "join")
    given = sample((1, 23))
    np.testing.assert_array_equal(Golden(after).run(given).reshape(1, 23), given[:, ::-1])
    lower(read_graph(after, "join"))


@needs.tensorflow
@pytest.mark.parametrize("kind", ["lstm", "both_ways", "gru", "repeated"])
def test_recurrent_and_repeating_networks_are_exported_whole(tmp_path: Path, kind):
    """Of any weights: an LSTM of many steps is one op, a GRU that returns its sequence and repeats are joined."""
    import keras

    k = keras.layers
    keras.utils.set_random_seed(4)
    middle = {
        "lstm": lambda: [k.LSTM(6)],
        "both_ways": lambda: [k.Bidirectional(k.LSTM(4, return_sequences=True)), k.LSTM(4, go_backwards=True)],
        "gru": lambda: [k.GRU(4, return_sequences=True)],
        "repeated": lambda: [k.Conv1D(4, 3), k.UpSampling1D(2), k.Flatten(), k.Dense(3), k.RepeatVector(3)],
    }
    steps = 60 if kind == "lstm" else 14
    network = keras.Sequential([keras.Input((steps, 3)), *middle[kind](), k.Flatten(), k.Dense(5)])
    network.save(tmp_path / "net.keras")
    x = np.random.default_rng(0).normal(size=(100, steps, 3)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    given = ["--keras", str(tmp_path / "net.keras"), "--calibration", str(tmp_path / "x.npy"), "--accept-loss"]
    out = tmp_path / "out"
    result = CliRunner().invoke(command_line.command, ["--model", str(out), *given, "--board", "host"])
    assert result.exit_code == 0, result.output
    content = (out / "model.tflite").read_bytes()
    graph = read_graph(content, "net")
    names = [op.name for op in graph.ops]
    assert names.count("UNIDIRECTIONAL_SEQUENCE_LSTM") == {"lstm": 1, "both_ways": 3}.get(kind, 0), names
    assert "TILE" not in names and "DEQUANTIZE" not in names
    scale, zero_point = (float(part[0]) for part in _quantization(graph, graph.inputs[0]))
    y_scale, y_zero_point = (float(part[0]) for part in _quantization(graph, graph.outputs[0]))
    golden = Golden(content)
    levels = np.clip(np.rint(x[:20] / scale) + zero_point, -128, 127).astype(np.int8)
    answers = np.stack([golden.run(level[np.newaxis]).ravel() for level in levels])
    exact = keras.models.load_model(tmp_path / "net.keras").predict(x[:20], verbose=0)
    error = (answers.astype(np.float64) - y_zero_point) * y_scale - exact
    assert np.sqrt((error**2).mean()) < 0.1 * exact.std()


def _quantization(graph, index):
    found = graph.tensors[index].quantization
    assert found is not None
    return found.scale, found.zero_point
