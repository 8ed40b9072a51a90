"""Streams samples over many bad lines and holds what comes back against a clean run.

Every seed is a schedule of faults (host/line/faults.py). A run may end with exactly the bytes of the clean run, or with
an error that names the line; anything else (another byte, a sample twice, a sample never, a crash, a hang) is a
finding, printed with the seed that shows it again.
"""

from __future__ import annotations

import random
import re
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from tinyproof.boards import find_board
from tinyproof.console import UserError, console, table
from tinyproof.host.connection import start
from tinyproof.host.device import Device, Inference, Patience
from tinyproof.host.line.faults import FAULTS, LineSettings, parse_faults
from tinyproof.host.line.proxy import Line
from tinyproof.host.transport import LineLost, Transport
from tinyproof.line import BAUD, FASTEST_BAUD

SAMPLES = 60
LIMIT_S = 60.0  # of one run; a schedule's pauses add up to a few seconds
PAUSE_S = 0.6  # the longest stall and absence, in the proportion to PATIENCE that seconds have to the usual one
PATIENCE = Patience(hello_interval_s=0.03, answer_s=0.15, shortest_answer_s=0.03, silence_s=0.8)
RECONNECT_S = 1.5
RECONNECTIONS = 10


@dataclass(frozen=True)
class Outcome:
    """How a run over a bad line ended: `error` is empty where every byte came, `finding` where all is as promised."""

    seed: int
    error: str
    finding: str
    answered: int
    resent: int
    reconnections: int
    dropped: int
    faults: dict[str, int]


class Wrong(Exception):
    """What must not happen."""


def clean_outputs(model: Path, board_name: str, inputs: Sequence[bytes]) -> list[bytes]:
    """What the device answers over a good line."""
    with start(model, find_board(board_name)) as process, Transport(process.port) as transport:
        device = Device(transport)
        return [inference.output for inference in device.infer(inputs, device.hello())]


def run_schedule(seed: int, model: Path, board_name: str, inputs: Sequence[bytes], clean: Sequence[bytes]) -> Outcome:
    """One run over a line with the faults of `seed`."""
    faults = replace(parse_faults(str(seed)), pause_s=PAUSE_S)
    answers: dict[int, bytes] = {}
    error = finding = ""
    with Line(lambda: start(model, find_board(board_name)), LineSettings(None, faults)) as line:
        resent = reconnections = dropped = 0
        try:
            with Transport(line.port, find=line.find) as transport:
                device = Device(transport, PATIENCE)
                try:
                    for index, inference in stream(device, inputs, FASTEST_BAUD if seed % 2 else BAUD):
                        if index in answers:
                            raise Wrong(f"sample {index} came twice")
                        answers[index] = inference.output
                finally:
                    resent, reconnections = device.exchange.resent, device.exchange.reconnections
                    dropped = transport.chunks_dropped
        except UserError as ended:
            error = ended.message
        except Wrong as wrong:
            finding = str(wrong)
        done = line.faults_done
    wrong_bytes = [index for index, output in answers.items() if output != clean[index]]
    if wrong_bytes:
        finding = f"samples {wrong_bytes} have other bytes than over a good line"
    elif not error and not finding and len(answers) != len(inputs):
        finding = f"{len(answers)} of {len(inputs)} samples came, and no error"
    return Outcome(seed, error, finding, len(answers), resent, reconnections, dropped, done)


def stream(device: Device, inputs: Sequence[bytes], baud: int) -> Iterator[tuple[int, Inference]]:
    """(index, answer) of every input, reconnecting where the line is lost."""
    missing = list(range(len(inputs)))
    hello = device.hello(RECONNECT_S)
    while missing:
        asked, answered = missing, 0
        try:
            if device.exchange.reconnections == 0:
                device.speed_up(hello, baud)
            for inference in device.infer([inputs[index] for index in asked], hello):
                answered += 1
                yield asked[inference.index], inference
        except LineLost:
            if device.exchange.reconnections == RECONNECTIONS:
                raise
            hello = device.reconnect(hello, RECONNECT_S)
        missing = asked[answered:]


@dataclass(frozen=True)
class _Job:
    model: Path
    board_name: str
    inputs: tuple[bytes, ...]
    clean: tuple[bytes, ...]

    def __call__(self, seed: int) -> Outcome:
        def hang(number: int, frame: FrameType | None) -> None:
            raise Wrong(f"still running after {LIMIT_S:g} s")

        signal.signal(signal.SIGALRM, hang)
        signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
        try:
            return run_schedule(seed, self.model, self.board_name, self.inputs, self.clean)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def fuzz(model: Path, board_name: str, seeds: Sequence[int], jobs: int) -> Iterator[Outcome]:
    """The outcome of every seed, in order. Whatever exception a run ends with is its finding."""
    generator = random.Random(0)
    size = input_bytes(model)
    inputs = tuple(generator.randbytes(size) for _ in range(SAMPLES))
    job = _Job(model, board_name, inputs, tuple(clean_outputs(model, board_name, inputs)))
    with ProcessPoolExecutor(jobs) as pool:
        for seed, future in [(seed, pool.submit(job, seed)) for seed in seeds]:
            if crash := future.exception():
                yield Outcome(seed, "", f"{type(crash).__name__}: {crash}", 0, 0, 0, 0, {})
            else:
                yield future.result()


def input_bytes(model: Path) -> int:
    """Bytes of the model's input."""
    from tinyproof.manifest import load_manifest

    return load_manifest(model).input_bytes


def print_outcomes(outcomes: Sequence[Outcome], seconds: float) -> None:
    """What happened, added up."""
    faults: Counter[str] = Counter()
    for outcome in outcomes:
        faults.update(outcome.faults)
    rows = table(f"{len(outcomes):,} schedules of faults in {seconds:.0f} s", "", "")
    rows.add_row("the same bytes as over a good line", f"{sum(not o.error and not o.finding for o in outcomes):,}")
    rows.add_row("an error that names the line", f"{sum(bool(o.error) for o in outcomes):,}")
    for error, count in Counter(re.sub(r"\S*\d\S*", "#", o.error) for o in outcomes if o.error).most_common():
        rows.add_row(f"  {error}", f"{count:,}")
    rows.add_row("a broken promise", f"{sum(bool(o.finding) for o in outcomes):,}")
    rows.add_section()
    rows.add_row("samples answered", f"{sum(o.answered for o in outcomes):,}")
    rows.add_row("requests sent again", f"{sum(o.resent for o in outcomes):,}")
    rows.add_row("damaged or stale frames dropped by the host", f"{sum(o.dropped for o in outcomes):,}")
    rows.add_row("reconnections", f"{sum(o.reconnections for o in outcomes):,}")
    rows.add_section()
    for kind, fault in FAULTS.items():
        rows.add_row(f"{kind}: {(fault.__doc__ or '').rstrip('.')}", f"{faults[kind]:,}")
    console.print(rows)
