"""The architecture search: fits the board, goes on where it stopped, leaves a choice that can be trained by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from training_sets import assert_one_line, run

from tinyproof.training import search, search_plot
from tinyproof.training.candidates import Candidate, choose
from tinyproof.training.commands.search import command
from tinyproof.training.cost import Cost
from tinyproof.training.network import Block, Network, network_from_json
from tinyproof.training.presets import SEARCH_FOLDER, find_preset


def candidate(accuracy: float, milliseconds: float) -> Candidate:
    return Candidate(Network((Block("conv", 8),), "mean"), accuracy, Cost(1000, 1000, milliseconds))


def run_search(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


@pytest.mark.parametrize(
    ("tried", "chosen"),
    [
        ([(0.90, 5.0)], 0),
        ([(0.90, 5.0), (0.95, 50.0)], 1),
        ([(0.948, 5.0), (0.95, 50.0)], 0),  # as good within half a point, and ten times faster
        ([(0.90, 5.0), (0.95, 50.0), (0.95, 40.0)], 2),
    ],
)
def test_the_fastest_of_the_best_is_chosen(tried: list[tuple[float, float]], chosen: int) -> None:
    candidates = [candidate(*values) for values in tried]
    assert choose(candidates) is candidates[chosen]


def test_the_front_holds_what_no_faster_network_beats() -> None:
    tried = [candidate(*values) for values in [(0.9, 5.0), (0.8, 6.0), (0.95, 7.0), (0.95, 9.0), (0.7, 1.0)]]
    assert [c.cost.milliseconds for c in search_plot.pareto(tried)] == [1.0, 5.0, 7.0]


def test_a_search_goes_on_plots_and_leaves_a_network_that_trains_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(search, "WIDTHS", (8, 8, 8, 8))
    monkeypatch.setattr(search, "TRAIN_IMAGES", 200)
    first = run_search("--trials", "1", "--seed", "3")
    assert first.exit_code == 0, first.output
    assert run_search("--trials", "2", "--seed", "4").exit_code == 0
    folder = SEARCH_FOLDER / "digits"
    assert (folder / "search.png").read_bytes().startswith(b"\x89PNG")
    chosen = json.loads((folder / "chosen.json").read_text())
    assert find_preset("searched", "digits").network == network_from_json(chosen["network"])
    assert set(chosen["cost"]) == {"weight_bytes", "arena_bytes", "milliseconds"}
    result = run("--preset", "searched", "--epochs", "1", "--out", "model")
    assert result.exit_code == 0, result.output


def test_a_limit_that_nothing_meets_ends_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert_one_line(run_search("--trials", "1", "--milliseconds", "0.01", "--board", "qemu"), "no network fits qemu")


def test_a_storage_that_cannot_be_opened_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert_one_line(run_search("--storage", "sqlite:////nowhere/at/all.db"), "the storage sqlite:////nowhere/at/all.db")
