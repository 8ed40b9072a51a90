"""A model through the project's whole path, for pictures: export, firmware, a device, and the golden beside it.

The same functions as `make export`, `make build` and `make validate`; only where the inputs come from and where the
outputs go is the lab's. Refuses to go on with a device that runs another model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof.boards import Board
from tinyproof.console import UserError, progress_bar, track
from tinyproof.export.emit import export_model, write_export
from tinyproof.export.runtimes import runtime_of
from tinyproof.firmware.build import build, load_sizes
from tinyproof.host.connection import open_station
from tinyproof.host.device import DeviceError, mean_count
from tinyproof.host.interpreters import default_interpreter, golden_interpreter
from tinyproof.line import BAUD
from tinyproof.manifest import load_manifest


@dataclass(frozen=True, eq=False)
class DeviceRun:
    """What a device answered: outputs and golden int8 (N, output bytes), and what it says it is."""

    outputs: NDArray[np.int8]
    golden: NDArray[np.int8]
    golden_name: str
    is_golden_exact: bool  # else Python's interpreter stood in, and a difference proves nothing
    board: str
    engine: str
    model_sha256: str
    count_per_inference: int | None  # in `count_unit`
    count_unit: str
    flash_bytes: int | None  # of the firmware image, where one was built here
    ram_bytes: int | None

    @property
    def different(self) -> int:
        """Output bytes that are not the golden's."""
        return int((self.outputs != self.golden).sum())

    @property
    def proven_different(self) -> int:
        """The same, but 0 where Python's interpreter stood in for the golden: then a difference proves nothing."""
        return self.different if self.is_golden_exact else 0


def run_on_device(
    tflite: bytes, folder: Path, inputs: NDArray[np.int8], board: Board, port: str | None = None, baud: int = BAUD
) -> DeviceRun:
    """Export the model into `folder`, put it on the board, and stream the inputs int8 (N, input bytes) through it.

    A board with an emulator is built and started here unless its `port` is named; then it is flashed, as one is that is
    a board on a cable and nothing else. What is at a network address, or on the port of an emulator, must run the model
    already. UserError where any step fails.
    """
    export = export_model(tflite, str(folder), folder.name, (), None, runtime_of(board, None))
    write_export(folder, tflite, export)
    if board.is_real or (port is not None and board.application and "://" not in port):
        from tinyproof.host.flashing import flash_board

        port = flash_board(board, folder, None, port).port
    elif port is None and board.compilers:
        build(folder, board)
    return _stream(folder, tflite, inputs, board, port, baud)


def _stream(
    folder: Path, tflite: bytes, inputs: NDArray[np.int8], board: Board, port: str | None, baud: int
) -> DeviceRun:
    manifest = load_manifest(folder)
    rows = [row.tobytes() for row in inputs]
    inferences = []
    with open_station(folder, board, port) as station:
        station.greet(manifest, baud)
        hello = station.hello
        try:
            with progress_bar() as progress:
                task = progress.add_task(f"Device: {hello.board}", total=len(rows))
                for inference in station.device.infer(rows, hello):
                    inferences.append(inference)
                    progress.advance(task)
        except UserError as error:
            raise DeviceError(station.explain(error)) from error
    golden = golden_interpreter(tflite)
    reference = golden or default_interpreter(tflite)
    expected = [reference.run_bytes(row) for row in track(rows, f"Python: {reference.name.split()[0]}")]
    sizes = load_sizes(folder, hello.board)
    return DeviceRun(
        outputs=np.frombuffer(b"".join(inference.output for inference in inferences), np.int8).reshape(len(rows), -1),
        golden=np.frombuffer(b"".join(expected), np.int8).reshape(len(rows), -1),
        golden_name=reference.name,
        is_golden_exact=golden is not None,
        board=hello.board,
        engine=hello.engine,
        model_sha256=manifest.model_sha256,
        count_per_inference=mean_count(inferences, hello),
        count_unit=hello.counter_unit,
        flash_bytes=sizes.flash_bytes if sizes else None,
        ram_bytes=sizes.ram_bytes if sizes else None,
    )
