"""report.html: made from report.json alone, honest about what it does not know, and without a fault for any run."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conftest import DEMO_MODEL
from page_check import faults

from tinyproof.boards import find_board
from tinyproof.console import UserError
from tinyproof.firmware.build import build
from tinyproof.host.judging.examples import EXAMPLES, choose_examples
from tinyproof.host.record.accuracies import Accuracy, AccuracyIntervals, ClassResult, Confusions
from tinyproof.host.record.file import load_report, save_report
from tinyproof.host.record.parts import (
    Cause,
    DeviceResult,
    Difference,
    Disagreement,
    Example,
    Interval,
    Latency,
    OpResult,
    Sure,
    TensorDifference,
)
from tinyproof.host.record.report import Report
from tinyproof.host.report.page import build_page, look_beside, save_page
from tinyproof.host.report.screenshots import plant_fault
from tinyproof.host.validate import Plan, validate


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A real validation of the demo's model on the interpreter board: (folder, its report)."""
    folder = tmp_path_factory.mktemp("run") / DEMO_MODEL.name
    shutil.copytree(DEMO_MODEL, folder, ignore=shutil.ignore_patterns("expected.npz", "report.*", "host*", "qemu*"))
    report = validate(Plan(folder, find_board("interpreter"), limit=60))
    save_report(folder, report)
    return folder, report


def html(report: Report, folder) -> str:
    return build_page(report, look_beside(report, folder)).html()


def test_a_report_survives_its_file(run):
    folder, report = run
    assert load_report(folder) == report


def test_the_page_of_a_run_has_no_faults(run):
    folder, report = run
    page = save_page(report, folder).read_text(encoding="utf-8")
    assert faults(page) == []
    assert len(page.encode()) < 1_000_000


@pytest.mark.parametrize(
    "damage",
    [
        lambda r: r.pop("samples"),
        lambda r: r.update(samples="many"),
        lambda r: r.update(samples=True),
        lambda r: r.update(accuracy=None),
        lambda r: r["accuracy"].update(float="1"),
        lambda r: r.update(differences=[{"sample": 1}]),
        lambda r: r["origin"].update(versions=["3.11"]),
        lambda r: r.update(from_the_future=1),
        lambda r: r.update(examples=[[]]),
    ],
)
def test_a_damaged_report_is_refused_in_one_line(run, tmp_path, damage):
    folder, _ = run
    content = json.loads((folder / "report.json").read_text())
    damage(content)
    (tmp_path / "report.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match="make validate"):
        load_report(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "[" * 100_000, '{"verdict": "equal"}'])
def test_what_is_no_report_is_refused(tmp_path, content):
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(UserError, match="make validate"):
        load_report(tmp_path)


def test_no_report_names_the_command_that_makes_one(command, tmp_path):
    result = command("report", "--model", tmp_path)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and "make validate" in result.stderr


EVIL = '</style><script>alert("x")</script>'
EXAMPLE = Example(3, 1, [5] * 10, [6] * 10, [7] * 10, [0.1] * 10)
DEVICE = DeviceResult("/dev/ttyACM0", "nano33ble", "tflm", "abc", 10, 0, "cycles", ended="it never came back")
MANY = 100


def many_classes() -> Confusions:
    matrix = (np.eye(MANY, dtype=int) * 5 + np.eye(MANY, k=3, dtype=int)).tolist()
    return Confusions(None, matrix, matrix)


def class_result(name: str) -> ClassResult:
    return ClassResult(name, 10, Accuracy(None, 0.9, 0.8), AccuracyIntervals(None, None, Interval(0.5, 0.9)))


def latency(unit: str, low: float, high: float) -> Latency:
    return Latency(unit, 10, low, low, high, high, high, low, [low, (low + high) / 2, high], [9, 1])


CAUSE = Cause(
    "kernel",
    "dense_1 uses the wrong multiplier",
    "qemu on /dev/pts/2",
    30,
    [7, 8],
    1,
    8,
    [1, 2],
    TensorDifference(7, 10, 2, 4, [0, 3], 5, 9),
)


def op(name: str, index: int, count: int | None, different: int) -> OpResult:
    """One of a chain: each reads what the one before wrote, the last writes the model's output."""
    place = "output" if name.startswith("softmax") else "arena"
    memory = (64, index, index + 1, 64, 16) if place == "arena" else (10, index, index, 0, 0)
    size, first, last, scratch_offset, scratch = memory
    return OpResult(
        index, name, name, [name], [index], [1, 8], 9, place, 0, size, first, last, scratch_offset, scratch, "", count,
        30, different,
    )  # fmt: skip


# What a run can have found -> what its page must say, and must not.
RUNS: dict[str, tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]] = {
    "equal": ({}, ("Equal", "600 output bytes of 60 samples are the golden&#39;s"), ("What differs",)),
    "one byte differs": (
        {
            "bytes_different": 1,
            "samples_different": 1,
            "differences": [Difference(7, [1, 2, 3], [1, 2, 4], True)],
            "examples": [EXAMPLE],
        },
        ("Different", "1 of 600 output bytes differ", "2: 3 → 4", "99.83%", "differs from the golden"),
        ("Equal</p>", "rounding"),
    ),
    "a golden that decides nothing": (
        {
            "bytes_different": 3,
            "samples_different": 2,
            "reference.golden": "ai-edge-litert",
            "reference.golden_is_bit_exact": False,
        },
        ("Could not tell", "decides nothing"),
        ("Different</p>", "Equal</p>"),
    ),
    "nothing ran": (
        {"samples": 0, "bytes_compared": 0, "cost.latency": None, "accuracy": Accuracy(None, None, None)},
        ("Could not tell", "No sample was compared", "does not measure", "no labels"),
        ("Equal</p>", "nan"),
    ),
    "ended early": ({"sampling.planned": 100}, ("60 of 100 samples",), ()),
    "allowed to stop": (
        {"sampling.sure": Sure(0.005, 0.99, 1000, 20, 0, 40, 0, Interval(0.0, 0.0047), True)},
        ("Sure: of all 1,000 samples, 0.00% to 0.47%"),
        (),
    ),
    "resumed": ({"sampling.resumed": 20}, ("20 samples were answered before an interruption",), ()),
    "devices that contradict each other": (
        {"disagreements": [Disagreement(5, "/dev/ttyACM0", "/dev/ttyACM1", True)]},
        ("contradict each other", "/dev/ttyACM1"),
        (),
    ),
    "a device that died": ({"devices": [DEVICE]}, ("it never came back", "nano33ble, tflm"), ()),
    "self-test failed": (
        {"self_test.vectors": 6, "self_test.failures": 2},
        ("4 of 6 golden vectors passed",),
        ("6 of 6",),
    ),
    "a hundred classes": (
        {
            "classification.confusion": many_classes(),
            "classification.per_class": [class_result(f"c{i}") for i in range(MANY)],
            "classification.classes": [],
        },
        ("most frequent confusions among 100 classes", "15 weakest", "all 100 classes"),
        ('class="heat"',),
    ),
    "every inference alike": (
        {"cost.latency": latency("instructions", 500, 500)},
        ("exactly 500 instructions", "no cycles"),
        ("histogram",),
    ),
    "next to no spread": (
        {"cost.latency": latency("instructions", 568_500, 568_532)},
        (
            "32 apart, less than a thousandth of the longest",
            'margin-left:99.99%;width:0.01%"><span style="height:100.0%">',
        ),
        (),
    ),
    "cycles of a chip": (
        {"cost.latency": latency("cycles", 64_000, 128_000), "cost.clock_hz": 64_000_000},
        ("2.00 ms at 64 MHz", 'class="histogram"', "margin-left:50.0%;width:50.0%", "50.0% of the longest"),
        (),
    ),
    "time in milliseconds": (
        {"cost.latency": latency("nanoseconds", 1_500_000, 9_000_000)},
        ("from 1.500 to 9.000 milliseconds", "of this computer"),
        ("1,500,000",),
    ),
    "a unit of its own": ({"cost.latency": latency("ticks", 1, 2)}, ("own unit", "from 1 to 2 ticks"), ()),
    "causes": (
        {
            "bytes_different": 40,
            "samples_different": 30,
            "diagnosis.causes": [CAUSE],
            "cost.arena_bytes": 80,
            "diagnosis.ruled_out": ["transport: every frame carries a CRC-32"],
            "differences": [Difference(7, [1, 2, 3], [9, 2, 3], False)],
            "diagnosis.ops": [op("conv2d_0", 0, 100, 0), op("dense_1", 1, 50, 30), op("softmax_2", 2, 1, 30)],
        },
        (
            "A kernel is wrong in 30 samples: dense_1 uses the wrong multiplier",
            "element (0,3): 5 → 9; 2 of 10 differ, by at most 4",
            "7, 8 and 28 more",
            "dense_1, softmax_2",
            "Ruled out",
            "The class changes in 1 of the 1 sample listed",
            "✗ 0 of 30",
            "✓ all 30",
            "66.2%",
            "The arena over the ops",
            "conv2d_0 needs the most: 80 bytes",
            "from conv2d_0 to dense_1",
        ),
        (),
    ),
    "ops without their time": (
        {"diagnosis.ops": [op("conv2d_0", 0, None, 0)]},
        ("does not tell the time of single ops", "Where the multiply-accumulates go"),
        (),
    ),
    "almost all equal": (
        {"bytes_compared": 1_000_000, "bytes_different": 1, "samples_different": 1},
        ("over 99.99%",),
        ("100.00%",),
    ),
    "more differ than are listed": (
        {
            "bytes_different": 5000,
            "samples_different": 500,
            "differences": [Difference(i, [0] * 10, [9] * 10, False) for i in range(100)],
        },
        ("80 more", "lists the first 100 of 500", "and 4 more"),
        (),
    ),
    "hostile names": (
        {
            "model": EVIL,
            "board": EVIL,
            "engine": EVIL,
            "origin.command": EVIL,
            "origin.versions": {EVIL: EVIL},
            "classification.classes": [EVIL],
            "examples": [EXAMPLE],
            "sampling.source": EVIL,
            "devices": [replace(DEVICE, url=EVIL, ended=EVIL)],
            "classification.note": EVIL,
        },
        ("&lt;script&gt;",),
        ("<script",),
    ),
}


def with_parts(report: Report, changes: dict[str, object]) -> Report:
    """The report with some parts changed: "cost.latency" is that of its cost."""
    for path, value in changes.items():
        name, _, rest = path.partition(".")
        report = replace(report, **{name: replace(getattr(report, name), **{rest: value}) if rest else value})
    return report


def styled(page: str) -> str:
    """The page without its stylesheet, whose words are no statements."""
    return page[page.index("</style>") :]


@pytest.mark.parametrize("name", RUNS)
def test_a_page_says_what_was_found(run, name):
    folder, report = run
    changed, expected, forbidden = RUNS[name]
    page = html(with_parts(report, changed), folder)
    assert faults(page) == []
    body = styled(page)
    assert [words for words in expected if words not in body] == []
    assert [words for words in forbidden if words in body] == []


@pytest.mark.parametrize("name", RUNS)
def test_what_a_page_needs_is_in_the_json(run, name, tmp_path):
    _, report = run
    changed = with_parts(report, RUNS[name][0])
    save_report(tmp_path, changed)
    assert load_report(tmp_path) == changed
    page = html(changed, tmp_path)
    assert faults(page) == []
    assert "its ops are not known" in page
    assert "<img" not in page


def test_ten_thousand_samples_stay_below_a_megabyte(run):
    folder, report = run
    differences = [Difference(i, list(range(10)), [9] * 10, False, "/dev/ttyACM0") for i in range(100)]
    examples = [replace(EXAMPLE, sample=i) for i in range(EXAMPLES)]
    page = html(replace(report, samples=10_000, differences=differences, examples=examples), folder)
    assert len(page.encode()) < 1_000_000


def test_images_of_another_run_are_not_shown(run):
    folder, report = run
    page = html(with_parts(report, {"sampling.sha256": "0" * 64, "examples": [EXAMPLE]}), folder)
    assert "<img" not in page and "no longer holds the images" in page
    page = html(replace(report, model_sha256="0" * 64, examples=[EXAMPLE]), folder)
    assert "<img" not in page and "another model" in page


def test_a_firmware_with_a_fault_is_reported_as_different(tmp_path):
    faulty = tmp_path / "digits_faulty"
    plant_fault(DEMO_MODEL, faulty)
    board = find_board("host")
    build(faulty, board)
    report = validate(Plan(faulty, board, limit=200))
    page = html(report, faulty)
    assert report.verdict == "different"
    assert faults(page) == []
    assert "Different</p>" in page and "What differs" in page
    assert page.count("<img") >= min(report.samples_different, EXAMPLES)


def test_examples_are_differences_then_disagreements_then_the_most_certain_errors():
    golden = np.array([[9, 0], [9, 0], [9, 0], [5, 4], [9, 0], [0, 9]], np.int8)
    device = golden.copy()
    device[4] = [8, 0]
    interpreter = golden.copy()
    interpreter[3] = [4, 5]
    labels = np.array([0, 1, 1, 1, 0, 0])
    device[2] = golden[2] = interpreter[2] = [3, 0]
    chosen = choose_examples(golden, interpreter, device, labels)
    assert [example.sample for example in chosen] == [4, 3, 1, 5, 2]
    assert [example.sample for example in choose_examples(golden, interpreter, device, None)] == [4]
    many = np.zeros((100, 2), np.int8)
    assert len(choose_examples(many, many, many + np.int8(1), None)) == EXAMPLES
