"""The constants of a program in C: tables and parameter structs, each once however many steps have the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinyproof.export.c_values import ConstantTable, Struct
from tinyproof.export.graph import Tensor
from tinyproof.export.program import Program, Step

Key = tuple[object, ...]


class Constants:
    """Names of tables and structs.

    `tables`: by name, in order; `table_of`: by step and member, which one it has; `structs`: by step, whose it has.
    """

    def __init__(self, program: Program) -> None:
        self.tables: dict[str, ConstantTable] = {}
        self.table_of: dict[str, str] = {}
        self.structs: dict[str, str] = {}
        self._names: dict[Key, str] = {}
        for tensor in program.constants:
            self._add(operand_name(tensor.index), operand_table(tensor))
        structs: dict[Key, str] = {}
        for step in program.steps:
            struct = step.params.struct()
            for member, table in struct.tables():
                name = f"{step.name}_{member}"
                if _table_key(table) not in self._names:
                    self._add(name, table)
                self.table_of[name] = self.name(table)
            self.structs[step.name] = structs.setdefault(_struct_key(struct), step.name)

    def _add(self, name: str, table: ConstantTable) -> None:
        self.tables[name] = table
        self._names.setdefault(_table_key(table), name)

    @property
    def size_bytes(self) -> int:
        """Of all tables."""
        return sum(table.values.nbytes for table in self.tables.values())

    def name(self, table: ConstantTable) -> str:
        """What a table is called."""
        return self._names[_table_key(table)]

    def own_tables(self, step: Step) -> Iterator[tuple[str, ConstantTable]]:
        """Those of a step, with their names, that no step before has."""
        for member, table in step.params.struct().tables():
            if (name := f"{step.name}_{member}") in self.tables:
                yield name, table


def operand_name(tensor: int) -> str:
    """What the table of a constant is called that steps read as an operand; tensor: its index."""
    return f"constant_{tensor}"


def operand_table(tensor: Tensor) -> ConstantTable:
    """Its bytes."""
    assert tensor.data is not None
    return ConstantTable(tensor.data.astype(np.int8))


def _table_key(table: ConstantTable) -> Key:
    return table.values.dtype.name, table.values.size, table.flash_bytes


def _struct_key(struct: Struct) -> Key:
    values = (field.value for field in struct.fields)
    return struct.ctype, *(_value_key(value) for value in values)


def _value_key(value: int | ConstantTable | Struct) -> object:
    if isinstance(value, Struct):
        return _struct_key(value)
    return _table_key(value) if isinstance(value, ConstantTable) else value
