"""Reads Keras files as people have them: `.keras` and `.h5`, in mixed precision, of Keras 2, never built.

UserError in the user's words for what cannot be read; `Loaded.notes` says what was changed on the way.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinyproof import advice
from tinyproof.backend import load_keras
from tinyproof.console import UserError
from tinyproof.export.conversion.configuration import trained_with_own_code, without_training
from tinyproof.export.conversion.convert import one_line
from tinyproof.export.conversion.keras2 import as_keras_3
from tinyproof.export.conversion.recurrent import prepare_recurrent
from tinyproof.export.conversion.refusals import of_loading, refuse_unread
from tinyproof.export.conversion.walk import describe, leaves
from tinyproof.export.foreign_files import foreign, foreign_folder

OTHER_FLOATS = re.compile(r'"(mixed_float16|mixed_bfloat16|float16|bfloat16|float64)"')
ODD = re.compile(r"[^A-Za-z0-9_./>-]+")  # in the name of a layer, for TensorFlow
AUGMENTATION = ("Random", "RandAugment", "AugMix", "MixUp", "CutMix")  # of the training alone
HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network in float32, and what had to be done to read it."""

    network: Any
    notes: list[str]


def check_keras_file(path: Path, remedy: str, is_watched: bool = False) -> None:
    """Raise UserError where there is no Keras file of that name, or one that says itself that it cannot be read:
    known before TensorFlow is waited for. An `.h5` says so only where somebody watches this process (`is_watched`),
    as some that are damaged are read for ever.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist: {remedy}")
    if not path.is_file():
        kind = foreign_folder(path) if path.is_dir() else ""
        raise UserError(f"{path} is no .keras file but {kind}" if kind else f"{path} is no .keras file: {remedy}")
    hdf5 = is_hdf5(path)
    if not hdf5 and "config.json" not in _names(path):
        raise UserError(f"{path} {_what_else(path, remedy)}")
    if is_watched or not hdf5:
        refuse_unread(path)


def is_hdf5(path: Path) -> bool:
    """Whether it is an `.h5`, whatever its name."""
    with path.open("rb") as file:
        return file.read(len(HDF5)) == HDF5


def load_network(path: Path, scratch: Path, input_shape: tuple[int, ...] | None, remedy: str) -> Loaded:
    """Read a Keras file. `input_shape` (H,W,C) is for a network that was saved without one."""
    check_keras_file(path, remedy, is_watched=True)
    copy, notes = _in_float32(path, scratch, remedy)
    keras = load_keras()
    try:
        network = keras.models.load_model(copy, compile=False)
    except Exception as error:  # whatever the layers' own code raises on what the file holds
        raise of_loading(path, error, remedy) from None
    if not isinstance(network, keras.Model):
        raise UserError(f"{path} holds no Keras model but a {type(network).__name__}: {remedy}")
    network = _of_one_size(_of_one_end(network), input_shape)
    if not leaves(network):
        raise UserError(f"{path} holds a network without layers: save the one that was trained")
    if not network.built or getattr(network, "inputs", None) is None and isinstance(network, keras.Sequential):
        notes.append(_build(path, network, input_shape))
    for number, layer in enumerate(leaves(network), 1):
        if any(not np.isfinite(np.asarray(weight, np.float32)).all() for weight in layer.weights):
            raise UserError(
                f"{path}: weights of {describe(layer, number)} are not numbers (NaN or infinite): its training "
                "diverged; train it again with a smaller learning rate, or take an earlier checkpoint"
            )
        if (np.asarray(getattr(layer, "moving_variance", 0.0)) < 0).any():
            raise UserError(
                f"{path}: {describe(layer, number)} has kept a variance below 0, of which no root can be taken: "
                "the file is damaged, or its weights were put in another order"
            )
        if mode := getattr(layer, "quantization_mode", None):
            raise UserError(
                f"{path}: {describe(layer, number)} is quantized by Keras ('{mode}'), which the converter does not "
                "take: give the network as it was before model.quantize(); it is quantized here"
            )
        if any(getattr(part, "stateful", False) for part in (layer, *layer._flatten_layers(include_self=False))):
            raise UserError(
                f"{path}: {describe(layer, number)} keeps its state from one call to the next (stateful=True), and "
                "here every inference begins without one: build it with stateful=False, copy the weights, save again"
            )
        if type(layer).__name__.startswith(AUGMENTATION) and type(layer).__name__ != "RandomCrop":
            object.__setattr__(layer, "call", _unchanged)  # it keeps a random state, which has no int8 form
        if done := prepare_recurrent(layer):
            notes.append(f"{describe(layer, number)} {done}")
    return Loaded(network, notes)


def _of_one_end(network: Any) -> Any:
    """A network whose one input and one output are no dictionaries or lists of one."""
    keras = load_keras()
    ends = (getattr(network, "inputs", None) or [], getattr(network, "outputs", None) or [])
    if [len(end) for end in ends] != [1, 1] or isinstance(network, keras.Sequential):
        return network
    structures = [getattr(network, name, None) for name in ("_inputs_struct", "_outputs_struct")]
    plain = not any(isinstance(structure, (dict, list, tuple)) for structure in structures)
    return network if plain else keras.Model(ends[0][0], ends[1][0], name=network.name)


def _of_one_size(network: Any, size: tuple[int, ...] | None) -> Any:
    """A network of any size with the calibration's: loops over steps are unrolled, which takes their number."""
    keras = load_keras()
    takes = getattr(network, "input_shape", None)
    if size is None or not isinstance(takes, tuple) or None not in takes[1:] or len(takes) != len(size) + 1:
        return network
    if any(own not in (None, given) for own, given in zip(takes[1:], size, strict=True)):
        return network
    try:
        fixed = keras.models.clone_model(network, input_tensors=keras.Input(size, dtype=network.inputs[0].dtype))
        fixed.set_weights(network.get_weights())
    except Exception:  # of the layers' own code: the converter may take it as it is
        return network
    return fixed


def _unchanged(inputs: Any, training: bool = False) -> Any:
    return inputs


def _in_float32(path: Path, scratch: Path, remedy: str) -> tuple[Path, list[str]]:
    """The file, or a copy whose configuration asks for nothing but float32."""
    if is_hdf5(path):
        return _h5_in_float32(path, scratch)
    copy = scratch / "network.keras"
    try:
        with zipfile.ZipFile(path) as archive:
            config = archive.read("config.json").decode()
            changed_config, notes = _with_plain_names(_without_own_training(OTHER_FLOATS.sub('"float32"', config)))
            if OTHER_FLOATS.search(config):
                notes.append("its numbers are cast to float32")
            if changed_config == config:
                return (path, []) if path.suffix == ".keras" else (Path(shutil.copy(path, copy)), [])
            with zipfile.ZipFile(copy, "w") as changed:
                for name in archive.namelist():
                    changed.writestr(name, changed_config if name == "config.json" else archive.read(name))
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        raise UserError(f"{path} is damaged ({one_line(error)}): {remedy}") from None
    return copy, notes


def _without_own_training(config: str) -> str:
    content = json.loads(config)
    return json.dumps(without_training(content)) if trained_with_own_code(content) else config


def _with_plain_names(config: str) -> tuple[str, list[str]]:
    """The configuration with names of layers that TensorFlow takes, and a note of each that is another."""
    content = json.loads(config)
    plain: dict[str, str] = {}

    def look(part: Any) -> None:
        if isinstance(part, dict):
            settings = part.get("config")
            name = settings.get("name") if isinstance(settings, dict) and "class_name" in part else None
            if isinstance(name, str) and ODD.search(name):
                plain.setdefault(name, f"layer_{len(plain)}_{ODD.sub('_', name).strip('_')}")
        for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else []:
            look(inner)

    def renamed(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: renamed(inner) for key, inner in part.items()}
        if isinstance(part, list):
            return [renamed(inner) for inner in part]
        return plain.get(part, part) if isinstance(part, str) else part

    look(content)
    if not plain:
        return config, []
    notes = [f"layer '{name}' goes by {other} here, which TensorFlow takes" for name, other in plain.items()]
    return json.dumps(renamed(content)), notes


def _names(path: Path) -> list[str]:
    """What a zip holds; nothing where the file is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return []


def _what_else(path: Path, remedy: str) -> str:
    """What a file is that is no `.keras`, and what to do, in words that follow its name."""
    content = path.read_bytes()
    if content[4:8] == b"TFL3":
        return f"is a .tflite; give it with {advice.setting('tflite')}"
    if kind := foreign(content, path.suffix.lower()):
        return f"is no .keras file but {kind}"
    return f"is no .keras file, or only a part of one: {remedy}" if content else f"is empty: {remedy}"


def _h5_in_float32(path: Path, scratch: Path) -> tuple[Path, list[str]]:
    import h5py

    copy = Path(shutil.copy(path, scratch / "network.h5"))
    try:
        with h5py.File(copy, "r+") as file:
            config = file.attrs.get("model_config")
            if config is None:
                raise UserError(f"{path} holds weights without a network: save the whole model, model.save('m.keras')")
            text = config.decode() if isinstance(config, bytes) else str(config)
            changed = json.dumps(as_keras_3(without_training(json.loads(OTHER_FLOATS.sub('"float32"', text)))))
            file.attrs["model_config"] = changed
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise UserError(f"{path} is damaged ({one_line(error)}): save it again as .keras") from None
    return copy, ["its numbers are cast to float32"] if OTHER_FLOATS.search(text) else []


def _build(path: Path, network: Any, input_shape: tuple[int, ...] | None) -> str:
    if input_shape is None:
        raise UserError(
            f"{path} was saved before its input had a shape: begin it with keras.Input((H, W, C)) and save it again, "
            "or calibrate with an .npy of images, which have one"
        )
    try:
        network.build((None, *input_shape))
    except Exception as error:  # the layers' own code
        raise UserError(f"{path} does not take images of {input_shape}: {one_line(error)}") from None
    return (
        f"it was saved before it had a shape or weights: it takes the calibration pictures' {input_shape}, and its "
        "weights are random; train it, then save it"
    )
