"""`model.json`: what every other stage knows of an exported model. Written last: where it is, the export is whole."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

from tinyproof import advice
from tinyproof.console import UserError
from tinyproof.cores import Core
from tinyproof.folders import BUILD
from tinyproof.json_files import read_json, write_json

MANIFEST_FILE = "model.json"
TFLITE_FILE = "model.tflite"
C_FOLDER = "c"  # the generated sources
LARGEST_TENSOR = 1 << 28  # bytes; more than any device takes
SOURCES = "sources"  # under which they are remembered


@dataclass(frozen=True)
class TensorInfo:
    """An input or output: real value = scale * (value - zero_point)."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int

    @property
    def size_bytes(self) -> int:
        """Bytes of the int8 tensor."""
        return prod(self.shape)


@dataclass(frozen=True)
class OpInfo:
    """One op of the model, in the order of computation."""

    index: int
    name: str
    output_shape: tuple[int, ...]
    macs: int


@dataclass(frozen=True)
class StepInfo:
    """One tensor that the compiled engine computes, in the order of its program, and the kernel calls that make it.

    `ops` of the model are computed by them, one after the other; `inputs` and `tensor` are indexes of the `.tflite`.
    `offset` is in bytes within `place`: arena or output. Counted in kernel calls, the tensor's memory is taken from
    call `needed_from` to call `needed_to`, both included.
    """

    name: str
    kernels: tuple[str, ...]
    ops: tuple[int, ...]
    label: str  # what the training framework called the last op
    inputs: tuple[int, ...]
    tensor: int
    shape: tuple[int, ...]
    macs: int
    place: str
    offset: int
    size_bytes: int
    needed_from: int
    needed_to: int
    scratch_offset: int  # in the arena
    scratch_bytes: int
    plain: str  # why no fast kernel of the core computes it, where that costs much; else empty


@dataclass(frozen=True)
class Compiled:
    """What the compiled engine makes of the model for one core.

    `constants_sha256` is over its constant tables in order, as they lie in flash; `op_weight_bytes` are those of each
    op, `weight_bytes` of all. The two `small_` numbers are what `--optimize small` makes of weight_bytes and
    arena_bytes.
    """

    steps: tuple[StepInfo, ...]
    constants_sha256: str
    op_weight_bytes: tuple[int, ...]
    weight_bytes: int
    arena_bytes: int
    small_weight_bytes: int
    small_arena_bytes: int


@dataclass(frozen=True)
class Manifest:
    """An exported model.

    `model_sha256` is over the `.tflite`. `compiled` has an entry for each core's name; where the compiled engine does
    not run the model, it is empty and `compiled_refusal` says why, in a sentence. `macs` are the model's own.
    `tflm_arena_bytes`: the arena that TensorFlow Lite Micro gets. `pixel_input`: an input byte is `pixel - 128`.
    `golden`: the reference behind the golden vectors in the generated C, None where it was not available and there are
    none.
    """

    name: str
    tool: str
    model_sha256: str
    tflite_bytes: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    pixel_input: bool
    labels: tuple[str, ...]
    ops: tuple[OpInfo, ...]
    macs: int
    compiled: dict[str, Compiled]
    compiled_refusal: str
    tflm_arena_bytes: int
    golden: str | None
    golden_count: int

    @property
    def input_bytes(self) -> int:
        """Bytes of all inputs together."""
        return sum(tensor.size_bytes for tensor in self.inputs)

    @property
    def output_bytes(self) -> int:
        """Bytes of all outputs together."""
        return sum(tensor.size_bytes for tensor in self.outputs)

    @property
    def picture(self) -> tuple[int, int, int] | None:
        """Height, width and channels of a model that takes one picture, grey or RGB, of pixels; else None."""
        shape = self.inputs[0].shape
        is_one = self.pixel_input and len(self.inputs) == 1 and len(shape) == 4 and shape[3] in (1, 3)
        return (shape[1], shape[2], shape[3]) if is_one else None

    def compiled_for(self, core: Core) -> Compiled:
        """What the compiled engine makes of it for a core. UserError where it does not run the model."""
        if self.compiled_refusal or core.name not in self.compiled:
            raise UserError(self.compiled_refusal or f"{self.name} was not exported for {core.title}")
        return self.compiled[core.name]

    def compiled_of(self, constants_sha256: str) -> Compiled | None:
        """The one whose constants have that hash: what a device holds that says so."""
        return next((one for one in self.compiled.values() if one.constants_sha256 == constants_sha256), None)


def save_manifest(model: Path, manifest: Manifest) -> None:
    """Write `model.json` into the model's folder."""
    write_json(model / MANIFEST_FILE, manifest)


def other_models(model: Path) -> str:
    """`, or name a model that is there (digits_small)`; nothing where there is none, or the folder holds one begun."""
    names = [path.parent.name for path in sorted(BUILD.glob(f"*/{MANIFEST_FILE}"))]
    if not names or (model / TFLITE_FILE).is_file():
        return ""
    return f", or name a model that is there ({', '.join(names)}){advice.did_you_mean(model.name, names)}"


def load_manifest(model: Path) -> Manifest:
    """Read `model.json` of the folder `model`. UserError when it is not there, or not from this version."""
    remedy = f"run `{advice.command('export')}`"
    if not (model / MANIFEST_FILE).is_file():
        raise UserError(f"{model / MANIFEST_FILE} does not exist: {remedy} first{other_models(model)}")
    manifest = read_json(model / MANIFEST_FILE, Manifest, remedy)
    for tensor in (*manifest.inputs, *manifest.outputs):
        if min(tensor.shape, default=1) < 1 or tensor.size_bytes > LARGEST_TENSOR:
            raise UserError(f"{model / MANIFEST_FILE} cannot be used (a tensor of shape {tensor.shape}): {remedy}")
    return manifest
