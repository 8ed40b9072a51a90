"""`predict`: pictures through float, int8 in Python and a device; and a second interpreter that refuses a model."""

from __future__ import annotations

import json
import shutil

import needs
import numpy as np
import pytest
from conftest import DEMO_MODEL
from PIL import Image

from tinyproof.boards import find_board
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
