"""The measured figures of README.md and docs/performance.md: written by `make figures`, the same on both pages."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, replace

import pytest
from conftest import ROOT

from tinyproof.boards import find_board
from tinyproof.console import UserError
from tinyproof.cores import PORTABLE
from tinyproof.host.bench.chips import CHIPS
from tinyproof.host.bench.inference import RECORD_CHIP, ChipCost, ChoiceCost, InferenceCost, OpCost
from tinyproof.host.bench.on_boards import SHOWN as BOARDS
from tinyproof.host.bench.on_boards import BoardCost, measure_boards
from tinyproof.host.bench.tables import SHOWN, figure_pages, read_figures
from tinyproof.manifest import load_manifest
from tinyproof.optimize import Optimize

OPS = (
    OpCost("conv2d_packed", ("CONV_2D",), (1, 5, 5, 8), 1_000, 1_500, 2_000, 2_100, "1.75-2.3"),
    OpCost("softmax", ("SOFTMAX",), (1, 10), 0, 600, 900, 950, ""),
)
CHIP_COSTS = tuple(ChipCost(chip.title, 3_000, 0.05) for chip in CHIPS)
COST = InferenceCost("", "qemu", "compiled", 1_000, 2_100, 2_900, 3_050, 4_096, 11_000, 5_000, 9_000, CHIP_COSTS, OPS)
ON_BOARDS = [
    BoardCost(name, board, compiler, 1_000, 4_000, "instructions", 70, 90)
    for name in SHOWN
    for board in BOARDS
    for compiler in ("system", "zig")
]
CHOICES = [ChoiceCost(name, o.value, 2_000, 2_500, 4_000, 8_000) for name in (*SHOWN, "other") for o in Optimize]


def bench_json(models) -> bytes:
    inference = [asdict(replace(COST, model=name)) for name in models]
    measured = {"optimize": CHOICES, "boards": ON_BOARDS}
    others = {what: [asdict(one) for one in costs] for what, costs in measured.items()}
    return json.dumps({"inference": inference, **others, "link": []}).encode()


def test_tables_say_what_was_measured(tmp_path):
    (tmp_path / "docs").mkdir()
    for name in ("README.md", "docs/performance.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    pages = figure_pages(read_figures(bench_json([*SHOWN, "other"])), tmp_path)
    readme, performance = pages[tmp_path / "README.md"], pages[tmp_path / "docs/performance.md"]
    assert (
        "| ResNet8 | 2,100 | 28,379,493 | 0.00 | 4,096 | 54,996 | 0.07 | 2.90 | 3.00 | 19800.00 | 0.1 | 0.1 |" in readme
    )
    assert "takes 11,000 to 11,000 bytes of flash" in readme
    assert f"| | modelled cycles on an {CHIPS[0].title} | 3,000: 0.05 ms | | |" in performance
    assert f"| | modelled cycles on an {RECORD_CHIP.title} | 3,000: 0.05 ms | record 19,800,000 | 0.00 |" in performance
    assert "| `conv2d_packed` | (5,5,8) | 1,000 | 1,500 | 2,000 | 2,100 | 1.50 | 2.00 | 1.75-2.3 |" in performance
    assert "| `softmax` | (10) | 0 | 600 | 900 | 950 | | | |" in performance
    assert "| `kws_dscnn` | small | 2,000 | 2,500 | 2.50 | 4,000 | 8,000 |" in performance
    for board in BOARDS:
        assert f"| `cnn_small` | `{board}` | 4,000: 4.00 | 4,000: 4.00 | 70 | 90 |" in performance
    assert "other" not in re.findall(r"^\| `(\w+)`", performance, re.MULTILINE)
    for page, text in pages.items():
        page.write_text(text)
    assert figure_pages(read_figures(bench_json(SHOWN)), tmp_path) == pages


def test_figures_without_one_of_the_models_are_refused():
    with pytest.raises(ValueError, match="no figures of kws_ref_model.tflite"):
        read_figures(bench_json([name for name in SHOWN if name != "kws_dscnn"]))


def test_both_pages_have_the_same_figures():
    readme = re.findall(
        r"^\| [^|]+ \| ([\d,]+) \| [\d,]+ \| 0\.\d\d \|", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    performance = (ROOT / "docs/performance.md").read_text()
    assert readme == re.findall(r"^\| `\w+` \| instructions \| ([\d,]+) \|", performance, re.MULTILINE)
    assert len(readme) == len(SHOWN)


def test_figures_need_the_published_models():
    variables = {name: value for name, value in os.environ.items() if name != "TINYPROOF_DATA"}
    command = [sys.executable, "-m", "tinyproof", "bench", "--docs"]
    result = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)
    assert result.returncode == 2
    assert "set TINYPROOF_DATA to the folder with the published models" in " ".join(result.stderr.split())


def test_an_inference_is_counted_on_any_board_that_runs_here(model):
    [cost] = measure_boards({"a model": model}, find_board("qemu-xtensa"))
    manifest = load_manifest(model)
    memory = manifest.compiled_for(PORTABLE)
    assert (cost.model, cost.compiler, cost.unit, cost.macs) == ("a model", "system", "instructions", manifest.macs)
    assert (cost.arena_bytes, cost.weight_bytes) == (memory.arena_bytes, memory.weight_bytes)
    assert 1 < cost.count / cost.macs < 10


def test_a_board_that_does_not_run_here_is_not_counted():
    with pytest.raises(UserError, match="board nano33ble does not run on this machine"):
        measure_boards({}, find_board("nano33ble"))
