"""The report's maps of what the network looks at, and what it says a weak model confuses and needs."""

from __future__ import annotations

import base64
import shutil
from dataclasses import replace

import numpy as np
import pytest
from conftest import DEMO_MODEL
from page_check import faults

from tinyproof.boards import find_board
from tinyproof.host.judging.explanation import choose_classes, choose_wrong, explain
from tinyproof.host.judging.occlusion import Scorer, falls, grid_of
from tinyproof.host.record.accuracies import Accuracy, Comparison, Confusions
from tinyproof.host.record.file import load_report, save_report
from tinyproof.host.report.page import build_page, look_beside
from tinyproof.host.report.sections.looks import SPEAKS_FOR, heated, shrunk
from tinyproof.host.report.sections.todo import remedies
from tinyproof.host.validate import Plan, validate
from tinyproof.manifest import TFLITE_FILE
from tinyproof.model_files import TRAINING_FILE, load_record

NAMES = ["cat", "dog", "a rather long name of a class that nobody would write on a label", "🐎 <b>horse</b>"]


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    """A validation of the demo's model with its explanation: (folder, report)."""
    folder = tmp_path_factory.mktemp("explained") / DEMO_MODEL.name
    shutil.copytree(DEMO_MODEL, folder, ignore=shutil.ignore_patterns("report.*", "host*", "qemu*"))
    report = validate(Plan(folder, find_board("interpreter"), limit=250))
    return folder, replace(report, explanation=explain(folder, report))


def page_of(folder, report):
    return build_page(report, look_beside(report, folder)).html()


def test_the_report_shows_what_errors_and_classes_rest_on(explained):
    folder, report = explained
    made = report.explanation
    assert made.score == "before softmax" and made.left_out == 0
    assert all(
        one.label != one.taken and [each.of for each in one.maps] == [one.taken, one.label] for one in made.wrong
    )
    assert [(one.label, len(one.pictures)) for one in made.classes] == [(label, 3) for label in range(10)]
    page = page_of(folder, report)
    assert faults(page) == [] and len(page.encode()) < 300_000
    looks = page[page.index('id="what-it-looks-at"') :]
    assert looks.count("<img") >= 3 * (10 + len(made.wrong))
    assert f"{made.inferences:,} inferences" in looks and "Taken for something else" in looks
    save_report(folder, report)
    assert load_report(folder) == report


def test_a_map_is_the_difference_that_a_patch_makes():
    scorer = Scorer((DEMO_MODEL / TFLITE_FILE).read_bytes())
    random = np.random.default_rng(1)
    picture = random.integers(-128, 128, (28, 28, 1), np.int8)
    grid = grid_of(28, 28, 14)
    found = falls(scorer, picture, np.array([-128], np.int8), grid)
    assert found.shape == (14, 14, 10) and found.any()
    patched = picture.copy()
    patched[5:10, 21:26] = -128  # around the middle of cell (3, 11), (7, 23)
    expected = scorer.run(picture).astype(int) - scorer.run(patched)
    assert (found[3, 11] == expected).all()


def test_without_time_no_map_is_made_and_the_page_says_so(explained):
    folder, report = explained
    made = explain(folder, report, budget_s=0)
    assert made.inferences == 0 and made.left_out == 30 + len(report.explanation.wrong) and made.rows == 7
    page = page_of(folder, replace(report, explanation=made))
    assert faults(page) == [] and f"{made.left_out} more pictures would have taken too long" in page


def test_without_labels_or_pictures_one_line_says_why(explained):
    folder, report = explained
    nothing = replace(report.classification, confusion=Confusions(None, None, None))
    made = explain(folder, replace(report, classification=nothing))
    assert made.why_none == "Left out: nobody has labelled the pictures."
    page = page_of(folder, replace(report, explanation=made, classification=nothing))
    assert faults(page) == [] and made.why_none in page and page.count("<img") == len(report.examples)
    assert 'id="what-it-looks-at"' not in page_of(folder, replace(report, explanation=None))


def test_errors_are_shown_by_kind_and_classes_at_their_surest_or_their_worst():
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    golden = np.full((8, 3), -128, np.int8)
    for row, (taken, sure) in enumerate([(1, 10), (1, 90), (2, 50), (0, 5), (1, 20), (1, 70), (0, 9), (0, 1)]):
        golden[row, taken] = sure
    assert [one.sample for one in choose_wrong(golden, labels)] == [1, 6, 2, 0, 7]
    assert [one.sample for one in choose_wrong(golden, labels, 2)] == [1, 6]
    found = [
        (counts.label, counts.right, [one.sample for one in own]) for counts, own in choose_classes(golden, labels)
    ]
    assert found == [(0, 1, [3]), (1, 2, [5, 4]), (2, 0, [])]
    assert [counts.label for counts, _ in choose_classes(golden, labels, classes=2)] == [0, 2]


@pytest.mark.parametrize("shape", [(160, 160, 3), (96, 40, 1), (3, 200, 4), (1, 1, 1), (65, 65, 2)])
def test_pictures_of_any_shape_are_shrunk_and_heated(shape):
    image = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    assert max(shrunk(image).shape[:2]) <= 64 and shrunk(image).shape[2] == shape[2]
    grid = grid_of(*shape[:2], 14)
    fall = np.zeros((grid.rows, grid.columns), np.int8)
    fall[0, 0] = 127
    picture = heated(image, fall)
    assert picture.shape == (*shrunk(image).shape[:2], 3)
    warm = picture[..., 0].astype(int) - picture[..., 2]
    assert warm[0, 0] == warm.max() > 0.5 * (SPEAKS_FOR[0] - SPEAKS_FOR[2])


WEAK = [[30, 20, 0, 0], [15, 35, 0, 0], [2, 3, 5, 0], [0, 2, 1, 47]]


def weak(report, matrix, **more):
    """The report of a run with that confusion matrix, of NAMES."""
    share = np.trace(matrix) / np.sum(matrix)
    confusion = Confusions(None, None, matrix)
    classification = replace(report.classification, confusion=confusion, classes=NAMES, per_class=[], **more)
    return replace(report, accuracy=Accuracy(None, None, float(share)), classification=classification, examples=[])


def training(own, other):
    record = load_record(DEMO_MODEL / TRAINING_FILE)
    return replace(record, history={"accuracy": own, "val_accuracy": other}, recipe={"augmentation": "none"})


# What a run and its training measured -> the words of the advice that follows, and words of advice that does not.
ADVICE = {
    "two classes are confused, one is rare": (
        WEAK,
        None,
        ("'cat' is taken for 'dog' in 20 of 50", "look alike", "Add pictures of"),
        ("epoch",),
    ),
    "learned by heart": (WEAK, training([0.5, 0.99], [0.5, 0.7]), ("by heart", "AUGMENT=light"), ("EPOCHS",)),
    "not finished": (WEAK, training([0.5, 0.7], [0.5, 0.7]), ("getting better after epoch 30: EPOCHS=60",), ("SIZE",)),
    "too small": (WEAK, training([0.7, 0.7], [0.7, 0.7]), ("larger preset than small", "SIZE", "28×28"), ("EPOCHS",)),
    "one answer to all": ([[0, 50, 0, 0]] * 4, None, ("answers 'dog' to 100%",), ("look alike",)),
}


@pytest.mark.parametrize("name", ADVICE)
def test_a_weak_model_is_told_what_its_figures_say(explained, name):
    folder, report = explained
    matrix, record, expected, forbidden = ADVICE[name]
    found = remedies(weak(report, matrix), record, (28, 28))
    words = " ".join((*found.confused, *found.advice))
    assert [one for one in expected if one not in words] == [] and [one for one in forbidden if one in words] == []
    page = page_of(folder, weak(report, matrix))
    assert faults(page) == [] and 'id="what-it-confuses"' in page and "<b>horse" not in page


def test_what_int8_costs_is_said_and_a_good_model_needs_no_advice(explained):
    _, report = explained
    costs = [Comparison("float", "int8_device", 160, 40, 3, 1e-6)]
    assert "Int8 costs 37 of 160" in " ".join(remedies(weak(report, WEAK, comparisons=costs), None, (28, 28)).advice)
    assert remedies(report, None, (28, 28)) is None
    assert base64.b64decode(report.explanation.classes[0].pictures[0].maps[0].fall)
