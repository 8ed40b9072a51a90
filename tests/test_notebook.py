"""The lab's notebook: cleared in the repository, runs from top to bottom, follows what is changed; and its command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
from conftest import ROOT
from nbclient import NotebookClient
from needs import golden

from tinyproof.export.golden import Golden
from tinyproof.host.samples import load_samples
from tinyproof.manifest import TFLITE_FILE, load_manifest
from tinyproof.model_files import FLOAT_SCORES_FILE
from tinyproof.training.lab.notebook import NAME, original, write_copy

NOTEBOOK = ROOT / "docs" / NAME


def opened(path=NOTEBOOK):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    return notebook


def run(notebook, folder):
    """Run every cell, in a kernel that starts in `folder`. Returns all text, and how many figures there are."""
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    return text, sum("image/png" in output.get("data", {}) for output in outputs)


def test_outputs_are_cleared_in_the_repository():
    for cell in opened().cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None, cell.source[:60]
    assert original() == NOTEBOOK
    assert "\\u001b" not in NOTEBOOK.read_text()


@golden
def test_it_runs_from_top_to_bottom_in_the_models_folder(model):
    text, figures = run(opened(write_copy(model)), model)
    assert "sum =  427, more than 255: the new pixel is 255" in text
    assert "pixels that differ: 0\n" in text
    assert "pixels that differ from int8 arithmetic in NumPy: 0\n" in text
    assert "a picture of class 2" in text
    # What was trained differs in its last bits from one kind of processor to another, and so may a picture's class.
    samples, network = load_samples(model, load_manifest(model), 300), Golden((model / TFLITE_FILE).read_bytes())
    exact = np.load(model / FLOAT_SCORES_FILE)[:300].argmax(1)
    rounded = np.array([np.frombuffer(network.run_bytes(x.tobytes()), np.int8).argmax() for x in samples.inputs])
    assert f"float is right for {(exact == samples.labels).mean():.1%} of 300 pictures" in text
    assert f"int8 is right for {(rounded == samples.labels).mean():.1%}" in text
    assert f"both say the same for {(exact == rounded).mean():.1%}" in text
    assert (exact == rounded).mean() > 0.99
    assert figures == 14 and "\x1b" not in text


def test_other_numbers_make_another_picture_and_the_loops_follow():
    notebook = opened()
    index = next(i for i, cell in enumerate(notebook.cells) if "numbers = [" in cell.source)
    first = next(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    cell = notebook.cells[index]
    for old, new in (("[-1, 0, 1]", "[1, 1, 1]"), ("[-2, 0, 2]", "[1, 2.5, 1]"), ("weight = 1", "weight = 1/9")):
        assert old in cell.source
        cell.source = cell.source.replace(old, new)
    cell.source = cell.source.replace(
        "\nlab.draw", "\nprint(filtered.mean() > picture.mean(), lab.as_filter(numbers).text)\nlab.draw"
    )
    notebook.cells = [notebook.cells[i] for i in (first, index, index + 2)]
    text, figures = run(notebook, ROOT)
    assert text == "True 1 1 1 / 1 2.5 1 / 1 1 1\npixels that differ: 0\n" and figures == 2


def test_the_copy_is_about_the_model_beside_it_and_keeps_what_was_changed(model, command):
    renamed = model.rename(model.with_name("mine"))
    result = command("notebook", "--model", renamed, "--no-open")
    assert (result.returncode, result.stdout) == (0, f"notebook: {renamed / NAME}\n"), result.stderr
    sources = [cell.source for cell in opened(renamed / NAME).cells]
    assert any('MODEL = "."  #' in source for source in sources)
    (renamed / NAME).write_text("changed")
    assert command("notebook", "--model", renamed, "--no-open").returncode == 0
    assert (renamed / NAME).read_text() == "changed"


def test_a_folder_without_a_model_gets_no_notebook(tmp_path, command):
    result = command("notebook", "--model", tmp_path, "--no-open")
    assert result.returncode == 2 and "there is no" in result.stderr and "make export" in result.stderr
    assert not (tmp_path / NAME).exists()


def test_without_jupyterlab_one_line_says_what_to_install(model, command, tmp_path):
    (tmp_path / "jupyterlab.py").write_text("")
    hide = tmp_path / "sitecustomize.py"
    hide.write_text("import sys\nsys.modules['jupyterlab'] = None\n")
    result = command("notebook", "--model", model, PYTHONPATH=str(tmp_path))
    assert result.returncode == 2
    assert f"{model / NAME} is there, but JupyterLab is not installed" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="ends it by a signal")
def test_jupyterlab_opens_the_copy(model, tmp_path):
    browser, opened_file = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {opened_file}.part && mv {opened_file}.part {opened_file}\n')
    browser.chmod(0o755)
    environment = os.environ | {"BROWSER": f"{browser} %s", "HOME": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "tinyproof", "notebook", "--model", model],
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 240
        while not opened_file.exists():
            assert process.poll() is None, process.stderr.read().decode()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        page = opened_file.read_text().removeprefix("file://")
        assert NAME in (Path(page).read_text() if page.startswith("/") else page)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)
