"""Pieces of C source: headers, numbers, arrays and strings. No knowledge of models, and no loops or logic in the C."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

WIDTH = 118  # columns
INDENT = "    "
C_TYPES = {"int8": "int8_t", "int16": "int16_t", "int32": "int32_t"}


def provenance(sha256: str, tool: str) -> str:
    """The first lines of every generated file. No date: the same input gives the same bytes."""
    return f"// Generated from model.tflite by `make export`, {tool}. Do not edit.\n// sha256 {sha256}\n"


def header(origin: str, includes: Iterable[str], body: str) -> str:
    """A C header that C++ may include too."""
    lines = "".join(f"#include {name}\n" for name in includes)
    return (
        f'{origin}#pragma once\n{lines}\n#ifdef __cplusplus\nextern "C" {{\n#endif\n\n'
        f"{body.strip()}\n\n#ifdef __cplusplus\n}}\n#endif\n"
    )


# C++ has the keyword, C11 needs the header.
ALIGNAS = "#ifndef __cplusplus\n#include <stdalign.h>\n#endif\n"


def rows(items: Iterable[str], indent: str = INDENT) -> str:
    """Items with commas between, broken into lines of at most `WIDTH` columns, each ending in a newline."""
    text = ",\0".join(items)  # an item may have spaces
    if not text:
        return "\n"
    text += ","
    room, lines, start = WIDTH - len(indent), [], 0
    while len(text) - start > room:
        end = text.rfind("\0", start, start + room + 1)
        end = end if end > start else text.find("\0", start)  # an item that is longer than a line
        if end < 0:
            break
        lines.append(text[start:end])
        start = end + 1
    lines.append(text[start:])
    return "".join(f"{indent}{line}\n" for line in lines).replace("\0", " ")


def numbers(values: NDArray[np.generic], indent: str = INDENT) -> str:
    """All elements in memory order, as `rows`; each index of the first of several axes starts on a line of its own."""
    lines = values.reshape(values.shape[0] if values.ndim > 1 else 1, -1)
    return "".join(rows(map(number, line.tolist()), indent) for line in lines)


def number(value: int) -> str:
    """An integer literal. The smallest int32 has none of its own in C."""
    return "(-2147483647 - 1)" if value == -(2**31) else str(value)


def real(value: np.float32) -> str:
    """A float literal that reads back as the same float."""
    text = f"{float(value):.9g}"
    return f"{text}f" if any(mark in text for mark in ".en") else f"{text}.0f"


def string(text: str) -> str:
    """A string literal with the UTF-8 bytes of `text`; everything but plain characters in octal."""
    plain = (chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}" for byte in text.encode())
    return f'"{"".join(plain)}"'


def comment(text: str, limit: int = 60) -> str:
    """`text` fit for a // comment: one line, plain characters, at most `limit` of them, the end kept."""
    plain = "".join(char if " " <= char <= "~" and char != "\\" else "?" for char in text)
    return plain if len(plain) <= limit else f"...{plain[3 - limit :]}"


def shape(dims: Iterable[int]) -> str:
    """(28,28,1)"""
    return f"({','.join(map(str, dims))})"
