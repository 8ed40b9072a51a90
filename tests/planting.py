"""Faults planted in an exported model, which the export then seems to have made on purpose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tinyproof.boards import BOARDS
from tinyproof.cores import Core
from tinyproof.made import remember
from tinyproof.manifest import C_FOLDER, SOURCES, StepInfo, load_manifest, save_manifest

HOST_CORE = BOARDS["host"].core


def model_c(model: Path, core: Core = HOST_CORE, name: str = "model.c") -> Path:
    """The generated program of the compiled engine for a core."""
    return model / "c" / core.name / name


def take_for_ours(model: Path) -> None:
    """Have the model's C count as what an export on this computer wrote."""
    remember(model, SOURCES, "", (path for path in (model / C_FOLDER).rglob("*") if path.is_file()))


def expect_constants(
    model: Path, sha256: str, core: Core = HOST_CORE, steps: tuple[StepInfo, ...] | None = None
) -> None:
    """Have the manifest say that the constants for a core have this hash, and perhaps that these are its steps."""
    manifest = load_manifest(model)
    compiled = replace(manifest.compiled[core.name], constants_sha256=sha256)
    if steps is not None:
        compiled = replace(compiled, steps=steps)
    save_manifest(model, replace(manifest, compiled={**manifest.compiled, core.name: compiled}))
