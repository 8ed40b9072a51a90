"""The generated C as the checker reads it: every token of `model.c` and `model.h` is one of a small grammar, or it is
refused. So nothing can stand there that the compiler sees and the checker does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .findings import require

TYPES: dict[str, Any] = {"int8_t": np.int8, "int16_t": np.int16, "int32_t": np.int32}
PREAMBLE = re.compile(
    r'\s*#include "model\.h"\s*#include "kernels\.h"\s*(#include "\w+_kernels\.h"\s*)*'
    r"#ifndef __cplusplus\s*#include <stdalign\.h>\s*#endif\n"
)
TOKEN = re.compile(r"[A-Za-z_]\w*|0(?!\w)|[1-9]\d*(?!\w)|[-+=*&{}()\[\];,.]")
SIGNATURE = [
    "void",
    "model_compute",
    "(",
    "const",
    "int8_t",
    "*",
    "input",
    ",",
    "int8_t",
    "*",
    "output",
    ",",
    "engine_watcher",
    "watch",
    ")",
    "{",
]
HEADER = """#pragma once
#include "engine.h"
#ifdef __cplusplus
extern "C" {
#endif
#ifdef MODEL_ARENA_BYTES
#error "two models in one file: compile each model.c by itself, and include no two model.h (docs/compiled-engine.md)"
#endif
#define MODEL_ARENA_BYTES 0
#define MODEL_SEGMENT_COUNT 0
extern const engine_segment model_segments[];
void model_compute(const int8_t *input, int8_t *output, engine_watcher watch);
static inline void model_invoke(const int8_t *input, int8_t *output, engine_watcher watch) {
model_compute(input, output, watch ? watch : engine_unwatched);
}
static inline void model_run(const int8_t *input, int8_t *output) {
model_compute(input, output, engine_unwatched);
}
#ifdef __cplusplus
}
#endif"""


@dataclass(frozen=True)
class Pointer:
    """An argument: a place in "arena", "input", "output", or in a table."""

    base: str
    offset: int


@dataclass(frozen=True, eq=False)
class Call:
    """One kernel call."""

    kernel: str
    pointers: tuple[Pointer, ...]
    struct: str


@dataclass
class Source:
    """What the two files of a core say."""

    arena_bytes: int
    tables: dict[str, NDArray[np.int64]] = field(default_factory=dict)  # as one row
    widths: dict[str, int] = field(default_factory=dict)  # bytes of an element
    structs: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)  # type and members
    calls: list[Call] = field(default_factory=list)


def _without_comments(text: str, name: str) -> str:
    require("\\" not in text and "/*" not in text and "??" not in text, f"{name}: not as the export writes it")
    return re.sub(r"//[^\n]*", "", text)


def _arena_bytes(text: str) -> int:
    lines = [line.strip() for line in _without_comments(text, "model.h").splitlines()]
    numbers = re.findall(r"^#define MODEL_ARENA_BYTES (\d+)$", "\n".join(lines), re.MULTILINE)
    found = re.sub(r"(#define MODEL_(?:ARENA_BYTES|SEGMENT_COUNT)) \d+", r"\1 0", "\n".join(filter(None, lines)))
    require(found == HEADER and len(numbers) == 1, "model.h: not as the export writes it")
    return int(numbers[0])


def parse(model_c: str, model_h: str) -> Source:
    """The tables, structs and calls of a core's two files."""
    return _Parser(_without_comments(model_c, "model.c"), _arena_bytes(model_h)).source


class _Parser:
    def __init__(self, text: str, arena_bytes: int) -> None:
        preamble = PREAMBLE.match(text)
        require(preamble is not None and "#" not in text[preamble.end() :], "model.c: its beginning is another")
        assert preamble is not None
        self._tokens = self._split(text[preamble.end() :])
        self._at = 0
        self.source = Source(arena_bytes)
        while self._peek() != "void":
            self._declaration()
        self._function()
        require(self._at == len(self._tokens), "model.c: something follows model_compute")

    @staticmethod
    def _split(text: str) -> list[str]:
        rest = TOKEN.sub("", text).strip()
        require(not rest, f"model.c: {rest[:20]!r} is not of its grammar")
        return TOKEN.findall(text)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1] if self._at <= len(self._tokens) else ""

    def _expect(self, *tokens: str) -> None:
        for token in tokens:
            found = self._next()
            require(found == token, f"model.c: {found!r} where {token!r} belongs")

    def _name(self, new: bool = False) -> str:
        name = self._next()
        require(name.isidentifier(), f"model.c: {name!r} is no name")
        taken = name in self.source.tables or name in self.source.structs or name in ("arena", "input", "output")
        require(not (new and taken), f"model.c: {name} is declared twice")
        return name

    def _number(self) -> int:
        if self._peek() == "(":  # the smallest int32 has no literal of its own
            self._expect("(", "-", "2147483647", "-", "1", ")")
            return -(2**31)
        sign = -1 if self._peek() == "-" else 1
        self._at += sign < 0
        digits = self._next()
        require(digits.isdigit() and len(digits) < 11, f"model.c: {digits!r} is no number")
        require(int(digits) < 2**31, f"model.c: {digits} does not fit 32 bits")
        return sign * int(digits)

    def _declaration(self) -> None:
        first = self._next()
        if first == "alignas":
            self._expect("(")
            alignment = self._number()
            self._expect(")", "static")
            if alignment == 16:
                self._expect("int8_t", "arena", "[", "MODEL_ARENA_BYTES", "]", ";")
            else:
                self._table(alignment)
        elif first == "static":
            self._expect("const")
            kind, name = self._name(), self._name(new=True)
            self._expect("=")
            self.source.structs[name] = kind, self._struct()
            self._expect(";")
        else:
            require(first == "const", f"model.c: {first!r} begins no declaration")
            self._expect("engine_segment", "model_segments", "[", "]", "=", "{")
            while self._peek() != "}":
                self._expect("{")
                if self._peek() == "NULL" and not self.source.tables:
                    self._expect("NULL", ",", "0", "}", ",")
                    continue
                name = self._name()
                self._expect(",", "sizeof", name, "}", ",")
            self._expect("}", ";")

    def _table(self, alignment: int) -> None:
        self._expect("const")
        kind, name = self._next(), self._name(new=True)
        require(kind in TYPES and alignment == 4, f"model.c: {name} is a table of another kind")
        self._expect("[")
        count = self._number()
        self._expect("]", "=", "{")
        end = self._tokens.index("}", self._at)
        body = "".join(self._tokens[self._at : end]).replace("(-2147483647-1)", "-2147483648")
        require(re.fullmatch(r"(-?\d{1,10},)*", body) is not None, f"model.c: {name} is no table of numbers")
        values = [int(number) for number in body.split(",")[:-1]]
        self._at = end
        self._expect("}", ";")
        limits = np.iinfo(TYPES[kind])
        fits = not values or (min(values) >= limits.min and max(values) <= limits.max)
        require(len(values) == count and fits, f"model.c: {name} does not hold {count} {kind}")
        self.source.tables[name] = np.array(values, np.int64)
        self.source.widths[name] = limits.bits // 8

    def _struct(self) -> dict[str, Any]:
        self._expect("{")
        members: dict[str, Any] = {}
        while self._peek() != "}":
            self._expect(".")
            name = self._next()
            require(name.isidentifier() and name not in members, f"model.c: member {name} is there twice")
            self._expect("=")
            if self._peek() == "{":
                members[name] = self._struct()
            elif self._peek().isidentifier():
                members[name] = self._name()
            else:
                members[name] = self._number()
            self._expect(",")
        self._expect("}")
        return members

    def _function(self) -> None:
        self._expect(*SIGNATURE)
        while self._peek() != "}":
            name = self._name()
            self._expect("(")
            if name == "watch":
                self._pointer()
                self._expect(",")
                self._number()
            else:
                self.source.calls.append(self._call(name))
            self._expect(")", ";")
        self._expect("}")

    def _call(self, kernel: str) -> Call:
        pointers = []
        while self._peek() != "&":
            pointers.append(self._pointer())
            self._expect(",")
        self._expect("&")
        return Call(kernel, tuple(pointers), self._name())

    def _pointer(self) -> Pointer:
        base, offset = self._name(), 0
        if self._peek() == "+":
            self._expect("+")
            offset = self._number()
        known = base in ("arena", "input", "output") or base in self.source.tables
        require(known and offset >= 0, f"model.c: {base} is no place")
        return Pointer(base, offset)
