"""What the model of a page was made of, as far as it is at hand: its Keras network, and pictures to try.

A model trained here has both in its folder. For one that came by KERAS= the export wrote down where the file and the
pictures that calibrated it lie; they are used while they lie there and the file is still the one that was exported.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError
from tinyproof.export.calibration import calibration_labels, load_calibration
from tinyproof.export.pixels import DEFAULT, Taken, taken
from tinyproof.export.stage import CALIBRATED_WITH, KERAS_SOURCE
from tinyproof.fidelity import load_fidelity
from tinyproof.made import fingerprint, inputs_of, settings_of, tree_state
from tinyproof.manifest import Manifest
from tinyproof.model_files import KERAS_FILE, Splits

UNKNOWN = -1  # the label of a picture that has none


@dataclass(frozen=True)
class Origin:
    """The Keras file, and what the network takes a pixel as."""

    keras: Path
    pixels: Taken

    def given(self, pictures: Any) -> Any:
        """What the network gets of pictures (N,H,W,C), pixels divided by 255; an array or a tensor."""
        x = pictures[..., ::-1] if self.pixels.blue_first else pictures
        return x * np.array(self.pixels.scale, np.float32) + np.array(self.pixels.offset, np.float32)


def origin_of(model: Path, manifest: Manifest) -> Origin | None:
    """Of the model in the folder; None where its Keras network is not at hand."""
    if (model / KERAS_FILE).is_file():
        return _origin(model / KERAS_FILE, DEFAULT)
    fidelity, noted = load_fidelity(model, manifest.model_sha256), _noted(model)
    file = Path(noted.get(KERAS_SOURCE, ""))
    if fidelity is None or not file.is_file() or fingerprint(file) != noted.get("network"):
        return None
    return _origin(file, fidelity.pixels)


def _origin(file: Path, pixels: str) -> Origin | None:
    how = taken(pixels)
    return Origin(file, how) if how else None


def calibration_pictures(model: Path, shape: tuple[int, int, int], classes: int) -> Splits | None:
    """The pictures that calibrated the model, as if they were test pictures, with what labels there are; or None.

    `classes`: how many the model tells apart, 0 where it tells none. Labels are of them, or UNKNOWN.
    """
    path = Path(_noted(model).get(CALIBRATED_WITH, ""))
    if not path.name or not path.exists():
        return None
    try:
        images, labels = load_calibration(path, shape), calibration_labels(path)
    except UserError:  # they have changed since
        return None
    if images.dtype != np.uint8 or images.shape[1:] != shape:
        return None
    known = labels is not None and classes > int(labels.max(initial=0))
    y = np.asarray(labels, np.int32) if labels is not None and known else np.full(len(images), UNKNOWN, np.int32)
    return splits_of(np.asarray(images, np.uint8), y)


def sources_state(model: Path) -> str:
    """What changes with the files that lie elsewhere."""
    noted = _noted(model)
    paths = [Path(noted[name]) for name in (KERAS_SOURCE, CALIBRATED_WITH) if name in noted]
    return fingerprint(*(tree_state(path) for path in paths if path.exists()))


def splits_of(images: NDArray[np.uint8], labels: NDArray[np.int32]) -> Splits:
    """Pictures to try alone: nothing was trained on here."""
    index = np.zeros(0, np.int64)
    return Splits(images[:0], images, labels, index, index, index)


def _noted(model: Path) -> dict[str, str]:
    """What the export wrote down; nothing where the record is another's."""
    return (settings_of(model, "quantize") or {}) if inputs_of(model, "quantize") is not None else {}
