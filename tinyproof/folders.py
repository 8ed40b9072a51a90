"""Where models lie: the one rule for the name of a model's folder. Standard library alone, for make asks it too."""

from __future__ import annotations

import os
import re
from pathlib import Path

BUILD = Path("build")  # model folders lie in it, and whatever else is made
DATASET, PRESET = "digits", "small"  # what is trained where nothing else is asked for
PLAY_FILE = "play.html"  # in a model's folder, by make play
ENDINGS = (".zip", ".npz", ".tar", ".tgz", ".tflite", ".keras", ".h5")


def dataset_name(name_or_path: str | os.PathLike[str]) -> str:
    """What a data set is called in file names: a known one as it is, a folder or zip after its own name.

    >>> dataset_name("fashion_mnist"), dataset_name("photos/Horse or Human.zip")
    ('fashion_mnist', 'horse_or_human')
    """
    title = _title(name_or_path)
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_") or "pictures"


def trained_folder(dataset: str | os.PathLike[str], preset: str) -> Path:
    """The folder of a preset trained on a data set.

    >>> trained_folder("photos/Cats & dogs/", "photo").as_posix()
    'build/cats_dogs_photo'
    """
    return BUILD / f"{dataset_name(dataset)}_{preset.lower()}"


def model_folder(file: str | os.PathLike[str]) -> Path:
    """The folder of a model that comes as a file.

    >>> model_folder("downloads/person detect.tflite").as_posix()
    'build/person detect'
    """
    return BUILD / _title(file)


def _title(path: str | os.PathLike[str]) -> str:
    name = Path(os.path.abspath(path)).name
    ending = os.path.splitext(name)[1]
    return name.removesuffix(ending) if ending.lower() in ENDINGS else name
