"""What a run says in the end: rates, accuracies, intervals, confusions, JUnit."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from runs import (
    HOST,
    SAMPLES,
    liar,
    validation,
)

from tinyproof.boards import BOARDS
from tinyproof.host.record.accuracies import Accuracy
from tinyproof.host.report.junit import save_junit
from tinyproof.host.report.summary import print_summary
from tinyproof.host.validate import Plan, validate


@pytest.fixture
def model(built_model):
    return built_model


def test_a_device_that_is_wrong_too_often_is_run_to_the_end(model, in_root):
    with liar(model) as lying:
        report = validate(Plan(model, HOST, (lying.port,), stop_when_sure=True))
    assert not report.sampling.sure.reached and report.samples == SAMPLES
    assert report.sampling.sure.rate.low == report.sampling.sure.rate.high == report.samples_different / SAMPLES


def test_python_is_asked_once_for_what_a_device_has_to_answer(model, monkeypatch):
    validate(Plan(model, HOST))
    for maker in ("default_interpreter", "golden_interpreter"):
        monkeypatch.setattr(f"tinyproof.host.expected.{maker}", lambda tflite: pytest.fail("made an interpreter"))
    validate(Plan(model, HOST))


def test_accuracies_intervals_confusions_and_classes_agree_with_each_other(model):
    report = validate(Plan(model, HOST))
    for party in ("int8_host", "int8_device"):
        share, interval = getattr(report.accuracy, party), getattr(report.classification.interval, party)
        counts = getattr(report.classification.confusion, party)
        assert sum(map(sum, counts)) == SAMPLES
        assert sum(counts[i][i] for i in range(10)) / SAMPLES == pytest.approx(share)
        assert interval.low < share < interval.high
        for number, of_class in enumerate(report.classification.per_class):
            assert of_class.samples == sum(counts[number])
            assert getattr(of_class.recall, party) == pytest.approx(counts[number][number] / of_class.samples)
    assert (
        [of_class.name for of_class in report.classification.per_class]
        == report.classification.classes
        == list("0123456789")
    )
    assert report.agreement.samples_interval.low < report.agreement.samples / SAMPLES


def test_junit_has_a_test_case_for_every_question(model, tmp_path):
    path = tmp_path / "junit.xml"
    process = validation(model, "--junit", path)
    process.communicate()
    assert process.returncode == 0
    suite = read_junit(path)
    assert not suite.findall(".//failure")
    assert len(suite.findall("testcase")) >= 7
    assert {p.get("name") for p in suite.findall(".//property")} >= {"model_sha256", "run_sha256", "samples_resumed"}


def test_junit_names_what_failed(model, tmp_path, in_root):
    with liar(model) as lying:
        report = validate(Plan(model, HOST, (lying.port,)))
    worse = replace(report, accuracy=replace(report.accuracy, float=1.0, int8_device=0.9))
    save_junit(worse, tmp_path / "junit.xml")
    failures = {
        case.get("name"): case.find("failure").get("message")
        for case in read_junit(tmp_path / "junit.xml").findall("testcase")
        if case.find("failure") is not None
    }
    assert set(failures) == {
        "every output byte is the golden's",
        "accuracy on the device is at most 1% below the float model's",
    }
    assert f"{report.bytes_different:,} of 3,590" in failures["every output byte is the golden's"]


def read_junit(path):
    """The suite of a file that keeps to the schema of Jenkins' JUnit plugin (its elements, attributes and counts)."""
    root = ElementTree.parse(path).getroot()
    (suite,) = root
    assert (root.tag, suite.tag, suite[0].tag) == ("testsuites", "testsuite", "properties")
    assert set(root.attrib) <= {"name", "time", "tests", "failures", "errors", "disabled"}
    assert set(suite.attrib) <= {
        "name",
        "tests",
        "failures",
        "errors",
        "time",
        "skipped",
        "timestamp",
        "hostname",
        "id",
    }
    tested = suite.findall("testcase")
    assert all(set(case.attrib) <= {"name", "classname", "time", "assertions", "status"} for case in tested)
    assert all(len(case) <= 1 and {child.tag for child in case} <= {"failure", "skipped"} for case in tested)
    for element in (root, suite):
        assert int(element.get("tests")) == len(tested)
        assert int(element.get("failures")) == len(suite.findall(".//failure"))
        assert int(element.get("errors")) == 0
    assert int(suite.get("skipped")) == len(suite.findall(".//skipped"))
    return suite


def test_random_inputs_are_called_so_beside_the_figures_and_have_no_accuracy(model, capsys):
    (model / "splits.npz").unlink()
    (model / "float_scores.npy").unlink()
    report = validate(Plan(model, BOARDS["interpreter"]))
    assert report.accuracy == Accuracy(None, None, None) and report.classification.interval.float is None
    print_summary(report, None)
    shown = " ".join(capsys.readouterr().out.split())
    assert "200 random inputs, not images" in shown and "No accuracy" in shown and "accuracy, float" not in shown


def test_an_accuracy_stands_beside_the_number_of_its_samples(model, capsys):
    report = validate(Plan(model, BOARDS["interpreter"], limit=100))
    print_summary(report, None)
    shown = capsys.readouterr().out
    assert shown.count("% of 100 (") == 3 and "test split, 100 of 359 images" in shown
