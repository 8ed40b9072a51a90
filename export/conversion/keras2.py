"""What Keras 2 wrote into the configurations of `.h5` files, in the words of Keras 3: renamed, dropped, never had."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

# By layer, settings that Keras 2 wrote and Keras 3 does not take; none changes an answer.
DROPPED = {
    **dict.fromkeys(("DepthwiseConv2D", "Conv2DTranspose", "Conv1DTranspose"), ("groups",)),
    **dict.fromkeys(
        ("SeparableConv1D", "SeparableConv2D"),
        ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    ),
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), ("time_major", "implementation")),
}
# Bare operations with one number, as a Rescaling: its (scale, offset).
OPERATIONS: dict[str, Callable[[float], tuple[float, float]]] = {
    "math.truediv": lambda y: (1 / y, 0.0),
    "math.multiply": lambda y: (y, 0.0),
    "math.subtract": lambda y: (1.0, -y),
    "__operators__.add": lambda y: (1.0, y),
}


def as_keras_3(config: Any) -> Any:
    """The configuration of a network, layer by layer."""
    if isinstance(config, list):
        return [as_keras_3(part) for part in config]
    if not isinstance(config, dict):
        return config
    kept = {name: as_keras_3(part) for name, part in config.items()}
    kind, settings = kept.get("class_name"), kept.get("config")
    if not isinstance(kind, str) or not isinstance(settings, dict):
        return kept
    dropped = ("rng_type",) if kind.startswith("Random") else DROPPED.get(kind, ())
    kept["config"] = {name: part for name, part in settings.items() if name not in dropped}
    return _as_rescaling(kept) if kind == "TFOpLambda" else kept


def _as_rescaling(layer: dict[str, Any]) -> dict[str, Any]:
    """A bare operation of the input and one number as a layer; unchanged where it is another."""
    settings, nodes = layer["config"], layer.get("inbound_nodes")
    function = settings.get("function")
    try:
        ((name, node, tensor, arguments),) = nodes  # type: ignore[misc]
        y = arguments["y"]
        usual = isinstance(name, str) and type(y) in (int, float) and set(arguments) <= {"y", "name"}
        if not usual or function not in OPERATIONS:
            return layer
        scale, offset = OPERATIONS[function](y)
    except (TypeError, ValueError, KeyError, ZeroDivisionError):
        return layer
    config = {"name": settings.get("name"), "trainable": True, "dtype": "float32", "scale": scale, "offset": offset}
    return {**layer, "class_name": "Rescaling", "config": config, "inbound_nodes": [[[name, node, tensor, {}]]]}


def saved_by(path: Path) -> str:
    """The version of Keras that wrote a `.keras` or, before 2, an `.h5`; '' where it does not say."""
    try:
        if not zipfile.is_zipfile(path):
            import h5py

            with h5py.File(path, "r") as file:
                version = file.attrs.get("keras_version", "")
            text = version.decode() if isinstance(version, bytes) else str(version)
            return text if text.startswith("1.") else ""
        with zipfile.ZipFile(path) as archive:
            found = json.loads(archive.read("metadata.json")).get("keras_version", "")
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, AttributeError, RuntimeError, ModuleNotFoundError):
        return ""  # what is damaged or missing is said where it is needed
    return found if isinstance(found, str) else ""
