"""The export stage: `model.tflite` in a model's folder -> the C sources in its `c/` and `model.json`.

Everything is made in memory first; nothing is written for a model that cannot be exported. `model.json` goes first and
comes last, so an interrupted export is seen as none, and sources of an earlier model never survive beside new ones.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof import advice
from tinyproof.console import UserError, no_room, write_together
from tinyproof.cores import CORES, Core
from tinyproof.export import c_text
from tinyproof.export.arena import arena_bytes, unmeasured_arena_bytes
from tinyproof.export.device_input import device_bytes, is_pixel_input
from tinyproof.export.emit_data import emit_model_data_c, emit_model_data_h
from tinyproof.export.emit_model import constant_bytes, emit_model_c, emit_model_h, op_bytes, segments
from tinyproof.export.emit_ops import emit_model_ops_h
from tinyproof.export.emit_settings import emit_model_settings_c, emit_model_settings_h, tensor_info
from tinyproof.export.emit_vectors import (
    Vectors,
    emit_golden_vectors_c,
    emit_golden_vectors_h,
    golden_vectors,
    no_vectors,
)
from tinyproof.export.golden import Golden, golden_available, golden_name
from tinyproof.export.graph import Graph
from tinyproof.export.lower import Lowered, check_ends, lower
from tinyproof.export.ops import BY_TFLITE_NAME
from tinyproof.export.program import Program
from tinyproof.export.runtimes import Runtime, check_runtime
from tinyproof.export.slow import plain_layers
from tinyproof.export.steps import describe_steps
from tinyproof.export.tflite_reader import read_graph
from tinyproof.made import remember
from tinyproof.manifest import (
    C_FOLDER,
    MANIFEST_FILE,
    SOURCES,
    TFLITE_FILE,
    Compiled,
    Manifest,
    OpInfo,
    TensorInfo,
    save_manifest,
)
from tinyproof.optimize import Optimize
from tinyproof.protocol import TENSOR_COUNT_LIMIT, TENSOR_RANK_LIMIT
from tinyproof.version import tool_version


@dataclass(frozen=True)
class Ends:
    """A model's inputs and outputs."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]

    @property
    def image(self) -> TensorInfo | None:
        """The input that takes the images of a data set: there has to be just one input."""
        return self.inputs[0] if len(self.inputs) == 1 else None


@dataclass(frozen=True, eq=False)
class Export:
    """A model ready to be written."""

    programs: dict[str, Program]  # by core; none where only TensorFlow Lite Micro runs the model
    sources: dict[str, str]  # by their path in `c/`
    manifest: Manifest
    left_out: str = ""  # which channels the compiled engine leaves out, in a line


def export_model(
    content: bytes,
    source: str,
    name: str,
    labels: tuple[str, ...],
    x_calibration: NDArray[np.uint8] | None,
    runtime: Runtime | None = None,
    optimize: Optimize = Optimize.BALANCED,
) -> Export:
    """Everything about a `.tflite`, in memory. `source` names it in messages; x_calibration is uint8 (N,H,W,C).

    `runtime` is the TensorFlow Lite Micro that has to run the model; without one the compiled engine has to. UserError
    for a damaged file, a model that this engine does not run, or labels or images of another model.
    """
    graph = read_graph(content, source)
    lowered, refusal = _lowered(graph, runtime)
    programs = _programs(lowered, optimize) if lowered else {}
    small = _programs(lowered, Optimize.SMALL) if lowered and optimize is not Optimize.SMALL else programs
    ends = _ends(graph)
    _check_fit(source, ends, labels, x_calibration)
    vectors = _vectors(content, ends, x_calibration)
    compiled = {
        core: _compiled(graph, program, small[core], CORES[core], optimize) for core, program in programs.items()
    }
    manifest = _manifest(graph, lowered, compiled, refusal, content, name, labels, ends, len(vectors.inputs))
    origin = c_text.provenance(manifest.model_sha256, manifest.tool)
    sources = {
        "golden_vectors.c": emit_golden_vectors_c(vectors, origin),
        "golden_vectors.h": emit_golden_vectors_h(vectors, origin),
        "model_data.c": emit_model_data_c(content, origin),
        "model_data.h": emit_model_data_h(content, origin),
        "model_ops.h": emit_model_ops_h(graph, origin),
        "model_settings.c": emit_model_settings_c(manifest, origin),
        "model_settings.h": emit_model_settings_h(manifest, origin),
    }
    for core, program in programs.items():
        sources[f"{core}/model.c"] = emit_model_c(program, origin)
        sources[f"{core}/model.h"] = emit_model_h(program, origin)
    return Export(programs, sources, manifest, lowered.reduced.line if lowered else "")


def _ends(graph: Graph) -> Ends:
    inputs, outputs = check_ends(graph)
    return Ends(tuple(map(tensor_info, inputs)), tuple(map(tensor_info, outputs)))


def _lowered(graph: Graph, runtime: Runtime | None) -> tuple[Lowered | None, str]:
    """The model lowered, or why not: that is an error only where no TensorFlow Lite Micro runs the model."""
    if runtime is None:
        return lower(graph), ""
    check_runtime(graph, runtime)
    try:
        return lower(graph), ""
    except UserError as error:
        return None, error.message


def _programs(lowered: Lowered, optimize: Optimize) -> dict[str, Program]:
    """The Program for every core. Cores with the same kernels at the same prices get the same one."""
    alike = {(core.kernels, core.prices): core for core in CORES.values()}
    made = {key: lowered.program(core, optimize) for key, core in alike.items()}
    return {name: made[core.kernels, core.prices] for name, core in CORES.items()}


def _compiled(graph: Graph, program: Program, small: Program, core: Core, optimize: Optimize) -> Compiled:
    bytes_of = op_bytes(program)
    constants = b"".join(table.flash_bytes for _, table in segments(program))
    return Compiled(
        steps=describe_steps(program, plain_layers(program, core, optimize)),
        constants_sha256=hashlib.sha256(constants).hexdigest(),
        op_weight_bytes=tuple(bytes_of.get(op.index, 0) for op in graph.ops),
        weight_bytes=constant_bytes(program),
        arena_bytes=program.arena_bytes,
        small_weight_bytes=constant_bytes(small),
        small_arena_bytes=small.arena_bytes,
    )


def write_export(model: Path, content: bytes, export: Export) -> None:
    """Write an export and the `.tflite` it is of into the model's folder. UserError where that cannot be written."""
    files: dict[Path, bytes | str] = {model / C_FOLDER / name: text for name, text in export.sources.items()}
    others = [path for path in (model / C_FOLDER).rglob("*") if path.is_file() and path not in files]
    if not _holds(model / TFLITE_FILE, content):
        files = {model / TFLITE_FILE: content, **files}

    def clear() -> None:
        (model / MANIFEST_FILE).unlink(missing_ok=True)
        for stale in others:
            stale.unlink()

    try:
        write_together(files, clear)
        remember(model, SOURCES, "", (model / C_FOLDER / name for name in export.sources))
        save_manifest(model, export.manifest)
    except OSError as error:
        raise no_room(model, error, "model") from None


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def check_exchange(source: str, manifest: Manifest) -> None:
    """Raise UserError for a model with more inputs or outputs than a device exchanges."""
    for what, tensors in (("inputs", manifest.inputs), ("outputs", manifest.outputs)):
        if len(tensors) > TENSOR_COUNT_LIMIT:
            raise UserError(
                f"{source}: it has {len(tensors)} {what}, and a device exchanges at most {TENSOR_COUNT_LIMIT}; "
                "concatenate some of them in the model."
            )


def _check_fit(source: str, ends: Ends, labels: tuple[str, ...], x_calibration: NDArray[np.uint8] | None) -> None:
    if max(len(tensor.shape) for tensor in (*ends.inputs, *ends.outputs)) > TENSOR_RANK_LIMIT:
        raise UserError(
            f"{source}: its input or output has more than {TENSOR_RANK_LIMIT} dimensions; export it with fewer."
        )
    classes = ends.outputs[0].shape[-1]
    if labels and len(labels) != classes:
        raise UserError(
            f"{source} has {classes} outputs but there are {len(labels)} labels beside it; they belong to another "
            f"model: train again, or export into another folder with {advice.name_of('model')}."
        )
    takes = [tensor.shape[1:] for tensor in ends.inputs]
    if x_calibration is not None and takes != [x_calibration.shape[1:]]:
        raise UserError(
            f"{source} takes {' and '.join(map(c_text.shape, takes))} but the images beside it are "
            f"{c_text.shape(x_calibration.shape[1:])}; they belong to another model: train again, or export into "
            f"another folder with {advice.name_of('model')}."
        )


def _vectors(content: bytes, ends: Ends, x_calibration: NDArray[np.uint8] | None) -> Vectors:
    input_bytes, output_bytes = (sum(tensor.size_bytes for tensor in side) for side in (ends.inputs, ends.outputs))
    if not golden_available():
        return no_vectors(input_bytes, output_bytes)
    images = np.zeros((0, input_bytes), np.int8)
    if x_calibration is not None and ends.image:
        images = device_bytes(ends.image, x_calibration[:6]).reshape(-1, input_bytes)
    return golden_vectors(Golden(content, careful=True), input_bytes, output_bytes, images)


def _manifest(
    graph: Graph,
    lowered: Lowered | None,
    compiled: dict[str, Compiled],
    refusal: str,
    content: bytes,
    name: str,
    labels: tuple[str, ...],
    ends: Ends,
    vector_count: int,
) -> Manifest:
    run = [graph.ops[op.index] for op in lowered.graph.ops] if lowered else []
    macs_of = {op.index: BY_TFLITE_NAME[op.name].macs(graph, op) for op in run}
    return Manifest(
        name=name,
        tool=tool_version(),
        model_sha256=graph.sha256,
        tflite_bytes=len(content),
        inputs=ends.inputs,
        outputs=ends.outputs,
        pixel_input=ends.image is not None and is_pixel_input(ends.image),
        labels=labels,
        ops=tuple(
            OpInfo(op.index, op.name, graph.tensors[op.outputs[0]].shape, macs_of.get(op.index, 0)) for op in graph.ops
        ),
        macs=sum(macs_of.values()),
        compiled=compiled,
        compiled_refusal=refusal,
        tflm_arena_bytes=arena_bytes(content) or unmeasured_arena_bytes(graph),
        golden=golden_name() if vector_count else None,
        golden_count=vector_count,
    )
