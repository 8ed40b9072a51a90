"""The conversion's own process: `python -m tinyproof.export.conversion.child <folder>`.

Reads job.json, images.npy and, where there are some, labelled.npz of the folder. Leaves model.tflite and fidelity.json,
or error.txt with one line; stage.txt says at any time what is being done.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof import advice, missing
from tinyproof.console import UserError
from tinyproof.export.conversion.ends import (
    CONVERT_IT,
    OWN_SHAPE,
    as_numbers,
    check_ends,
    fitting_labels,
    image_shape,
    other_images,
    picture_of,
    taken_shape,
    with_picture,
)
from tinyproof.export.pixels import AUTO
from tinyproof.export.remedies import FINETUNE, TRIALS_FILE, TRY, TRYING
from tinyproof.fidelity import FLOAT_FILE, NUMBERS, Fidelity, save_fidelity
from tinyproof.json_files import write_json


def main(folder: Path) -> None:
    """Do the job; every error that can be put into words is in error.txt afterwards."""
    job = json.loads((folder / "job.json").read_text())
    try:
        (folder / "notes.json").write_text(json.dumps(_work(folder, job)))
    except UserError as error:
        (folder / "error.txt").write_text(error.message)
    except ModuleNotFoundError as error:
        (folder / "error.txt").write_text(
            f"quantizing needs the Python package {error.name}: {missing.cure('[train]')}"
        )
    except (ValueError, TypeError, RuntimeError, AttributeError, IndexError, KeyError) as error:  # of layers' own code
        doing = (folder / "stage.txt").read_text()
        if doing == "starting" or "converting" in doing:
            raise
        (folder / "error.txt").write_text(f"{job['keras']}: {_why(error)}, while {doing}; {job['remedy']}")
    except MemoryError:
        (folder / "error.txt").write_text(f"{job['keras']}: memory does not suffice to convert it")


def _why(error: Exception) -> str:
    from tinyproof.export.conversion.convert import one_line

    return one_line(error)


def _stage(folder: Path, text: str) -> None:
    (folder / "stage.txt").write_text(text)


def _work(folder: Path, job: dict[str, str]) -> list[str]:
    from tinyproof.export.conversion.answers import loss_of
    from tinyproof.export.conversion.loading import load_network
    from tinyproof.export.conversion.wanted_pixels import wanted_pixels

    path = Path(job["keras"])
    images = np.load(folder / "images.npy") if (folder / "images.npy").exists() else None
    _stage(folder, "loading it")
    loaded = load_network(path, folder, None if images is None else tuple(images.shape[1:]), job["remedy"])
    check_ends(loaded.network, path)
    if (images is None or images.dtype == np.uint8) and (picture := picture_of(loaded.network)):
        notes = [*loaded.notes, f"its input {loaded.network.input_shape[1:]} is taken as a grey picture {picture[:2]}"]
        loaded = replace(loaded, network=with_picture(loaded.network, picture), notes=notes)
    network = loaded.network
    if images is not None:
        images = as_numbers(network, images)
        if images.dtype != np.uint8:
            return _work_numbers(folder, job, loaded, images)
    shape = image_shape(network, path, images)
    if images is None:
        (folder / "shape.json").write_text(json.dumps(shape))
        return loaded.notes
    if shape != images.shape[1:]:
        what = other_images(shape, images.shape[1:]) or job["other"]
        raise UserError(f"{path} takes {shape} but the images beside it are {images.shape[1:]}; {what}")
    labelled = _labelled(folder)
    if labelled is not None:
        labelled = fitting_labels(network, labelled, job["every_class"] == "True", loaded.notes)
    _stage(folder, "looking for the range of pixels that it wants")
    pixels: tuple[str, str]
    if job["pixels"] == AUTO:
        x, y = labelled or (images, None)
        pixels = wanted_pixels(network, x, y, loss_of(path))
    else:
        pixels = job["pixels"], job["why"]
    return _make(folder, job, loaded, images, pixels, labelled)


def _work_numbers(folder: Path, job: dict[str, str], loaded: Any, samples: NDArray[np.float32]) -> list[str]:
    """The same with samples float32 (N,...), which the network gets as they are."""
    network, path = loaded.network, Path(job["keras"])
    shape = taken_shape(network, samples)
    if job["pixels"] != AUTO:
        raise UserError(f"{path} gets samples as they are, not pixels: leave {advice.name_of('pixels')} out")
    if None in shape:
        raise UserError(f"{path} takes {(None, *shape)}, which is no one size: {CONVERT_IT}")
    if shape != samples.shape[1:]:
        raise UserError(f"{path} takes {shape} but the samples beside it are {samples.shape[1:]}: {OWN_SHAPE}")
    labelled = _labelled(folder)
    if labelled is not None:
        labelled = fitting_labels(network, (samples, labelled[1]), True, loaded.notes)
    return _make(folder, job, loaded, samples, (NUMBERS, "the samples are numbers, used as they are"), labelled)


def _labelled(folder: Path) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """The labelled images and their labels; None where there are none."""
    if not (folder / "labelled.npz").exists():
        return None
    with np.load(folder / "labelled.npz") as file:
        return file["x"], file["y"]


def _make(
    folder: Path,
    job: dict[str, str],
    loaded: Any,
    images: NDArray[Any],
    pixels: tuple[str, str],
    labelled: tuple[Any, Any] | None,
) -> list[str]:
    from tinyproof.export.conversion.convert import convert_float
    from tinyproof.export.conversion.probe import guilty_layer, suspects
    from tinyproof.export.conversion.remedied import trials
    from tinyproof.export.conversion.wanted_pixels import odd_numbers, scaled, unequal_features

    network = loaded.network
    if job["kind"] == "probe":
        (folder / "suspects.txt").write_text(suspects(network))
        guilty = guilty_layer(network, scaled(images[:1], pixels[0]), lambda place: _stage(folder, place))
        (folder / "guilty.txt").write_text(guilty)
        return []
    asked = "" if job["against_loss"] == TRY else job["against_loss"]
    made = _convert(folder, network, images, pixels[0], job["keras"], asked)
    if made is None:
        return []
    _stage(folder, "comparing it with the float network")
    plain = convert_float(network, images.shape[1:], pixels[0])
    (folder / FLOAT_FILE).write_bytes(plain)

    measure = _measuring(job, loaded, made[0], images, pixels, labelled)
    found = measure(made[0], made[1] or plain, by_layer=True, learnt=asked == FINETUNE)
    odd = []
    if pixels[0] == NUMBERS:
        odd = [*unequal_features(network, images), *odd_numbers(network, images, picture_of(network) is not None)]
    save_fidelity(folder, replace(found, cautions=odd + found.cautions, remedy=asked))
    notes: list[str] = loaded.notes
    (folder / "notes.json").write_text(json.dumps(notes))  # whatever becomes of the trials
    if (found.loss and not asked) or job["against_loss"] == TRY:
        _stage(folder, TRYING)
        for tried in trials(network, images, pixels[0], measure):
            write_json(folder / TRIALS_FILE, tried)
    return notes


def _measuring(
    job: dict[str, str],
    loaded: Any,
    content: bytes,
    images: NDArray[Any],
    pixels: tuple[str, str],
    labelled: tuple[Any, Any] | None,
) -> Callable[..., Fidelity]:
    """What holds an int8 model against the network, as `remedied.trials` wants it; one as slow as `content` on fewer
    images.
    """
    from tinyproof.export.conversion.answers import loss_of
    from tinyproof.export.conversion.compare import affordable, compare, spread
    from tinyproof.export.conversion.finetuning import held_out
    from tinyproof.export.conversion.wanted_pixels import noun

    seen, known = images, labelled
    if (few := affordable(content, images)) < len(images):
        loaded.notes.append(f"held against float on {few} of {len(images)} {noun(images)}, for they take long")
        seen = spread(images, few)
        known = labelled and (spread(labelled[0], few), spread(labelled[1], few))

    def measure(content: bytes, exact: bytes, by_layer: bool = False, learnt: bool = False) -> Fidelity:
        x, xy = seen, known
        if learnt:  # from three of four of them
            x = spread(images[held_out(len(images))], few)
            if labelled is not None and np.array_equal(labelled[0], images):
                xy = x, spread(labelled[1][held_out(len(images))], few)
        return compare(loaded.network, content, exact, x, pixels, xy, loss_of(Path(job["keras"])), by_layer)

    return measure


def _convert(
    folder: Path, network: Any, images: NDArray[Any], pixels: str, source: str, remedy: str
) -> tuple[bytes, bytes | None] | None:
    """The `.tflite`, also in the folder, and the float model that a remedy has made it of; None where the converter
    refuses, with the reason in refused.txt.
    """
    from tinyproof.export.conversion.convert import convert, with_full_range
    from tinyproof.export.conversion.probe import reason, strange_layer
    from tinyproof.export.conversion.remedied import NothingToDo, with_remedy
    from tinyproof.export.tflite_reader import read_graph

    _stage(folder, f"converting it with the remedy {remedy}" if remedy else "converting it")
    made: tuple[bytes, bytes | None]
    try:
        if remedy:
            made = with_remedy(network, images, pixels, remedy)
        else:
            made = convert(network, images if pixels == NUMBERS else with_full_range(images), pixels), None
    except NothingToDo:
        raise
    except UserError as error:
        (folder / "refused.txt").write_text(error.message)
        return None
    except Exception as error:  # of the converter, whatever it raises
        (folder / "refused.txt").write_text(f"The converter cannot make an int8 model of it: {reason(error)}")
        return None
    (folder / "model.tflite").write_bytes(made[0])
    if why := strange_layer(read_graph(made[0], source), network):
        (folder / "refused.txt").write_text(why)
        return None
    return made


if __name__ == "__main__":
    main(Path(sys.argv[1]))
