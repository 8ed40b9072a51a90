"""An int8 model with a remedy of `export.remedies`, and all of them held against float."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError
from tinyproof.export.conversion.clipping import clipped
from tinyproof.export.conversion.convert import (
    calibrated_again,
    convert_calibrated,
    convert_quantized,
    one_line,
    with_full_range,
)
from tinyproof.export.conversion.differentiable import Unknown
from tinyproof.export.conversion.equalization import equalized
from tinyproof.export.conversion.finetuning import LEAST_PICTURES, finetuned
from tinyproof.export.conversion.running import activations
from tinyproof.export.remedies import BOTH, CLIP, EQUALIZE, FINETUNE, REMEDIES, Trials
from tinyproof.export.tflite_reader import read_graph
from tinyproof.fidelity import NUMBERS, Fidelity

CHECKED = 4  # pictures on which the changed network has to be the same
SAME = 1e-4  # of the largest output


class NothingToDo(UserError):
    """The remedy changes nothing in the network."""


class Remedies:
    """The models of one network with each remedy; what they have in common is computed once."""

    def __init__(self, network: Any, images: NDArray[Any], pixels: str) -> None:
        self._images = images if pixels == NUMBERS else with_full_range(images)
        self._float = {CLIP: convert_calibrated(network, self._images, pixels)}

    def model(self, remedy: str) -> tuple[bytes, bytes]:
        """(the `.tflite`, the float model that it is of). NothingToDo where it is none for the network."""
        if remedy == FINETUNE:
            content = self._finetuned()
            return convert_quantized(content), content
        content = self._float[CLIP] if remedy == CLIP else self._equalized()
        rounded = clipped(content, self._images) if remedy in (CLIP, BOTH) else content
        return convert_quantized(rounded), content

    def _finetuned(self) -> bytes:
        if len(self._images) < LEAST_PICTURES:
            raise NothingToDo(f"{FINETUNE} does nothing for it: give {LEAST_PICTURES} pictures or more to learn from")
        content = self._float[CLIP]
        with contextlib.suppress(NothingToDo):
            content = self._equalized()
        try:
            changed = finetuned(clipped(content, self._images), self._images)
        except Unknown as error:
            raise NothingToDo(f"{FINETUNE} does nothing for it: it has {error}, which is not trained through") from None
        if changed is None:
            raise NothingToDo(f"{FINETUNE} does nothing for it: no epoch was better on the pictures kept out of it")
        return changed

    def _equalized(self) -> bytes:
        if EQUALIZE not in self._float:
            changed = equalized(self._float[CLIP], self._images)
            if changed is None:
                raise NothingToDo(f"{EQUALIZE} does nothing for it: no two layers with just ReLU or pooling between")
            self._check_same(changed)
            self._float[EQUALIZE] = calibrated_again(changed, self._images)
        return self._float[EQUALIZE]

    def _check_same(self, changed: bytes) -> None:
        """NothingToDo unless the equalized network gives the answers of the one that it was made of."""
        few, y = self._images[:CHECKED], read_graph(changed, "float").outputs[0]
        for before, after in zip(activations(self._float[CLIP], few), activations(changed, few), strict=True):
            a, b = before[y], after[y]
            if not np.allclose(a, b, rtol=0, atol=SAME * max(1e-30, float(np.abs(a).max()))):
                raise NothingToDo(f"{EQUALIZE} does nothing for it: its numbers are too large or too small")


def trials(network: Any, images: NDArray[Any], pixels: str, measure: Callable[..., Fidelity]) -> Iterator[Trials]:
    """What was tried so far, after every remedy that can be had: `measure` takes the `.tflite`, the float model that it
    is of, and whether pictures were learnt from.
    """
    tried: list[Fidelity] = []
    try:
        remedies = Remedies(network, images, pixels)
        for name in REMEDIES:
            with contextlib.suppress(NothingToDo):
                tried.append(replace(measure(*remedies.model(name), learnt=name == FINETUNE), remedy=name))
                yield Trials(tried)
    except Exception:  # of the converter, whatever it raises: the model without a remedy is there
        yield Trials(tried)


def with_remedy(network: Any, images: NDArray[Any], pixels: str, remedy: str) -> tuple[bytes, bytes]:
    """As `Remedies.model`. UserError where the converter cannot make it."""
    try:
        return Remedies(network, images, pixels).model(remedy)
    except (ValueError, RuntimeError) as error:
        raise UserError(f"The converter cannot make an int8 model of the network: {one_line(error)}") from None
