"""What the configuration of a Keras file says without Keras, so that nobody waits for TensorFlow to hear it.

Says nothing where it is not sure: loading the file decides.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HOMES = ("keras", "keras_hub", "keras_cv", "keras_nlp", "builtins")  # packages whose classes Keras itself looks for
TRAINED_WITH = ("_initializer", "_regularizer", "_constraint")  # settings that change no answer of a trained network


def read_configuration(path: Path) -> Any:
    """The configuration of the network in a `.keras` or `.h5`; None where there is none, or nothing that reads it."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return json.loads(archive.read("config.json"))
        import h5py

        with h5py.File(path, "r") as file:
            return json.loads(file.attrs["model_config"])
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, TypeError, RuntimeError, ModuleNotFoundError):
        return None


def lambdas(configuration: Any) -> list[str]:
    """The names of the layers that are Python code."""
    return [part["config"].get("name") or "lambda" for part in _parts(configuration) if part["class_name"] == "Lambda"]


def own_classes(configuration: Any) -> list[str]:
    """The classes of layers and networks that are not those of Keras, in the order of the file."""
    kinds = (part["class_name"] for part in _parts(configuration) if _is_own(part))
    return list(dict.fromkeys(kinds))


def picture_shape(configuration: Any) -> tuple[int, int, int] | None:
    """(H,W,C) of the one input; None where it is another, of any size, or not said."""
    if not isinstance(configuration, dict) or configuration.get("class_name") not in ("Functional", "Sequential"):
        return None
    settings = configuration.get("config")
    layers = settings.get("layers") if isinstance(settings, dict) else settings
    inputs = [
        layer.get("config")
        for layer in (layers if isinstance(layers, list) else [])
        if isinstance(layer, dict) and layer.get("class_name") == "InputLayer"
    ]
    if len(inputs) != 1 or not isinstance(inputs[0], dict):
        return None
    shape = inputs[0].get("batch_shape") or inputs[0].get("batch_input_shape")
    if not isinstance(shape, list) or len(shape) != 4 or not all(type(size) is int for size in shape[1:]):
        return None
    return shape[1], shape[2], shape[3]


def ends_of(configuration: Any) -> tuple[list[tuple[int | None, ...]], int]:
    """The shapes of several inputs, (N,...) each, and the number of outputs; ([], 0) where they are not said."""
    settings = configuration.get("config") if isinstance(configuration, dict) else None
    if not isinstance(settings, dict) or configuration.get("class_name") != "Functional":
        return [], 0
    names, outputs = (_referred(settings.get(key)) for key in ("input_layers", "output_layers"))
    shapes = {}
    layers = settings.get("layers")
    for layer in layers if isinstance(layers, list) else []:
        given = layer.get("config") if isinstance(layer, dict) else None
        shape = given.get("batch_shape") or given.get("batch_input_shape") if isinstance(given, dict) else None
        if isinstance(shape, list):
            shapes[str(layer.get("name"))] = tuple(shape)
    return [shapes.get(name, ()) for name in names], len(outputs)


def _referred(part: Any) -> list[str]:
    """The names of the layers that are referred to, as [name, call, place], in a list or a dictionary, however deep."""
    if isinstance(part, dict):
        return [name for inner in part.values() for name in _referred(inner)]
    if not isinstance(part, list):
        return []
    if len(part) == 3 and isinstance(part[0], str) and all(type(number) is int for number in part[1:]):
        return [part[0]]
    return [name for inner in part for name in _referred(inner)]


def without_training(part: Any) -> Any:
    """The configuration without a word of how its weights began and were held: what of that is the user's own code
    would be missed in loading, and plays no part.
    """
    if isinstance(part, list):
        return [without_training(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    kept = {name: without_training(inner) for name, inner in part.items()}
    for name in kept:
        if name.endswith(TRAINED_WITH) and isinstance(kept[name], (dict, str)):
            kept[name] = "zeros" if name.endswith("_initializer") else None
    return kept


def trained_with_own_code(configuration: Any) -> bool:
    """Whether an initializer, a regularizer or a constraint is not one of Keras."""
    if isinstance(configuration, list):
        return any(trained_with_own_code(part) for part in configuration)
    if not isinstance(configuration, dict):
        return False
    for name, part in configuration.items():
        if name.endswith(TRAINED_WITH):
            if isinstance(part, dict) and str(part.get("module")).split(".")[0] != "keras":
                return True
        elif trained_with_own_code(part):
            return True
    return False


def _parts(part: Any) -> Iterator[dict[str, Any]]:
    """Everything of a class that takes part in an answer, however deep."""
    if isinstance(part, list):
        for inner in part:
            yield from _parts(inner)
    if isinstance(part, dict):
        if isinstance(part.get("class_name"), str) and isinstance(part.get("config"), dict):
            yield part
        for name, inner in part.items():
            if name not in ("compile_config", "build_config") and not name.endswith(TRAINED_WITH):
                yield from _parts(inner)


def _is_own(part: dict[str, Any]) -> bool:
    """Keras 3 writes a module and a name beside each class; of what was registered elsewhere the module is none."""
    module, name = part.get("module", ""), part.get("registered_name")
    home = module.split(".")[0] if isinstance(module, str) else ""
    return "module" in part and isinstance(name, str) and home not in HOMES
