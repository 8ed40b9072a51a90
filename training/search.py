"""Looks for the network that suits a data set and a board best.

Optuna proposes networks; each is priced on the board before anything is trained, then trained for a few epochs on part
of the training images and judged on validation images. The test images are never touched. The study lives in a
database that several machines may share, and goes on where it was interrupted.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyproof.boards import Board
from tinyproof.console import UserError, console, progress_bar
from tinyproof.training.batches import batch_count, training_batches
from tinyproof.training.candidates import Candidate
from tinyproof.training.network import Block, Network, network_from_json
from tinyproof.training.optimize import compile_model
from tinyproof.training.presets import SEARCHED
from tinyproof.training.recipes import Recipe
from tinyproof.training.splits import Dataset, take_stratified
from tinyproof.training.train import Plan, predict

if TYPE_CHECKING:
    pass

TRIALS = 40
TRAIN_IMAGES, VALIDATION_IMAGES = 10_000, 3_000  # at most, of each trial
RECIPE = Recipe(4, 64, "adamw", 3e-3, 0.02, 0.05, 0.0, "light")
OF_THE_DISK = ("disk I/O error", "disk is full", "readonly database")  # in the words of SQLite
WIDTHS = (8, 16, 24, 32, 48, 64)


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
        raise unusable(storage, error) from None


@contextmanager
def storage_errors(storage: str) -> Iterator[None]:
    """Make a UserError of what the storage cannot take, or give, any more."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError) as error:
        raise unusable(storage, error) from None


def unusable(storage: str, error: Exception) -> UserError:
    """What to say of a storage that cannot be opened or written."""
    words = _first_line(error)
    lacks_room = any(part in words for part in OF_THE_DISK)
    remedy = "make room there" if lacks_room else "give an address Optuna takes"
    return UserError(f"the storage {storage} cannot be used ({words}): {remedy}")


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

    from tinyproof.training.cost import estimate

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
    from tinyproof.training.cost import Cost

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
