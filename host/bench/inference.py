"""What one inference costs on the emulated Cortex-M4F, whole and op by op, beside TensorFlow Lite Micro with CMSIS-NN.

Two counters: instructions, which the emulator counts exactly (`-icount`), and the cycles that `host.bench.cycles`
models, with ideal memory and on chips. The models of the data set that needs no download are always measured, published
ones where $TINYPROOF_DATA has their files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tinyproof.boards import find_board
from tinyproof.console import console, table
from tinyproof.environment import DATA_VARIABLE, data_folder
from tinyproof.export.cost import milliseconds, step_cycles
from tinyproof.export.emit import export_model, write_export
from tinyproof.export.lower import lower
from tinyproof.export.ops.window import Window
from tinyproof.export.program import Step
from tinyproof.export.tflite_reader import load_graph
from tinyproof.firmware.build import build, image_path
from tinyproof.firmware.sizes import read_symbols
from tinyproof.host.bench.chips import CHIPS, STM32L4R5, Chip
from tinyproof.host.bench.cycles import Cost, measure
from tinyproof.host.bench.per_layer import layer_costs
from tinyproof.host.connection import connect
from tinyproof.host.device import mean_count
from tinyproof.host.samples import load_samples
from tinyproof.manifest import TFLITE_FILE, load_manifest
from tinyproof.optimize import Optimize

BUILD = Path("build")
BOARD = "qemu"
TRAINED = {"cnn_small": "digits_small", "cnn_course": "digits_course"}  # folders below build/
BEST = "fashion_mnist_best"  # half an hour of training: measured only where it was trained
PUBLISHED = {"ic_resnet8": "pretrainedResnet_quant.tflite", "kws_dscnn": "kws_ref_model.tflite"}
INFERENCES = 20  # the mean of their instructions is reported
RECORD_CHIP = STM32L4R5


@dataclass(frozen=True)
class Baseline:
    """TensorFlow Lite Micro with CMSIS-NN on the same emulated chip and compiler (arm-none-eabi-gcc 12.2.1): the fewest
    instructions of 15 build settings, its arena, and its flash without the model. `record_cycles`: the fewest published
    for a real RECORD_CHIP, by ST's X-CUBE-AI 9.0 in MLPerf Tiny v1.2.
    """

    instructions: int
    ram_bytes: int
    code_bytes: int
    record_cycles: int | None = None


TFLM_CMSIS_NN = {
    "cnn_small": Baseline(2_335_204, 15_892, 46_756),
    "cnn_course": Baseline(11_294_792, 57_604, 46_756),
    "ic_resnet8": Baseline(28_379_493, 54_996, 51_684, 19_800_000),
    "kws_dscnn": Baseline(7_214_720, 22_820, 53_880, 5_180_000),
}
# Its instructions per multiply-accumulate for the kinds of layers in those models.
TFLM_PER_MAC = {
    "CONV_2D 3x3": "1.75-2.3",
    "CONV_2D 1x1": "1.76-5.9",
    "CONV_2D first": "3.3-9.4",
    "DEPTHWISE_CONV_2D 3x3": "6.1-8.1",
    "FULLY_CONNECTED": "1.9-2.2",
}


@dataclass(frozen=True)
class OpCost:
    """`ops` of the model in one go. `cycles_estimated`: what `export.cost` says without running it."""

    kernel: str
    ops: tuple[str, ...]
    output_shape: tuple[int, ...]
    macs: int
    instructions: int
    cycles_modelled: int
    cycles_estimated: int
    tflm_instructions_per_mac: str


@dataclass(frozen=True)
class ChipCost:
    """The modelled cycles with those that a chip's core waits for its flash."""

    chip: str
    cycles_modelled: int
    milliseconds: float


def beside_record(chip: ChipCost, record: int | None) -> tuple[str, str]:
    """The record and how many times its cycles the model has; empty for another chip or where there is none."""
    if record is None or chip.chip != RECORD_CHIP.title:
        return "", ""
    return f"record {record:,}", f"{chip.cycles_modelled / record:.2f}"


@dataclass(frozen=True)
class InferenceCost:
    """One model on one board. ram: activations and scratch; code: text and constants of the whole firmware, without the
    model's weights and the self-test's golden vectors; engine_code: of that, the functions that an inference executes,
    the C library's among them, and the parameters of the kernels.
    """

    model: str
    board: str
    engine: str
    macs: int
    instructions: int
    cycles_modelled: int
    cycles_estimated: int
    ram_bytes: int
    code_bytes: int
    engine_code_bytes: int
    weight_bytes: int
    chips: tuple[ChipCost, ...]
    ops: tuple[OpCost, ...]


def models() -> dict[str, Path]:
    """The folder of every model to measure; those of published files are exported first."""
    found = {name: BUILD / folder for name, folder in TRAINED.items()}
    folder = data_folder()
    for name, file in PUBLISHED.items():
        if folder and (source := folder / file).is_file():
            content = source.read_bytes()
            found[name] = BUILD / source.stem
            write_export(found[name], content, export_model(content, str(source), source.stem, (), None))
        else:
            console.print(f"{name} is left out: ${DATA_VARIABLE} names no folder with {file}")
    return found


def measure_inference(name: str, model: Path) -> InferenceCost:
    """Instructions, the mean over INFERENCES inputs; modelled cycles of the first of them; memory."""
    board = find_board(BOARD)
    manifest = load_manifest(model)
    sizes = build(model, board)
    inputs = [row.tobytes() for row in load_samples(model, manifest, INFERENCES).inputs]
    with connect(model, board, None) as device:
        hello = device.hello()
        instructions = mean_count(list(device.infer(inputs, hello)), hello)
    assert instructions is not None  # there are inputs
    program = lower(load_graph(model / TFLITE_FILE)).program()
    image = image_path(model, board)
    cost = measure(image, inputs[0], manifest.output_bytes, CHIPS)
    ops = tuple(
        OpCost(
            kernel=layer.kernels,
            ops=tuple(op.name for op in layer.steps[0].ops),
            output_shape=layer.steps[0].y.shape,
            macs=layer.macs,
            instructions=layer.instructions,
            cycles_modelled=layer.cycles,
            cycles_estimated=sum(map(step_cycles, layer.steps)),
            tflm_instructions_per_mac=_tflm_per_mac(layer.steps[0]),
        )
        for layer in layer_costs(program, cost)
    )
    parameters = {step.name for step in program.steps}
    return InferenceCost(
        model=name,
        board=BOARD,
        engine=hello.engine,
        macs=manifest.macs,
        instructions=instructions,
        cycles_modelled=cost.cycles,
        cycles_estimated=sum(op.cycles_estimated for op in ops),
        ram_bytes=hello.arena_bytes,
        code_bytes=sizes.code_bytes,
        engine_code_bytes=cost.code_bytes + sum(s.size_bytes for s in read_symbols(image) if s.name in parameters),
        weight_bytes=sizes.weight_bytes,
        chips=tuple(_on_chip(chip, cost) for chip in CHIPS),
        ops=ops,
    )


def _on_chip(chip: Chip, cost: Cost) -> ChipCost:
    cycles = cost.cycles + cost.waited[chip.name]
    return ChipCost(chip.title, cycles, round(milliseconds(cycles, chip.clock_hz), 2))


@dataclass(frozen=True)
class ChoiceCost:
    """One model exported with one of the values of `--optimize`."""

    model: str
    optimize: str
    instructions: int
    cycles_modelled: int
    ram_bytes: int
    weight_bytes: int


def with_best(measured: dict[str, Path]) -> dict[str, Path]:
    """The models with the large preset, where that was trained."""
    return measured | ({BEST: BUILD / BEST} if (BUILD / BEST / TFLITE_FILE).is_file() else {})


def measure_choices(name: str, model: Path) -> list[ChoiceCost]:
    """What each value of `--optimize` makes of a model."""
    content = (model / TFLITE_FILE).read_bytes()
    board = find_board(BOARD)
    costs = []
    with TemporaryDirectory() as folder:
        for optimize in Optimize:
            export = export_model(content, name, name, (), None, optimize=optimize)
            write_export(Path(folder), content, export)
            build(Path(folder), board)
            manifest = export.manifest
            x = load_samples(Path(folder), manifest, 1).inputs[0].tobytes()
            cost = measure(image_path(Path(folder), board), x, manifest.output_bytes)
            compiled = manifest.compiled_for(board.core)
            memory = compiled.arena_bytes, compiled.weight_bytes
            costs.append(ChoiceCost(name, optimize.value, cost.instructions, cost.cycles, *memory))
    return costs


def _tflm_per_mac(step: Step) -> str:
    window = getattr(getattr(step.params, "conv", step.params), "window", None)
    if step.op.index == 0 and step.op.name == "CONV_2D":
        return TFLM_PER_MAC["CONV_2D first"]
    size = f" {window.k_h}x{window.k_w}" if isinstance(window, Window) else ""
    return TFLM_PER_MAC.get(step.op.name + size, "")


def print_inference(costs: list[InferenceCost]) -> None:
    """Both tables."""
    rows = table("One inference on the emulated Cortex-M4F", "model", "", "this", "TFLM + CMSIS-NN", "ratio")
    for cost in costs:
        baseline = TFLM_CMSIS_NN[cost.model]
        for what in ("instructions", "ram_bytes", "code_bytes"):
            ours, theirs = getattr(cost, what), getattr(baseline, what)
            rows.add_row(cost.model, what, f"{ours:,}", f"{theirs:,}", f"{ours / theirs:.2f}")
        rows.add_row(cost.model, "engine_code_bytes", f"{cost.engine_code_bytes:,}", "", "")
        record = baseline.record_cycles
        rows.add_row(cost.model, "cycles_modelled, ideal memory", f"{cost.cycles_modelled:,}", "", "")
        for chip in cost.chips:
            what = f"on an {chip.chip}: {chip.milliseconds:.2f} ms"
            rows.add_row(cost.model, what, f"{chip.cycles_modelled:,}", *beside_record(chip, record))
        rows.add_row(cost.model, "instructions per MAC", f"{cost.instructions / cost.macs:.2f}", "", "")
        best = f"record {record / cost.macs:.2f}" if record else ""
        rows.add_row(cost.model, "cycles per MAC", f"{cost.cycles_modelled / cost.macs:.2f}", best, "")
    console.print(rows)
    for cost in costs:
        _print_ops(cost)


def print_choices(costs: list[ChoiceCost]) -> None:
    """What speed costs in memory."""
    rows = table("OPTIMIZE", "model", "", "instructions", "cycles", "RAM", "flash", text=2)
    for cost in costs:
        counts = (cost.instructions, cost.cycles_modelled, cost.ram_bytes, cost.weight_bytes)
        rows.add_row(cost.model, cost.optimize, *(f"{count:,}" for count in counts))
    console.print(rows)


def _print_ops(cost: InferenceCost) -> None:
    rows = table(f"{cost.model}, call by call", "kernel", "MACs", "instructions", "cycles", "cycles/MAC")
    for op in cost.ops:
        per_mac = f"{op.cycles_modelled / op.macs:.2f}" if op.macs else ""
        rows.add_row(op.kernel, *(f"{n:,}" for n in (op.macs, op.instructions, op.cycles_modelled)), per_mac)
    console.print(rows)
