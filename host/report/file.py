"""Reads report.json back into a `Report`, trusting nothing: each field has its type or the file is refused."""

from __future__ import annotations

import json
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from tinyproof import advice
from tinyproof.console import UserError
from tinyproof.host.report.report import REPORT_FILE, Report


def load_report(model: Path) -> Report:
    """The report in the folder `model`. UserError when there is none, or none that this version understands."""
    path = model / REPORT_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            content.pop("verdict", None)  # follows from the counts
        report = _read(Report, content, "the report")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: run `{advice.command('validate')}` first") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(
            f"{path} cannot be used ({error}): run `{advice.command('validate')}` to make it again"
        ) from None
    assert isinstance(report, Report)
    return report


def _read(kind: Any, value: Any, where: str) -> Any:
    """`value` of JSON as a value of the type `kind`. ValueError says where it is none."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _read(next(a for a in arguments if a is not type(None)), value, where)
    if is_dataclass(kind):
        return _read_fields(kind, value, where)
    if origin is list and isinstance(value, list):
        return [_read(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {name: _read(arguments[1], item, f"{where}[{name}]") for name, item in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise ValueError(f"{where} is {str(value)[:40]!r}")


def _read_fields(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is {str(value)[:40]!r}")
    hints = typing.get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}
    if unknown := sorted(set(value) - set(known)):
        raise ValueError(f"{where} has {unknown[0]!r}, which this version does not know")
    required = (f.name for f in known.values() if f.default is MISSING and f.default_factory is MISSING)
    if missing := [name for name in required if name not in value]:
        raise ValueError(f"{where} lacks {missing[0]!r}")
    return kind(**{name: _read(hints[name], item, name) for name, item in value.items()})
