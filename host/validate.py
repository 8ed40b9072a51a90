"""Validation: the test samples through one or more devices, every output byte held against the golden.

The flow: devices say who they are, the journal is opened, the samples are shared out (host/run.py), and the report is
made from what the journal holds. Refuses to compare when a device runs another model than the folder's, or computes
with damaged constants.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from tinyproof import advice
from tinyproof.boards import Board
from tinyproof.console import Interrupted, UserError, console
from tinyproof.host.connection import open_station
from tinyproof.host.device import DeviceError
from tinyproof.host.diagnosis.diagnose import diagnose
from tinyproof.host.expected import expected_outputs, read_model
from tinyproof.host.journal import JOURNAL_FILE, Journal
from tinyproof.host.journal_records import Answer, Key
from tinyproof.host.judging.findings import Finding, make_report, resumed_by
from tinyproof.host.line.faults import LineSettings
from tinyproof.host.pace import PATIENCE_S
from tinyproof.host.record.parts import DeviceResult
from tinyproof.host.record.report import Report
from tinyproof.host.run import Run, compute, look_again
from tinyproof.host.samples import Samples, load_samples
from tinyproof.host.sharing import Share
from tinyproof.host.station import Station
from tinyproof.host.stopping import StoppingRule
from tinyproof.line import FASTEST_BAUD
from tinyproof.manifest import Manifest, load_manifest


@dataclass(frozen=True)
class Plan:
    """What to run and where. Without `ports`, `devices` boards are started here, or the one on USB is found."""

    model: Path
    board: Board
    ports: Sequence[str] = ()
    devices: int = 1
    limit: int | None = None  # samples
    baud: int = FASTEST_BAUD  # where the line has a speed
    line: LineSettings = LineSettings()  # of emulated devices
    resume: bool = False
    stop_when_sure: bool = False
    patience_s: float = PATIENCE_S

    @property
    def command(self) -> str:
        """What does the same from the start, typed anywhere on this computer."""
        unusual = {
            "devices": None if self.devices == 1 else self.devices,
            "limit": self.limit,
            "baud": None if self.baud == FASTEST_BAUD else self.baud,
            "sure": self.stop_when_sure,
            "port": tuple(self.ports) or None,
        }
        return advice.command_line("validate", model=self.model, board=self.board.name, **unusual)


def validate(plan: Plan) -> Report:
    """Validate. Raises UserError when no comparison is possible, or when the run is interrupted."""
    manifest = load_manifest(plan.model)
    tflite = read_model(plan.model, manifest)
    samples = load_samples(plan.model, manifest, plan.limit)
    key = Key(manifest.model_sha256, samples.sha256, len(samples.inputs), manifest.output_bytes)
    with _stations(plan, manifest) as stations, Journal(plan.model / JOURNAL_FILE, key, plan.resume) as journal:
        try:
            report = _judge(plan, manifest, tflite, samples, stations, journal)
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted; {journal.kept()}") from None
    for station in stations:
        for line in station.device.exchange.logs:
            console.print(f"{station.name}: {line}")
    return report


def _judge(
    plan: Plan, manifest: Manifest, tflite: bytes, samples: Samples, stations: Sequence[Station], journal: Journal
) -> Report:
    """Run what is to be run, and find out what the answers are worth."""
    for station in stations:
        station.number = journal.number(station.identity)
    expected = expected_outputs(plan.model, tflite, manifest.model_sha256, samples)
    started = time.monotonic()
    resumed = {answer.sample for answer in journal.earlier}
    rule = StoppingRule(expected.golden) if plan.stop_when_sure else None
    run = _run(plan, samples, stations, journal, rule)
    answers = journal.read_back(resumed | set(run.answered_by))
    disagreements = look_again(run, answers, expected.golden)
    seconds = time.monotonic() - started
    answered = [(a.sample, a.output, run.answered_by.get(a.sample)) for a in answers]
    golden = expected.golden if expected.bit_exact else None
    diagnosis = diagnose(manifest, tflite, stations, samples.inputs, answered, golden)
    for station in stations:
        station.greet_again()
    ran = [answer.sample for answer in answers]
    finding = Finding(
        samples=ran,
        answers=answers,
        outputs=np.frombuffer(b"".join(answer.output for answer in answers), np.int8).reshape(len(answers), -1),
        weights=rule.weights(ran) if rule else np.ones(len(ran)),
        identities=journal.identities,
        resumed=resumed,
        answered_by={sample: station.url for sample, station in run.answered_by.items()},
        disagreements=disagreements,
        sure=rule.result() if rule else None,
        seconds=seconds,
        devices=_results(stations, answers, resumed),
        hello=stations[0].hello,
        identity=stations[0].identity,
    )
    report = make_report(plan.model, manifest, samples, expected, finding, diagnosis)
    ended = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    return replace(report, origin=replace(report.origin, command=plan.command, ended=ended))


def _run(plan: Plan, samples: Samples, stations: Sequence[Station], journal: Journal, rule: StoppingRule | None) -> Run:
    """Run what the journal does not hold yet."""
    answered = {answer.sample for answer in journal.earlier}
    order = rule.order if rule else range(len(samples.inputs))
    share = Share(sample for sample in order if sample not in answered)
    if rule and any([rule.observe(answer.sample, answer.output) for answer in journal.earlier]):
        share.stop()
    run = Run(stations, journal, samples.inputs, share, rule, plan.patience_s)
    compute(run)
    return run


def _results(stations: Sequence[Station], answers: Sequence[Answer], resumed: set[int]) -> list[DeviceResult]:
    """A line for each; what was answered before the interruption stands with the first device of its kind."""
    results, counted = [], set()
    for station in stations:
        before = 0 if station.number in counted else resumed_by(answers, resumed, station.number)
        counted.add(station.number)
        results.append(station.result(before))
    return results


@contextmanager
def _stations(plan: Plan, manifest: Manifest) -> Iterator[list[Station]]:
    """All devices of the plan, each greeted and running the model."""
    if plan.devices > 1 and plan.board.is_real:
        raise UserError(
            f"{plan.devices} real boards: name their ports, e.g. "
            f"{advice.setting('port', ('/dev/ttyACM0', '/dev/ttyACM1'))}"
        )
    stations: list[Station] = []
    with ExitStack() as opened:
        ports: Sequence[str | None] = plan.ports or [None] * plan.devices
        for port in ports:
            station = opened.enter_context(open_station(plan.model, plan.board, port, plan.line))
            station.greet(manifest, plan.baud)
            hello = station.hello
            if note := _unused_speed(station, plan.baud):
                console.print(note, markup=False)
            if plan.board.application and hello.board != plan.board.name:
                raise DeviceError(
                    f"{station.url}: board {hello.board} answered, not board {plan.board.name}; name its port"
                )
            passed = hello.self_test_vectors - hello.self_test_failures
            console.print(
                f"Device on {station.url}: {hello.board}, {hello.engine}, model {hello.model_sha256.hex()[:12]}, "
                f"self-test {passed} of {hello.self_test_vectors} passed"
            )
            stations.append(station)
        yield stations


def _unused_speed(station: Station, baud: int) -> str:
    """What to say where the speed that was asked for changes nothing; empty where it does, or none was asked for."""
    changes_nothing = f"{advice.setting('baud', baud)} changes nothing: "
    if station.hello.baud == 0 and baud != FASTEST_BAUD:
        slow = f"; {advice.setting('throttle', baud)} gives it one" if station.emulator else ""
        return f"{changes_nothing}the line to {station.name} has no speed{slow}"
    if 0 < baud < station.hello.baud:
        return f"{changes_nothing}the line to {station.name} works at {station.hello.baud} at least"
    return ""
