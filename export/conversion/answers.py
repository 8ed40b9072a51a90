"""What a network's outputs are, so that int8 is held against float by what its user reads from them.

One class of several; decisions that are taken each by itself (several sigmoids); or numbers. The loss it was trained
with says so where the file has kept it, else its last activation and the outputs themselves.
"""

from __future__ import annotations

import json
import zipfile
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.conversion.walk import leaves

Scores = NDArray[np.floating[Any]]
TIE = 4 / 256  # of a score: an int8 answer that float holds for as good, to so much, is no other answer
OF_CLASSES = ("crossentropy", "hinge", "focal")
OF_NUMBERS = ("meansquared", "meanabsolute", "mse", "mae", "msle", "mape", "huber", "logcosh", "poisson", "cosine")
LOST_DB = 10.0
FEW_COLUMNS = 64


class Answers(Enum):
    """How outputs are read."""

    CLASS = "class"
    DECISIONS = "decisions"
    NUMBERS = "numbers"


def loss_of(path: Path) -> str:
    """The name of the loss that a Keras file was trained with, lower case, letters alone; '' where it has kept none."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                kept = (json.loads(archive.read("config.json")).get("compile_config") or {}).get("loss")
        else:
            import h5py

            with h5py.File(path, "r") as file:
                kept = json.loads(file.attrs.get("training_config", "{}")).get("loss")
    except Exception:  # of a damaged file, whatever reads it: loading it says what is wrong with it
        return ""
    if isinstance(kept, dict):
        kept = kept.get("class_name") or kept.get("config")
    return "".join(letter for letter in str(kept or "").lower() if letter.isalpha())


def kind_of(network: Any, scores: Scores, loss: str, has_labels: bool, has_pixels: bool) -> Answers:
    """How the outputs (N,...) of the float network are read."""
    if scores.ndim != 2 or loss.startswith(OF_NUMBERS):
        return Answers.NUMBERS
    is_unit = scores.min() >= 0 and scores.max() <= 1
    of_classes = any(word in loss for word in OF_CLASSES)
    if scores.shape[1] == 1:
        return Answers.CLASS if is_unit or of_classes or has_labels else Answers.NUMBERS
    if loss.startswith("binary") or (_last_activation(network) == "sigmoid" and not has_labels):
        return Answers.DECISIONS
    if is_unit and np.allclose(scores.sum(1), 1, atol=1e-2):
        return Answers.CLASS
    return Answers.CLASS if of_classes or has_labels or has_pixels else Answers.NUMBERS


def _last_activation(network: Any) -> str:
    for layer in reversed(leaves(network)):
        if activation := getattr(getattr(layer, "activation", None), "__name__", ""):
            return str(activation)
        if layer.weights:
            break
    return ""


def agreeing(kind: Answers, exact: Scores, int8: Scores) -> int:
    """How many rows (N,columns) of int8 say what float says, or what float holds for as good."""
    if kind is Answers.CLASS:
        shares = probabilities(exact)
        given = shares[np.arange(len(shares)), classes(int8)]
        return int((shares.max(1) - given <= TIE).sum())
    edge = 0.5 if exact.min() >= 0 and exact.max() <= 1 else 0.0
    near = abs(exact - edge) <= TIE * (1 if edge else 4)  # a logit moves a share by a quarter at most
    return int((((exact > edge) == (int8 > edge)) | near).all(1).sum())


def information(scores: Scores, kind: Answers = Answers.CLASS) -> float:
    """How much an answer (N,columns) says about its picture, bits: entropy of the mean less the mean entropy; of
    decisions the mean of them.
    """
    if kind is Answers.DECISIONS:
        return float(np.mean([information(scores[:, k : k + 1]) for k in range(scores.shape[1])]))
    shares = probabilities(scores)
    return _entropy(shares.mean(0)) - float(np.mean([_entropy(row) for row in shares]))


def probabilities(scores: Scores) -> NDArray[np.float64]:
    """Scores (N,classes) as shares of one: they are some, one sigmoid for two classes, or logits."""
    y = scores.astype(np.float64)
    if y.shape[1] == 1:
        one = np.clip(y, 0, 1) if y.min() >= 0 and y.max() <= 1 else 1 / (1 + np.exp(-np.clip(y, -50, 50)))
        return np.asarray(np.concatenate([1 - one, one], axis=1))
    if y.min() >= 0 and np.allclose(y.sum(1), 1, atol=1e-2):
        return np.asarray(y / y.sum(1, keepdims=True))
    powers = np.exp(y - y.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def classes(scores: Scores) -> NDArray[np.int64]:
    """The class of each row; of a single output, whether it is over one half (of logits: over 0)."""
    return np.asarray(probabilities(scores).argmax(1), np.int64)


def _entropy(shares: NDArray[np.float64]) -> float:
    return float(-(shares * np.log2(np.maximum(shares, 1e-12))).sum())


def snr_db(exact: NDArray[np.floating[Any]], rounded: NDArray[np.floating[Any]]) -> float:
    """Power of the signal over that of the error, in decibel; 100 where there is no error to speak of."""
    noise = float(((exact - rounded).astype(np.float64) ** 2).mean())
    signal = float((exact.astype(np.float64) ** 2).mean())
    if noise <= signal * 1e-10:
        return 100.0
    return float(10 * np.log10(max(signal, 1e-30) / noise))


def outputs_snr_db(kind: Answers, exact: Scores, int8: Scores) -> float:
    """The same of outputs: of numbers what counts is how they differ between samples, not what they have in common."""
    middle = exact.mean(0) if kind is Answers.NUMBERS and len(exact) > 1 and np.ptp(exact, 0).any() else 0.0
    return snr_db(exact - middle, int8 - middle)


def lost_columns(kind: Answers, exact: Scores, int8: Scores) -> list[str]:
    """A caution where outputs that are numbers drown beside larger ones: all share one scale."""
    if kind is not Answers.NUMBERS or exact.ndim != 2 or not 1 < exact.shape[1] <= FEW_COLUMNS:
        return []
    swing = np.ptp(exact, 0)
    lost = [
        column
        for column in range(exact.shape[1])
        if 0 < swing[column] < swing.max() / 4 and outputs_snr_db(kind, exact[:, column], int8[:, column]) < LOST_DB
    ]
    if not lost:
        return []
    which = ", ".join(map(str, lost[:8]))
    return [
        f"int8 keeps little of output {which} of {exact.shape[1]} (from 0 on), which is small beside the largest and "
        "shares its scale: train on numbers of one size, each less its mean and over its deviation"
    ]
