"""`python -m training.search`: look for the network that suits a data set and a board best.

Optuna proposes networks; each is priced on the board before anything is trained, then trained for a few epochs on part
of the training images and judged on validation images. The test images are never touched. The study lives in a
database that several machines may share, and goes on where it was interrupted.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from firmware.boards import Board, find_board
from host.console import UserError, console, make_writable, progress_bar, run, write_atomically
from host.options import Words, board_option_for
from training.__main__ import parse_size
from training.batches import batch_count, training_batches
from training.datasets import BUILT_IN, load_dataset
from training.network import Block, Network, network_from_json
from training.optimize import compile_model
from training.presets import CHOICE_FILE, SEARCH_FOLDER, SEARCHED
from training.recipes import Recipe
from training.search_plot import PLOT_FILE, plot
from training.splits import Dataset, take_stratified
from training.train import Plan, predict

if TYPE_CHECKING:
    from training.cost import Cost

TRIALS = 40
TRAIN_IMAGES, VALIDATION_IMAGES = 10_000, 3_000  # at most, of each trial
RECIPE = Recipe(4, 64, "adamw", 3e-3, 0.02, 0.05, 0.0, "light")
NEAR = 0.005  # share of images; networks whose accuracies differ by less are as good as each other
WIDTHS = (8, 16, 24, 32, 48, 64)


@dataclass(frozen=True)
class Candidate:
    """A network that was tried: its accuracy on validation images after a short training, and its cost."""

    network: Network
    accuracy: float
    cost: Cost


@click.command()
@click.option(
    "--dataset", type=Words(tuple(BUILT_IN)), default="digits", show_default=True, help="As for `python -m training`."
)
@board_option_for("Whose flash and RAM it has to fit.")
@click.option("--trials", type=click.IntRange(min=1), default=TRIALS, show_default=True, help="Networks to train.")
@click.option("--milliseconds", type=click.FloatRange(min=0, min_open=True), help="Most modelled time an image.")
@click.option(
    "--storage", help="Optuna's storage, such as postgresql://host/name  [default: a SQLite file beside the result]"
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="Of proposals and weights."
)
@click.option("--size", help="Pictures only, as for `python -m training`.")
@click.option("--color/--grey", default=None, help="Pictures only, as for `python -m training`.")
def main(
    dataset: str,
    board_name: str,
    trials: int,
    milliseconds: float | None,
    storage: str | None,
    seed: int,
    size: str | None,
    color: bool | None,
) -> None:
    """Search for the network that suits a data set and a board.

    Plots accuracy against time and leaves the choice for `make train PRESET=searched`.
    """
    board = find_board(board_name)
    try:
        data = load_dataset(dataset, None if size is None else parse_size(size), color)
        folder = make_writable(SEARCH_FOLDER / data.name, "move what is in its place")
        study = open_study(storage or f"sqlite:///{folder / 'study.db'}", data, board, seed)
        search(study, part_of(data), board, trials, milliseconds, seed)
    except ModuleNotFoundError as error:
        raise UserError(f"the search needs the Python package {error.name}: install tinyproof[train]") from error
    candidates = read_candidates(study, milliseconds)
    if not candidates:
        raise UserError(f"no network fits {board.name} of {trials} tried: allow more time or memory, or more TRIALS")
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
    console.print(f"train it: make train DATASET={dataset} PRESET={SEARCHED}", markup=False)


def open_study(storage: str, data: Dataset, board: Board, seed: int) -> Any:
    """The study of this data set and board in the storage, new or begun. UserError if the storage cannot be used."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    shape = "x".join(map(str, data.image_shape))
    with warnings.catch_warnings():  # that multivariate and group are experimental: the lock file pins them
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True)
    try:
        return optuna.create_study(
            storage=storage,
            study_name=f"{data.name}-{shape}-{board.name}-{RECIPE.epochs}",
            sampler=sampler,
            directions=("maximize", "minimize"),
            load_if_exists=True,
        )
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError, ValueError, ImportError) as error:
        raise UserError(
            f"the storage {storage} cannot be used ({_first_line(error)}): give an address Optuna takes"
        ) from None


def part_of(data: Dataset) -> Dataset:
    """Few enough images for a short training; the rest, the test images among it, is left out."""
    train, _ = take_stratified(data.labels, data.train, min(TRAIN_IMAGES, len(data.train)))
    validation, _ = take_stratified(data.labels, data.validation, min(VALIDATION_IMAGES, len(data.validation)))
    test = data.test[:0]
    rest = np.setdiff1d(np.arange(len(data.images)), np.concatenate([train, validation]))
    return replace(data, train=train, validation=validation, test=test, left_out=rest)


def search(study: Any, data: Dataset, board: Board, trials: int, milliseconds: float | None, seed: int) -> None:
    """Add trials to the study until so many networks are trained; those that do not fit, or were tried before, cost a
    second at most.
    """
    import optuna

    def done() -> int:
        return len(study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)))

    with progress_bar() as bar:
        task = bar.add_task("networks", total=trials, completed=done())
        while done() < trials and len(study.get_trials(deepcopy=False)) < 10 * trials:
            study.optimize(lambda trial: try_network(trial, data, board, milliseconds, seed), n_trials=1)
            last = study.trials[-1]
            if last.values:
                network = network_from_json(json.loads(last.user_attrs["network"]))
                console.print(f"{last.values[0]:.1%} {last.values[1]:6.1f} ms  {describe(network)}", markup=False)
            bar.update(task, completed=done())


def try_network(trial: Any, data: Dataset, board: Board, milliseconds: float | None, seed: int) -> tuple[float, float]:
    """Accuracy on the validation images and modelled milliseconds of the network that the trial proposes."""
    import optuna

    from training.cost import estimate

    network = propose(trial)
    if any(t.values and t.user_attrs["network"] == _text(network) for t in trial.study.get_trials(deepcopy=False)):
        raise optuna.TrialPruned("tried before")
    plan = Plan(data, SEARCHED, network, RECIPE, seed)
    try:
        model = plan.untrained_model()
        cost = estimate(model)
    except UserError as error:
        raise optuna.TrialPruned(error.message) from None
    trial.set_user_attr("network", _text(network))
    trial.set_user_attr("cost", asdict(cost))
    budget = board.budget
    too_large = budget and (cost.weight_bytes > budget.flash_bytes or cost.arena_bytes > budget.ram_bytes)
    if too_large or (milliseconds and cost.milliseconds > milliseconds):
        raise optuna.TrialPruned("does not fit")
    compile_model(model, RECIPE, batch_count(data, RECIPE))
    model.fit(training_batches(data, RECIPE, seed, 0), epochs=RECIPE.epochs, shuffle=False, verbose=0)
    guesses = predict(model, data.images[data.validation]).argmax(axis=1)
    return float(np.mean(guesses == data.labels[data.validation])), cost.milliseconds


def propose(trial: Any) -> Network:
    """A network drawn by the study: a first convolution, then up to three stages at half the size each."""
    kind = trial.suggest_categorical("kind", ("conv", "separable", "residual"))
    blocks = [Block("conv", trial.suggest_categorical("stem", WIDTHS[:4]), trial.suggest_int("stem_stride", 1, 2))]
    for stage in range(trial.suggest_int("stages", 1, 3)):
        filters = trial.suggest_categorical(f"filters_{stage}", WIDTHS)
        for number in range(trial.suggest_int(f"blocks_{stage}", 1, 2)):
            blocks.append(Block(kind, filters, stride=2 if number == 0 else 1))
    head = trial.suggest_categorical("head", ("flatten", "mean", "places"))
    return Network(
        tuple(blocks), head, units=trial.suggest_categorical("units", (0, 32, 64)) if head == "flatten" else 0
    )


def read_candidates(study: Any, milliseconds: float | None) -> list[Candidate]:
    """What the study has found so far, within the time limit."""
    from training.cost import Cost

    found = [
        Candidate(
            network_from_json(json.loads(trial.user_attrs["network"])),
            trial.values[0],
            Cost(**trial.user_attrs["cost"]),
        )
        for trial in study.trials
        if trial.values
    ]
    return [candidate for candidate in found if not milliseconds or candidate.cost.milliseconds <= milliseconds]


def choose(candidates: list[Candidate]) -> Candidate:
    """The fastest of those that are as good as the best one."""
    best = max(candidate.accuracy for candidate in candidates)
    return min((c for c in candidates if c.accuracy >= best - NEAR), key=lambda c: (c.cost.milliseconds, -c.accuracy))


def describe(network: Network) -> str:
    """A network in a line.

    >>> describe(Network((Block("conv", 16, pool=True), Block("residual", 32, stride=2)), "mean"))
    'conv 16 pooled, residual 32 / 2, mean'
    """
    blocks = (
        f"{b.kind} {b.filters}{f' / {b.stride}' if b.stride > 1 else ''}{' pooled' if b.pool else ''}"
        for b in network.blocks
    )
    return ", ".join((*blocks, network.head, *([f"dense {network.units}"] if network.units else [])))


def _text(network: Network) -> str:
    return json.dumps(asdict(network))


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]


if __name__ == "__main__":
    run(main, "python -m training.search")
