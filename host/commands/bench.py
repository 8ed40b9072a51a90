"""`tinyproof bench`: writes build/bench.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from tinyproof.boards import find_board
from tinyproof.console import UserError, console, write_together
from tinyproof.environment import DATA_VARIABLE
from tinyproof.host.bench.compilers import measure_compilers, print_compilers
from tinyproof.host.bench.inference import (
    BUILD,
    PUBLISHED,
    measure_choices,
    measure_inference,
    models,
    print_choices,
    print_inference,
    with_best,
)
from tinyproof.host.bench.kinds import KINDS
from tinyproof.host.bench.link import measure_links, print_links
from tinyproof.host.bench.on_boards import SHOWN, measure_boards, print_boards
from tinyproof.host.bench.pipeline import STREAMED, measure_golden, measure_stream, print_pipeline
from tinyproof.host.bench.tables import figure_pages, read_figures
from tinyproof.manifest import TFLITE_FILE
from tinyproof.options import BoardName

BENCH_FILE = BUILD / "bench.json"


@click.command("bench")
@click.option("--docs", is_flag=True, help="Measure only what README.md and docs/performance.md show; write it there.")
@click.option("--board", "board_name", type=BoardName(), help="Only what an inference costs on this board; print it.")
def command(docs: bool, board_name: str | None) -> None:
    """Measure inference and pipeline; write build/bench.json.

    Needs build/digits_small and build/digits_course. Takes some minutes, with --board one.
    """
    if board_name:
        print_boards(measure_boards(models(), find_board(board_name)))
        return
    measured = models()
    if docs and (missing := PUBLISHED.keys() - measured.keys()):
        files = " and ".join(PUBLISHED[name] for name in sorted(missing))
        raise UserError(f"the docs show {files} too: set {DATA_VARIABLE} to the folder with the published models")
    inference = [measure_inference(name, model) for name, model in measured.items()]
    choices = [cost for name, model in with_best(measured).items() for cost in measure_choices(name, model)]
    boards = measure_boards(measured, *map(find_board, SHOWN))
    figures: dict[str, Sequence[Any]] = {"inference": inference, "optimize": choices, "boards": boards}
    print_inference(inference)
    print_choices(choices)
    print_boards(boards)
    if not docs:
        figures |= _measure_more(measured)
    content = json.dumps({what: [asdict(one) for one in every] for what, every in figures.items()}, indent=2) + "\n"
    pages = figure_pages(read_figures(content.encode())) if docs else {}
    write_together({BENCH_FILE: content, **pages})
    for path in (BENCH_FILE, *pages):
        console.print(f"wrote {path.name}")


def _measure_more(measured: dict[str, Path]) -> dict[str, Sequence[Any]]:
    """What needs no place in the docs: both compilers, kinds of layers, the pipeline, the link. Printed, too."""
    named = {name: (model / TFLITE_FILE).read_bytes() for name, model in measured.items()}
    compilers, for_size = measure_compilers(named), measure_compilers(named, "-Os")
    kinds = measure_compilers({name: make().model() for name, make in KINDS.items()})
    pipeline = [measure_stream("cnn_small", board, count) for board, count in STREAMED]
    pipeline.append(measure_golden("cnn_small", 2_000))
    links = measure_links(BUILD)
    print_compilers("Both compilers", compilers)
    print_compilers("Both compilers, -Os", for_size)
    print_compilers("Kinds of layers and networks", kinds)
    print_pipeline(pipeline)
    print_links(links)
    return {"compilers": compilers, "compilers_os": for_size, "kinds": kinds, "pipeline": pipeline, "link": links}
