"""One run: the samples shared out over the devices, every answer into the journal, and what to do when a device goes.

A device that was unplugged or reset is waited for (`patience_s`) and goes on; what it had taken meanwhile goes to the
others. The run ends when every sample is answered, when the stopping rule is satisfied, or when no device is left: then
it says so and how to go on. It judges nothing: that is done from the journal afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from tinyproof import advice
from tinyproof.console import progress_bar
from tinyproof.host.device import DeviceError, DeviceReset
from tinyproof.host.exchange import StillSilent
from tinyproof.host.journal import Journal
from tinyproof.host.journal_records import Answer, JournalError
from tinyproof.host.record.parts import Disagreement
from tinyproof.host.sharing import Share
from tinyproof.host.station import Station
from tinyproof.host.stopping import StoppingRule
from tinyproof.host.transport import LineLost, NotBack

FRUITLESS_LIMIT = 3  # times in a row that a device may come back and go again without an answer
RECONNECT_S = 2.0  # one attempt to find it
END_S = 2.0  # for requests in flight when the run is interrupted
LOOKED_AT_AGAIN = 20  # differing samples that every device is asked for once more
EARLIER = "the interrupted run"
SPOT_CHECKS = 4  # answers of an interrupted run that a device has to repeat


@dataclass
class Run:
    """The state of a run: everything its workers share. `answered_by` knows the answers of this run alone."""

    stations: Sequence[Station]
    journal: Journal
    inputs: NDArray[np.int8]  # (N, input bytes)
    share: Share
    rule: StoppingRule | None
    patience_s: float
    progress: Progress = field(default_factory=progress_bar)
    answered_by: dict[int, Station] = field(default_factory=dict)
    interrupted: bool = False  # what is still answered then is not timed: the device may be interrupted, too

    def stream(self, station: Station) -> None:
        """Let the device compute whatever is to be had, until there is nothing left to take."""
        taken: list[int] = []
        answered = 0  # of those; answers come in order

        def inputs() -> Iterator[bytes]:
            while (sample := self.share.take()) is not None:
                taken.append(sample)
                yield self.inputs[sample].tobytes()

        try:
            for inference in station.device.infer(inputs(), station.hello):
                sample = taken[inference.index]
                if len(inference.output) != self.journal.key.output_bytes:
                    raise DeviceError(f"{station.url}: an answer of {len(inference.output)} bytes")
                ticks = None if self.interrupted else inference.ticks
                self.journal.record(Answer(sample, station.number, ticks, inference.output))
                answered += 1
                self.answered_by[sample] = station
                station.progress.samples += 1
                station.progress.ticks += ticks or 0
                self.share.done(sample)
                if self.rule and self.rule.observe(sample, inference.output):
                    self.share.stop()
                self.progress.advance(station.progress.bar)
        finally:
            self.share.give_back(taken[answered:])


def compute(run: Run) -> None:
    """Have every sample of the share answered. Raises DeviceError when no device is left."""
    for station in run.stations:
        station.progress.bar = run.progress.add_task(station.name, total=run.share.left)
    with run.progress, ThreadPoolExecutor(len(run.stations), "device") as pool:
        workers = [pool.submit(_work, station, run) for station in run.stations]
        try:
            for worker in as_completed(workers):
                worker.result()
        except BaseException:
            run.interrupted = True
            run.share.stop()
            if wait(workers, END_S).not_done:  # what is in flight takes too long
                for station in run.stations:
                    station.device.exchange.transport.close()
            raise
    if run.share.left and not run.share.stopped:
        raise DeviceError(f"{'; '.join(station.outcome.ended for station in run.stations)}; {run.journal.kept()}")


def check_resumed(station: Station, journal: Journal, inputs: NDArray[np.int8]) -> None:
    """Have the device repeat a few answers of the run that is being resumed. Raises JournalError if it does not.

    The identity says which model is in its flash, not which kernels: other firmware may give other answers.
    """
    answers = [answer for answer in journal.earlier if answer.device == station.number]
    some = answers[:: max(1, len(answers) // SPOT_CHECKS)][:SPOT_CHECKS]
    for inference in station.device.infer((inputs[answer.sample].tobytes() for answer in some), station.hello):
        answer = some[inference.index]
        if inference.output != answer.output:
            raise JournalError(
                f"{station.url}: sample {answer.sample} gives other bytes than this kind of device gave before, says "
                f"{journal.path}; other firmware? Start without {advice.setting('resume', True)}"
            )


def look_again(run: Run, answers: Sequence[Answer], golden: NDArray[np.int8]) -> list[Disagreement]:
    """Ask every device for a few samples whose answers are not the golden's; the answers that are not the first one.

    Finds a device that answers otherwise than another, or than itself. Where no answer differs from the golden's there
    is nothing to ask: all devices agree on what ran.
    """
    differing = [answer for answer in answers if answer.output != golden[answer.sample].tobytes()]
    some = differing[:: max(1, len(differing) // LOOKED_AT_AGAIN)][:LOOKED_AT_AGAIN]
    disagreements = []
    for station in run.stations:
        if station.outcome.ended:
            continue
        inputs = (run.inputs[answer.sample].tobytes() for answer in some)
        try:
            for inference in station.device.infer(inputs, station.hello):
                answer = some[inference.index]
                if inference.output != answer.output:
                    first = run.answered_by.get(answer.sample)
                    disagreements.append(
                        Disagreement(
                            sample=answer.sample,
                            first=first.name if first else EARLIER,
                            second=station.name,
                            second_is_golden=inference.output == golden[answer.sample].tobytes(),
                        )
                    )
        except (LineLost, DeviceError) as error:
            station.outcome.ended = station.explain(error)
    return disagreements


def _work(station: Station, run: Run) -> None:
    """One device's thread: compute until nothing is left; wait for the device when it goes away."""
    fruitless = 0
    checked = False
    while not checked or run.share.wait():
        before = station.progress.samples
        try:
            if not checked:
                check_resumed(station, run.journal, run.inputs)
                checked = True
            run.stream(station)
        except LineLost as error:
            fruitless = fruitless + 1 if station.progress.samples == before else 1
            if fruitless > FRUITLESS_LIMIT:
                station.outcome.ended = (
                    f"{station.url}: it went away {fruitless} times in a row without an answer: {error}"
                )
            elif not run.share.stopped:  # else the line was closed on purpose
                station.outcome.ended = _recover(station, run, error)
        except DeviceError as error:
            station.outcome.ended = station.explain(error)
        if station.outcome.ended:
            return


def _recover(station: Station, run: Run, error: LineLost) -> str:
    """Wait until the device is back and is the same one; why it is not, or an empty string."""
    deadline = time.monotonic() + run.patience_s
    was_reset = isinstance(error, DeviceReset)
    if station.can_come_back:
        run.progress.console.print(f"{error}; waiting up to {run.patience_s:g} s for it", markup=False)
    while station.can_come_back and run.share.goes_on and (left := deadline - time.monotonic()) > 0:
        run.progress.update(station.progress.bar, description=f"{station.url}: waiting for it, {left:.0f} s")
        try:
            station.reconnect(min(RECONNECT_S, left), was_reset)
        except LineLost as later:
            error = later
            continue
        except DeviceError as refusal:
            return station.explain(refusal)
        run.progress.update(station.progress.bar, description=station.name)
        run.progress.console.print(f"{station.name} goes on", markup=False)
        return ""
    if isinstance(error, NotBack):  # the time is that of all attempts together
        error = NotBack(error.url, run.patience_s, error.reason)
    elif isinstance(error, StillSilent):
        error = StillSilent(error.url, run.patience_s)
    return station.explain(error)
