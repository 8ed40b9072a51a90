"""The notebook of the lab: a copy of docs/lab.ipynb for the user to change, with his model in it, and JupyterLab."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tinyproof import advice
from tinyproof.console import UserError, console, write_atomically
from tinyproof.folders import DATASET, PRESET, trained_folder
from tinyproof.training.lab.trained import load_trained

NAME = "lab.ipynb"  # in docs/, in the installed package, and in a model's folder
HERE = Path(__file__).parent
USUAL_MODEL = trained_folder(DATASET, PRESET).name  # of which the notebook speaks


def original() -> Path:
    """The notebook that is copied."""
    installed = HERE / NAME
    return installed if installed.is_file() else HERE.resolve().parents[1] / "docs" / NAME


def write_copy(model: Path) -> Path:
    """Copy the notebook into a model's folder, unless it is there already: what was changed is kept. Returns the copy.

    Raises UserError for a folder that has no model whose images the lab can open.
    """
    load_trained(model)
    copy = model / NAME
    if not copy.exists():
        text = original().read_text(encoding="utf-8")
        write_atomically(
            copy, text.replace(f'MODEL = \\"{USUAL_MODEL}\\"', f'MODEL = \\"{model.resolve().name}\\"').encode()
        )
    return copy


def open_copy(copy: Path) -> None:
    """Start JupyterLab on the notebook, until it is stopped. Raises UserError where it is not installed."""
    if find_spec("jupyterlab") is None:
        raise UserError(
            f"{copy} is there, but JupyterLab is not installed: run `pip install 'tinyproof[notebook]'`, or `make notebook`, "
            "or open it in an editor that runs notebooks"
        )
    console.print("JupyterLab opens in the browser; Ctrl-C here ends it.")
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # as in many a container
    subprocess.run([sys.executable, "-m", "jupyterlab", str(copy), *root], check=False)
