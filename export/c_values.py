"""Values on their way into C: constant tables and nested struct initializers, without a word of C syntax.

Ops build these (`export.ops`), `export.emit_model` prints them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ConstantTable:
    """A constant array in flash; int8, int16 or int32, any shape."""

    values: NDArray[np.int8] | NDArray[np.int16] | NDArray[np.int32]

    @property
    def flash_bytes(self) -> bytes:
        """The table as it lies in the flash of a little-endian device."""
        return self.values.astype(self.values.dtype.newbyteorder("<")).tobytes()


@dataclass(frozen=True)
class Field:
    """One member of a struct, in the order of its declaration."""

    name: str
    value: int | ConstantTable | Struct


@dataclass(frozen=True)
class Struct:
    """An initializer of the C struct `ctype`."""

    ctype: str
    fields: tuple[Field, ...]

    def tables(self) -> tuple[tuple[str, ConstantTable], ...]:
        """Every table below this struct in the order of declaration, named after the members on the way to it."""
        found: list[tuple[str, ConstantTable]] = []
        for field in self.fields:
            if isinstance(field.value, ConstantTable):
                found.append((field.name, field.value))
            elif isinstance(field.value, Struct):
                found.extend((f"{field.name}_{name}", table) for name, table in field.value.tables())
        return tuple(found)


class CStruct:
    """Base of dataclasses that become C structs: `c_type`, with the fields as members in the order of declaration.

    `members` where C has others, or another order: names of attributes.
    """

    c_type: ClassVar[str]
    members: ClassVar[tuple[str, ...]] = ()

    def struct(self) -> Struct:
        """The initializer. Arrays become tables, numbers themselves."""
        names = self.members or tuple(field.name for field in fields(self))  # type: ignore[arg-type]
        return Struct(self.c_type, tuple(Field(name, _value(getattr(self, name))) for name in names))


def _value(value: int | NDArray[np.int32] | CStruct) -> int | ConstantTable | Struct:
    if isinstance(value, CStruct):
        return value.struct()
    return ConstantTable(value) if isinstance(value, np.ndarray) else int(value)
