"""The search as a user runs it: from a data set and a board to the network that training takes as `searched`."""

from __future__ import annotations

import json
from dataclasses import asdict

from tinyproof import advice, missing
from tinyproof.boards import Board
from tinyproof.claim import claim
from tinyproof.console import UserError, console, make_writable, write_atomically
from tinyproof.training.candidates import choose
from tinyproof.training.datasets import load_dataset
from tinyproof.training.presets import CHOICE_FILE, SEARCHED, choice_file
from tinyproof.training.search import RECIPE, describe, open_study, part_of, read_candidates, search, storage_errors
from tinyproof.training.search_plot import PLOT_FILE, plot
from tinyproof.training.stage import parse_size


def search_network(
    dataset: str,
    board: Board,
    trials: int,
    milliseconds: float | None,
    storage: str | None,
    seed: int,
    size: str | None,
    color: bool | None,
) -> None:
    """Search, plot accuracy against time, and leave the choice in build/search/. UserError where nothing fits."""
    try:
        data = load_dataset(dataset, None if size is None else parse_size(size), color)
        folder = choice_file(dataset).parent
        storage = storage or f"sqlite:///{make_writable(folder, '') / 'study.db'}"
        study = open_study(storage, data, board, seed)
        make_writable(folder, "")
        with storage_errors(storage):
            search(study, part_of(data), board, trials, milliseconds, seed)
    except ModuleNotFoundError as error:
        raise UserError(f"the search needs the Python package {error.name}: {missing.cure('[train]')}") from error
    candidates = read_candidates(study, milliseconds)
    if not candidates:
        raise UserError(f"no network fits {board.name} of {trials} tried: allow more time or memory, or more TRIALS")
    claim(folder)  # not before: several searches may share a study
    chosen = choose(candidates)
    content = {"network": asdict(chosen.network), "accuracy": chosen.accuracy, "cost": asdict(chosen.cost)}
    write_atomically(
        folder / CHOICE_FILE, json.dumps({**content, "board": board.name, "study": study.study_name}, indent=2)
    )
    plot(candidates, chosen, folder / PLOT_FILE, f"{data.name} on {board.name}: {len(candidates)} networks")
    console.print(
        f"chosen of {len(candidates)}: {chosen.accuracy:.1%} on validation after {RECIPE.epochs} epochs, "
        f"{chosen.cost.milliseconds:.1f} ms, {chosen.cost.weight_bytes:,} bytes of constants"
    )
    console.print(f"{describe(chosen.network)}\nwrote {folder}/: {CHOICE_FILE} {PLOT_FILE}", markup=False)
    console.print(f"train it: {advice.command('train', dataset=dataset, preset=SEARCHED)}", markup=False)
