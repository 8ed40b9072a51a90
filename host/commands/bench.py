"""`tinyproof bench`: writes build/bench.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from tinyproof.console import console, write_atomically
from tinyproof.host.bench.compilers import measure_compilers, print_compilers
from tinyproof.host.bench.inference import (
    BUILD,
    measure_choices,
    measure_inference,
    models,
    print_choices,
    print_inference,
    with_best,
)
from tinyproof.host.bench.kinds import KINDS
from tinyproof.host.bench.link import measure_links, print_links
from tinyproof.host.bench.pipeline import STREAMED, measure_golden, measure_stream, print_pipeline
from tinyproof.manifest import TFLITE_FILE

BENCH_FILE = BUILD / "bench.json"


@click.command("bench")
def command() -> None:
    """Measure inference and pipeline; write build/bench.json.

    Needs build/digits_small and build/digits_course. Takes some minutes.
    """
    measured = models()
    inference = [measure_inference(name, model) for name, model in measured.items()]
    choices = [cost for name, model in with_best(measured).items() for cost in measure_choices(name, model)]
    compilers = measure_compilers({name: (model / TFLITE_FILE).read_bytes() for name, model in measured.items()})
    kinds = measure_compilers({name: make().model() for name, make in KINDS.items()})
    pipeline = [measure_stream("cnn_small", board, count) for board, count in STREAMED]
    pipeline.append(measure_golden("cnn_small", 2_000))
    links = measure_links(BUILD)
    figures: dict[str, Sequence[Any]] = {
        "inference": inference,
        "optimize": choices,
        "compilers": compilers,
        "kinds": kinds,
        "pipeline": pipeline,
        "link": links,
    }
    result = {what: [asdict(one) for one in every] for what, every in figures.items()}
    write_atomically(BENCH_FILE, json.dumps(result, indent=2) + "\n")
    print_inference(inference)
    print_choices(choices)
    print_compilers("Both compilers", compilers)
    print_compilers("Kinds of layers and networks", kinds)
    print_pipeline(pipeline)
    print_links(links)
    console.print(f"written to {BENCH_FILE}")
