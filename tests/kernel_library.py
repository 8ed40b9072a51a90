"""Runs lowered Programs on the C kernels through ctypes, so that hundreds of cases need one compilation.

The parameter structs are read from `kernels.h` itself: a member that export and kernels disagree about fails here.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.cores import CORES
from tinyproof.export.c_values import ConstantTable, Struct
from tinyproof.export.layout import Buffer, Place
from tinyproof.export.memory_plan import IN_PLACE
from tinyproof.export.program import Program, Step
from tinyproof.firmware.build import kernel_folders

KERNELS = list(dict.fromkeys(folder for core in CORES.values() for folder in kernel_folders(core)))


def kernel_sources() -> list[Path]:
    """Every C file of them."""
    return sorted(path for folder in KERNELS for path in folder.glob("*.c"))


GUARD = 64  # bytes around the arena and the output that no kernel may touch
CANARY = 0x5A
C_TYPES: dict[str, Any] = {
    "int32_t": ctypes.c_int32,
    "uint16_t": ctypes.c_uint16,
    "const int8_t *": ctypes.c_void_p,
    "const int16_t *": ctypes.c_void_p,
    "const int32_t *": ctypes.c_void_p,
}


def parse_structs(header: str) -> dict[str, type[ctypes.Structure]]:
    """Every `typedef struct` of a header as a ctypes structure, by name."""
    structs: dict[str, type[ctypes.Structure]] = {}
    for body, name in re.findall(r"typedef struct \{(.*?)\} (\w+);", re.sub(r"//.*", "", header), re.DOTALL):
        fields = []
        for declaration in filter(None, map(str.strip, body.split(";"))):
            ctype, members = re.fullmatch(r"((?:const )?\w+ \*?)(.*)", declaration, re.DOTALL).groups()
            kind = C_TYPES.get(ctype.strip()) or C_TYPES.get(ctype) or structs[ctype.strip()]
            fields += [(member.strip(), kind) for member in members.split(",")]
        structs[name] = type(name, (ctypes.Structure,), {"_fields_": fields})
    return structs


class KernelLibrary:
    """The compiled kernels."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._structs = parse_structs(
            "".join(path.read_text() for folder in KERNELS for path in folder.glob("*kernels.h"))
        )
        self._ready_for: Program | None = None
        self._ready: list[tuple[Any, ctypes.Structure, list[NDArray[np.generic]]]] = []

    def tensors(self, program: Program, x: NDArray[np.int8]) -> list[NDArray[np.int8]]:
        """What each step of the program leaves in its output, flat; otherwise as `run`."""
        found: list[NDArray[np.int8]] = []
        self.run(program, x, found.append)
        return found

    def run(
        self, program: Program, x: NDArray[np.int8], watch: Callable[[NDArray[np.int8]], None] | None = None
    ) -> NDArray[np.int8]:
        """What `model_compute` of the program would write, flat, with checks that no step writes where it may not.

        x: the inputs one after the other. `watch` gets every step's output.
        """
        constants = {x.index: x.data.astype(np.int8) for x in program.constants if x.data is not None}
        memory = {
            Place.INPUT: x.copy().reshape(-1),
            Place.ARENA: np.full(program.arena_bytes + 2 * GUARD, CANARY, np.int8),
            Place.OUTPUT: np.full(sum(y.size for y in program.outputs) + 2 * GUARD, CANARY, np.int8),
        }
        if self._ready_for is not program:
            self._ready_for, self._ready = program, [self._prepared(step) for step in program.steps]
        for step, (kernel, params, _) in zip(program.steps, self._ready, strict=True):
            before = {place: values.copy() for place, values in memory.items()}
            kernel(*(_address(memory, constants, buffer) for buffer in step.buffers), ctypes.byref(params))
            _check_writes(before, memory, [step.buffers[0], *([step.scratch] if step.scratch else [])])
            if watch is not None:
                start = _start(step.y_buffer)
                watch(memory[step.y_buffer.place][start : start + step.y_buffer.size_bytes].copy())
        return memory[Place.OUTPUT][GUARD:-GUARD]

    def _prepared(self, step: Step) -> tuple[Any, ctypes.Structure, list[NDArray[np.generic]]]:
        """The kernel and its parameters, with the tables that these point to."""
        _check_overwriting(step)
        keep: list[NDArray[np.generic]] = []
        return getattr(self._library, f"{step.kernel.name}_s8"), self._structure(step.params.struct(), keep), keep

    def _structure(self, struct: Struct, keep: list[NDArray[np.generic]]) -> ctypes.Structure:
        result = self._structs[struct.ctype]()
        assert [field.name for field in struct.fields] == [name for name, *_ in result._fields_]
        for field in struct.fields:
            value: Any = field.value
            if isinstance(value, Struct):
                value = self._structure(value, keep)
            elif isinstance(value, ConstantTable):
                keep.append(np.ascontiguousarray(value.values))
                value = keep[-1].ctypes.data
            setattr(result, field.name, value)
            if isinstance(value, int) and not isinstance(field.value, ConstantTable):
                assert getattr(result, field.name) == value, f"{field.name} = {value} does not fit its C type"
        return result


def different(programs: Iterable[Program]) -> list[Program]:
    """Those with other calls or parameters than any before: several cores may compute a model alike."""
    return list({_calls(program): program for program in programs}.values())


def _calls(program: Program) -> tuple[object, ...]:
    return tuple((step.kernel.name, step.buffers, _content(step.params.struct())) for step in program.steps)


def _content(struct: Struct) -> tuple[object, ...]:
    values = (field.value for field in struct.fields)
    return tuple(
        _content(v) if isinstance(v, Struct) else v.values.tobytes() if isinstance(v, ConstantTable) else v
        for v in values
    )


def _start(buffer: Buffer) -> int:
    return buffer.offset + (0 if buffer.place is Place.INPUT else GUARD)


def _address(
    memory: dict[Place, NDArray[np.int8]], constants: dict[int, NDArray[np.int8]], buffer: Buffer
) -> ctypes.c_void_p:
    if buffer.place is Place.CONSTANT:
        return ctypes.c_void_p(constants[buffer.offset].ctypes.data)
    return ctypes.c_void_p(memory[buffer.place].ctypes.data + _start(buffer))


def _check_overwriting(step: Step) -> None:
    """Where the output lies over an operand it begins as its kernel's `leads` ask for."""
    y, *xs = step.buffers[: 1 + len(step.xs)]
    leads = step.kernel.leads(step.params) if step.kernel.leads else (None,) * len(xs)
    for x, lead in zip(xs, leads, strict=True):
        apart = x.offset + x.size_bytes <= y.offset or y.offset + y.size_bytes <= x.offset
        if x.place is y.place is Place.ARENA and not apart:
            assert lead is not None, f"{step.name} overwrites an operand that it may not"
            fits = y.offset == x.offset if lead == IN_PLACE else y.offset + lead <= x.offset
            assert fits, f"{step.name} begins at {y.offset}, its operand at {x.offset}; lead {lead}"


def _check_writes(
    before: dict[Place, NDArray[np.int8]], after: dict[Place, NDArray[np.int8]], written: list[Buffer]
) -> None:
    for place, values in after.items():
        allowed = np.zeros(values.size, bool)
        for buffer in written:
            if buffer.place is place:
                allowed[_start(buffer) : _start(buffer) + buffer.size_bytes] = True
        changed = np.flatnonzero((values != before[place]) & ~allowed)
        assert changed.size == 0, f"a kernel wrote where it may not, into the {place.value} at {changed[:8]}"
