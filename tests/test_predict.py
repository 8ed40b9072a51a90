"""`predict`: pictures through float, int8 in Python and a device; and a second interpreter that refuses a model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import needs
import numpy as np
import pytest
from conftest import DEMO_MODEL
from PIL import Image

from tinyproof.boards import find_board
from tinyproof.console import UserError
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.host.predict import predict
from tinyproof.host.record.parts import Interval
from tinyproof.host.report.usefulness import usefulness
from tinyproof.host.validate import Plan, validate
from tinyproof.model_files import load_splits

BOARD = find_board("interpreter")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The demo's model, and three of its test images as pictures."""
    made = tmp_path_factory.mktemp("predict") / DEMO_MODEL.name
    shutil.copytree(DEMO_MODEL, made, ignore=shutil.ignore_patterns("expected.npz", "report.*", "host*", "qemu*"))
    (made / "pictures").mkdir()
    for row in range(3):
        Image.fromarray(load_splits(made / "splits.npz").x_test[row, ..., 0]).save(made / "pictures" / f"{row}.png")
    return made


@needs.golden
def test_a_folder_of_pictures_is_predicted_by_three_parties_that_agree(folder, capsys):
    assert predict(folder, BOARD, None, [folder / "pictures"], as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    labels = load_splits(folder / "splits.npz").y_test[:3]
    assert [one["answer"] for one in found] == [str(label) for label in labels]
    for one in found:
        assert one["equal"] and np.argmax(one["float"]) == np.argmax(one["int8_device"]) == np.argmax(one["int8_host"])
        assert np.abs(np.array(one["float"]) - one["int8_device"]).max() < 0.1


@pytest.mark.parametrize(
    ("scores", "kind", "unit", "answer"),
    [
        ([0.2, 0.7], "class", True, "dog"),
        ([0.7], "class", True, "1"),
        ([-0.7], "class", False, "0"),
        ([0.7, 0.6], "decisions", True, "cat, dog"),
        ([0.1, 0.2], "decisions", True, "none"),
        ([46.02], "numbers", False, "46.02"),
        ([1.0] * 9, "numbers", False, "1, 1, 1, 1, 1, ..."),
    ],
)
def test_an_answer_is_what_the_outputs_are(scores, kind, unit, answer):
    from tinyproof.host.predict import _answer, _edge, _kind
    from tinyproof.manifest import TensorInfo

    y = TensorInfo("y", (1, len(scores)), "int8", 1 / 256 if unit else 0.4, -128 if unit else 0)
    assert _answer(scores, ["cat", "dog"], kind, _edge(y)) == answer
    assert _kind(y, kind) == kind
    assert _kind(y, "") == ("numbers" if len(scores) == 1 and not unit else "class")
    assert _kind(TensorInfo("y", (1, 4, 4, 3), "int8", 0.1, 0), "") == "numbers"


@needs.golden
@needs.tensorflow
@pytest.mark.parametrize("why", ["bias", "name"])
def test_an_interpreter_that_refuses_the_model_takes_no_verdict_away(folder, tmp_path, why):
    """A bias with a quantized_dimension that it does not have, as in person_detect.tflite, or a name that is no UTF-8:
    TFLM does not look at them.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    from tinyproof.export.stage import Source, export

    model = flatbuffer_utils.read_model_from_bytearray(bytearray((folder / "model.tflite").read_bytes()))
    bias = next(
        t for t in model.subgraphs[0].tensors if t.type == 2 and len(t.shape) == 1 and t.quantization.scale is not None
    )
    if why == "bias":
        bias.quantization.quantizedDimension = 3
    else:
        model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].name = b"photo \xff"
    (tmp_path / "odd.tflite").write_bytes(bytes(flatbuffer_utils.convert_object_to_bytearray(model)))
    made = tmp_path / "odd"
    export(made, Source(tflite=tmp_path / "odd.tflite"), "interpreter", None, "balanced")
    report = validate(Plan(made, BOARD, limit=5))
    assert report.verdict == "equal" and report.agreement is None and "refuses" in report.reference.interpreter


def test_a_model_that_always_says_the_same_is_said_to_be_of_no_use(folder):
    from dataclasses import replace

    report = validate(Plan(folder, BOARD, limit=60))
    useful = usefulness(report)
    assert useful is not None and useful.kind == "unsure" and "60 test pictures are few" in useful.grounds[0]
    poor = replace(
        report,
        accuracy=replace(report.accuracy, int8_device=0.15),
        classification=replace(
            report.classification, interval=replace(report.classification.interval, int8_device=Interval(0.1, 0.2))
        ),
    )
    verdict = usefulness(poor)
    assert verdict is not None and verdict.kind == "bad" and "always saying" in verdict.text
    wide = replace(poor.classification, interval=replace(poor.classification.interval, int8_device=Interval(0.05, 1.0)))
    unknown = usefulness(replace(poor, accuracy=replace(poor.accuracy, int8_device=1.0), classification=wide))
    assert unknown is not None and (unknown.kind, unknown.word) == ("unsure", "Too few pictures")  # not: a poor model


def exported(folder: Path, content: bytes) -> Path:
    """A `.tflite` as a model's folder."""
    from tinyproof.export.stage import Source, export

    folder.mkdir()
    (folder / "net.tflite").write_bytes(content)
    export(folder / "net", Source(tflite=folder / "net.tflite"), "interpreter", None, "balanced")
    return folder / "net"


def of_vectors() -> bytes:
    """y (1,2) = x (1,3) and x again but for the first and the last, x of -2 to 1.98."""
    b = ModelBuilder()
    x, y = b.tensor((1, 3), 1 / 64, 0), b.tensor((1, 2), 1 / 64, 0)
    weights = b.constant(np.array([[64, 64, 0], [0, 64, 64]], np.int8), (1 / 64,))
    b.dense([x, weights], y)
    return b.build([x], [y])


def of_two(shape: tuple[int, ...] = (1, 2, 3, 1)) -> bytes:
    """The sum of a picture of -1..1 and as many numbers of -4..4."""
    from every_op import schema_options

    b = ModelBuilder()
    a, c, y = b.tensor(shape, 2 / 255, -1), b.tensor(shape, 8 / 255, 0), b.tensor(shape, 10 / 255, 0)
    b.op("ADD", [a, c], [y], schema_options("AddOptionsT"))
    return b.build([a, c], [y])


@needs.golden
def test_numbers_of_tables_and_arrays_are_predicted_as_they_are(tmp_path, capsys):
    model = exported(tmp_path / "vectors", of_vectors())
    x = np.array([[0.5, 0.25, -1], [1.5, -0.5, 3]], np.float32)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x, y=np.zeros(2))
    np.save(tmp_path / "one.npy", x[1].astype(np.float64))
    (tmp_path / "x.csv").write_text("a;b;c\n0.5;0.25;-1\n1.5;-0.5;3\n", encoding="utf-8-sig")
    wanted = [[0.75, -0.75], [1.0, 1.48]]  # 3 is beyond the input and becomes its end
    capsys.readouterr()
    for name, answers in (("x.npy", wanted), ("x.npz", wanted), ("x.csv", wanted), ("one.npy", wanted[1:])):
        assert predict(model, BOARD, None, [tmp_path / name], as_json=True) == 0
        out = capsys.readouterr()
        assert np.allclose([one["int8_device"] for one in json.loads(out.out)], answers, atol=0.02), name
        assert "Caution: 1 of" in out.err and "beyond the -2 to 1.984" in out.err
    assert predict(model, BOARD, None, [tmp_path / "x.csv"], as_json=False) == 0
    assert "3 numbers, -1 to 0.5" in capsys.readouterr().out


@needs.golden
def test_a_model_of_two_inputs_takes_a_file_for_each_or_an_npz(tmp_path, capsys):
    model = exported(tmp_path / "two", of_two())
    Image.fromarray(np.array([[0, 128, 255], [255, 0, 255]], np.uint8)).save(tmp_path / "a.png")
    numbers = np.arange(6, dtype=np.float32) / 2
    np.save(tmp_path / "b.npy", numbers)
    picture = np.array([-1, 0, 1, 1, -1, 1], np.float32)
    np.savez(tmp_path / "both.npz", a=picture.reshape(1, 2, 3), b=numbers.reshape(1, 2, 3, 1))
    capsys.readouterr()
    for given in (["a.png", "b.npy"], ["both.npz"]):
        assert predict(model, BOARD, None, [tmp_path / name for name in given], as_json=True) == 0
        out = capsys.readouterr()
        assert np.allclose(json.loads(out.out)[0]["int8_device"], picture + numbers, atol=0.08)
    assert "a pixel 0..255 is taken as -1..1" not in out.err


@pytest.mark.parametrize(
    ("model", "name", "content", "says"),
    [
        (of_vectors, "a.png", None, "takes 3 numbers, no picture: give an .npy or .csv"),
        (of_vectors, "a.csv", b"1,2\n", "is 1x2, and the input takes 3 numbers"),
        (of_vectors, "a.csv", b"1,2,3\n1,x,3\n", "row 2 of numbers, '1 x 3', is not 3 numbers"),
        (of_vectors, "a.csv", b"", "holds no numbers"),
        (of_vectors, "a.npy", b"nothing", "cannot be read as an array of numbers"),
        (of_two, "a.png", None, "has 2 inputs ('"),
        (of_two, "a.npz", b"nothing", "cannot be read as an array of numbers"),
    ],
)
def test_what_a_model_does_not_take_is_one_line_with_what_to_give(tmp_path, model, name, content, says):
    folder = exported(tmp_path / "model", model())
    if content is None:
        Image.new("L", (3, 3)).save(tmp_path / name)
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        predict(folder, BOARD, None, [tmp_path / name], as_json=False)
    assert says in caught.value.message and "\n" not in caught.value.message
