"""The notebook of the lab: a copy of docs/lab.ipynb for the user to change, with his model in it, and JupyterLab."""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

from tinyproof.console import UserError, console, write_atomically
from tinyproof.environment import run_module
from tinyproof.training.lab.trained import load_trained

NAME = "lab.ipynb"  # in docs/, in the installed package, and in a model's folder
HERE = Path(__file__).parent
MODEL_OF = 'MODEL = \\"digits_small\\"  # a folder in build/, made by `make export`'  # as it stands in the file
MODEL_HERE = 'MODEL = \\".\\"  # the one in the folder of this notebook; or a name in build/'


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
        write_atomically(copy, text.replace(MODEL_OF, MODEL_HERE).encode())
    return copy


def open_copy(copy: Path) -> None:
    """Start JupyterLab on the notebook, until it is stopped. Raises UserError where it is not installed."""
    if find_spec("jupyterlab") is None:
        raise UserError(
            f"{copy} is there, but JupyterLab is not installed: run `pip install jupyterlab`, or open it in an editor "
            "that runs notebooks"
        )
    console.print("JupyterLab opens in the browser; Ctrl-C here ends it.")
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # as in many a container
    subprocess.run([*run_module("jupyterlab"), str(copy), *root], check=False)
