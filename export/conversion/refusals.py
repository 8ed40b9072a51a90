"""Why a Keras file is not read, and what to do: from its configuration alone, or from what Keras raises on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tinyproof.console import UserError
from tinyproof.export.conversion.configuration import ends_of, lambdas, own_classes, read_configuration
from tinyproof.export.conversion.convert import one_line
from tinyproof.export.conversion.ends import not_one_input, not_one_output
from tinyproof.export.conversion.keras2 import saved_by

ELSEWHERE = "convert it where its class is defined (tf.lite.TFLiteConverter, int8) and give the .tflite"
TO_TFLITE = "convert it there (tf.lite.TFLiteConverter.from_keras_model, int8, a batch of one) and give the .tflite"


def refuse_unread(path: Path) -> None:
    """UserError for what the file itself says Keras 3 will not read, known before TensorFlow is waited for."""
    if (version := saved_by(path)).startswith("2."):
        raise UserError(
            f"{path} was saved by Keras {version}, whose .keras Keras 3 does not read: load it with the package "
            f"tf_keras or the TensorFlow that saved it, and save it as .h5, which is read here; or {TO_TFLITE}"
        )
    try:
        _refuse_configuration(path, read_configuration(path))
    except RecursionError:  # of a file that is no network's
        return


def _refuse_configuration(path: Path, configuration: Any) -> None:
    if found := lambdas(configuration):
        raise _of_lambdas(path, found)
    if found := own_classes(configuration):
        raise _of_own_class(path, *found)
    shapes, outputs = ends_of(configuration)
    if len(shapes) > 1:
        raise not_one_input(path, shapes)
    if outputs > 1:
        raise not_one_output(path, outputs)


def _of_lambdas(path: Path, names: list[str]) -> UserError:
    layers = "layer " + ", ".join(f"'{name}'" for name in names) if names else "a layer"
    return UserError(
        f"{path}: {layers} is a Lambda, Python code that a file cannot be trusted with: use a layer of Keras in its "
        "place (keras.layers.Rescaling(1 / 255) to scale pixels, or keras.ops), copy the weights, and save again"
    )


def _of_own_class(path: Path, *kinds: str) -> UserError:
    names = ", ".join(f"'{kind}'" for kind in kinds)
    what = f"its class {names} is not one" if len(kinds) == 1 else f"its classes {names} are not those"
    return UserError(f"{path}: {what} of Keras: write it with layers of Keras and save again, or {ELSEWHERE}")


def of_loading(path: Path, error: Exception, remedy: str) -> UserError:
    """What Keras raises on loading a file, in the user's words."""
    text = one_line(error)
    version = saved_by(path)
    if "Lambda" in text and ("unsafe" in text or "safe_mode" in text or "deserializ" in text):
        name = re.search(r"'name': '([^']*)'", text)
        return _of_lambdas(path, [name[1]] if name else [])
    unknown = re.search(r"Could not locate (?:class|function) '([^']+)'|Unknown layer:? '?([\w>]+)'?", text)
    if unknown:
        kind = unknown[1] or unknown[2]
        if "Could not locate function" in text:
            return UserError(
                f"{path}: its function '{kind}' is not one of Keras: use an activation of Keras in its place and save "
                f"again, or {ELSEWHERE}"
            )
        if kind in ("TFOpLambda", "SlicingOpLambda"):
            return UserError(
                f"{path}: {kind} is a bare operation of Keras 2, which Keras 3 does not read: load it with the package "
                f"tf_keras and {TO_TFLITE}, or use a layer in its place (Rescaling to scale pixels)"
            )
        return _of_own_class(path, kind)
    if version.startswith("1."):
        return UserError(
            f"{path} was saved by Keras {version}, which Keras 3 does not read: load it with a Keras of 2.0 to 2.3, "
            "which does, and save it again as .h5, which is read here"
        )
    if path.suffix == ".h5":
        return UserError(
            f"{path} cannot be read by this Keras ({text}): load it with the package tf_keras or the TensorFlow that "
            f"saved it, and {TO_TFLITE}"
        )
    return UserError(f"{path} cannot be loaded ({text}): {remedy}")
