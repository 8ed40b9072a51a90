"""`model.json`: what every other stage knows of an exported model. Written last: where it is, the export is whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

from tinyproof import advice
from tinyproof.console import UserError, write_atomically

MANIFEST_FILE = "model.json"
TFLITE_FILE = "model.tflite"


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
    weight_bytes: int  # of its constant tables in the compiled engine


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


@dataclass(frozen=True)
class Manifest:
    """An exported model.

    `model_sha256` is over the `.tflite`, `segments_sha256` over the constant tables of the compiled engine in order, as
    they lie in flash. `compiled_refusal`: why the compiled engine does not run the model, in a sentence; empty when it
    does, and only then do `steps`, `segments_sha256`, `macs` and the bytes of weights and arena say anything.
    The two `small_` numbers are what `--optimize small` makes of weight_bytes and arena_bytes.
    `tflm_arena_bytes`: the arena that TensorFlow Lite Micro gets. `pixel_input`: an input byte is `pixel - 128`.
    `golden`: the reference behind the golden vectors in the generated C, None where it was not available and there are
    none.
    """

    name: str
    tool: str
    model_sha256: str
    segments_sha256: str
    tflite_bytes: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    pixel_input: bool
    labels: tuple[str, ...]
    ops: tuple[OpInfo, ...]
    steps: tuple[StepInfo, ...]
    macs: int
    weight_bytes: int
    arena_bytes: int
    small_weight_bytes: int
    small_arena_bytes: int
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

    def to_json(self) -> str:
        """The content of `model.json`."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def save_manifest(model: Path, manifest: Manifest) -> None:
    """Write `model.json` into the model's folder."""
    write_atomically(model / MANIFEST_FILE, manifest.to_json())


def load_manifest(model: Path) -> Manifest:
    """Read `model.json` of the folder `model`. UserError when it is not there, or not from this version."""
    path = model / MANIFEST_FILE
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(
            **{
                **fields,
                "inputs": tuple(TensorInfo(**_frozen(tensor)) for tensor in fields["inputs"]),
                "outputs": tuple(TensorInfo(**_frozen(tensor)) for tensor in fields["outputs"]),
                "labels": tuple(fields["labels"]),
                "ops": tuple(OpInfo(**_frozen(op)) for op in fields["ops"]),
                "steps": tuple(StepInfo(**_frozen(step)) for step in fields["steps"]),
            }
        )
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: run `{advice.command('export')}` first") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} cannot be used ({type(error).__name__}): run `{advice.command('export')}` to make it again"
        ) from None


def _frozen(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a dataclass as it was written: JSON has lists where it had tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
