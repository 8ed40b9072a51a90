"""Dataclasses in JSON files, written whole and read back strictly: each field there, of its type, and no other."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tinyproof.console import UserError, write_atomically

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")


def write_json(path: Path, value: DataclassInstance, **more: object) -> None:
    """Write the fields of a dataclass, after `more` that is there for readers alone."""
    write_atomically(path, json.dumps({**more, **asdict(value)}, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path, kind: type[T], remedy: str, without: tuple[str, ...] = ()) -> T:
    """What `write_json` wrote, `without` the more. UserError where it is not there or is something else, OSError
    where it may not be read.

    `remedy` is what makes the file: "run `make export`".
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        for name in without if isinstance(raw, dict) else ():
            raw.pop(name, None)
        value = msgspec.convert(raw, kind)
        if extra := _extra(raw, msgspec.to_builtins(value), "$"):
            raise ValueError(f"{extra} is nothing that this version knows")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: {remedy} first") from None
    except (ValueError, RecursionError) as error:  # msgspec's are ValueErrors
        raise UserError(f"{path} cannot be used ({error}): {remedy} to make it again") from None
    return value


def _extra(raw: Any, known: Any, where: str) -> str:
    """The first name in `raw` that did not become part of the value; empty where there is none."""
    if isinstance(raw, dict) and isinstance(known, dict):
        for name, part in raw.items():
            found = f"{where}.{name}" if name not in known else _extra(part, known[name], f"{where}.{name}")
            if found:
                return found
    if isinstance(raw, list) and isinstance(known, (list, tuple)):
        for index, pair in enumerate(zip(raw, known, strict=True)):
            if found := _extra(*pair, f"{where}[{index}]"):
                return found
    return ""
