"""The members of a C struct, each read once and for certain of the kind that is meant."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from .arithmetic import Ints
from .c_source import Source
from .findings import require


class Params:
    """A struct of a C source."""

    def __init__(self, source: Source, kind: str, members: dict[str, Any], where: str) -> None:
        self._source, self.kind, self._members, self.where = source, kind, members, where

    @staticmethod
    def of(source: Source, name: str, kind: str, where: str) -> Params:
        """The struct of that name, which has to be of that type."""
        require(name in source.structs, f"{where}: there is no struct {name}")
        found, members = source.structs[name]
        require(found == kind, f"{where}: {name} is a {found}, not a {kind}")
        return Params(source, kind, members, where)

    def _member(self, name: str, kind: type) -> Any:
        found = self._members.get(name)
        require(isinstance(found, kind), f"{self.where}: its struct has no {name}")
        return found

    def number(self, name: str) -> int:
        """An integer member."""
        return int(self._member(name, int))

    def flag(self, name: str) -> bool:
        """A member that is 0 or 1."""
        require(self.number(name) in (0, 1), f"{self.where}: {name} is neither 0 nor 1")
        return self.number(name) == 1

    def byte(self, name: str) -> int:
        """A member that is an int8."""
        require(-128 <= self.number(name) <= 127, f"{self.where}: {name} is no byte")
        return self.number(name)

    @property
    def clamp(self) -> tuple[int, int]:
        """y_min and y_max."""
        return self.byte("y_min"), self.byte("y_max")

    def part(self, name: str) -> Params:
        """A struct within it."""
        return Params(self._source, name, self._member(name, dict), self.where)

    def table(self, name: str, width: int, *shape: int) -> Ints:
        """The table that a member points to, with so many bytes an element, in that shape."""
        table = self._member(name, str)
        require(table in self._source.tables, f"{self.where}: {table} is no table")
        values, size = self._source.tables[table], 1
        for each in shape:
            size *= each
        right = self._source.widths[table] == width and values.size == size
        require(right, f"{self.where}: {table} does not hold {size} numbers of {width} bytes")
        return values.reshape(shape)

    def stream(self, name: str, width: int) -> Ints:
        """The same for a table of any length, as one row."""
        table = self._member(name, str)
        right = table in self._source.tables and self._source.widths[table] == width
        require(right, f"{self.where}: {table} is no table of numbers of {width} bytes")
        return self._source.tables[table]

    def window(self, name: str) -> Geometry:
        """A window_geometry within it."""
        p = self.part(name)
        sizes = [p.number(field.name) for field in fields(Geometry)]
        fits = min(sizes[:12]) > 0 and min(sizes[12:]) >= 0 and max(sizes) < 2**16
        require(fits, f"{self.where}: its geometry does not fit 16 bits")
        return Geometry(*sizes)


@dataclass(frozen=True)
class Geometry:
    """The members of `window_geometry`."""

    x_h: int
    x_w: int
    x_c: int
    y_h: int
    y_w: int
    y_c: int
    k_h: int
    k_w: int
    stride_h: int
    stride_w: int
    dilation_h: int
    dilation_w: int
    pad_h: int
    pad_w: int
