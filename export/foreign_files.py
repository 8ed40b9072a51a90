"""What a file or a folder is that was given as a model and is none that is read here, and what to do with it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

from tinyproof.beginnings import stand_in

TO_TFLITE = "convert it to an int8 .tflite where it comes from, and give that"
START = 1 << 16
MODELS = (".keras", ".h5", ".hdf5", ".tflite")
# How files begin, once white space and capitals are taken away.
TEXTS = (
    (
        (b"{", b"["),
        "JSON, a network without its weights: keras.models.model_from_json(text), load_weights(...), save it",
    ),
    ((b"import ", b"from ", b"#!", b"def ", b'"""'), "Python code: run it, and save the model that it makes"),
)
PROGRAMS = {
    ".mlmodel": "Core ML",
    ".mlpackage": "Core ML",
    ".caffemodel": "Caffe",
    ".pdmodel": "PaddlePaddle",
    ".safetensors": "weights alone (safetensors)",
    ".espdl": "ESP-DL",
    ".kmodel": "nncase",
}
SAVED_MODEL = (
    "convert it (tf.lite.TFLiteConverter.from_saved_model, int8, a batch of one) and give the .tflite, or save the "
    "Keras model as .keras"
)
TFJS = "a model of TensorFlow.js: give the Keras model that it was made of"
# ModelProto of onnx.proto: ir_version (field 1), then producer_name (field 2), a text with its length before it.
ONNX_MODEL = re.compile(rb"\x08[\x03-\x1f]\x12([\x01-\x40])([ -~]+)")
# Bytes written as numbers: an array in C whatever its type and its writer, or the numbers alone.
NUMBERS = re.compile(rb"(?:0x[0-9a-f]{1,2}\s*,\s*){8}", re.IGNORECASE)
C_SOURCE = (b"unsigned char", b"alignas", b"uint8_t", b"#include")
CODE = "C source of a model: give the .tflite that it was made of"


def foreign(content: bytes, ending: str = "") -> str:
    """The kind of file in a few words, and after a colon what to do; '' where it is not known.

    >>> foreign(bytes([31, 139, 8, 0]))
    'packed with gzip: unpack it'
    """
    start = content[:START]
    if content[:2] == b"\x1f\x8b":
        return "packed with gzip: unpack it"
    if content[:2] == b"PK":
        return _in_a_zip(content)
    if content[:1] == b"\x80" and content[1:2] in b"\x02\x03\x04\x05":
        return f"a pickle, as PyTorch and scikit-learn write: {TO_TFLITE}"
    if content[:6] == b"\x93NUMPY":
        return "an array of numbers, no model: give it as the samples to calibrate with"
    if ending == ".onnx" or ((model := ONNX_MODEL.match(start)) and len(model[2]) >= model[1][0]):
        return f"ONNX: {TO_TFLITE} (onnx2tf makes one)"
    if ending == ".pb":
        return f"a TensorFlow graph: {TO_TFLITE}"
    if ending in PROGRAMS:
        return f"{PROGRAMS[ending]}: {TO_TFLITE}"
    if b'"weightsManifest"' in content and b'"modelTopology"' in content:
        return TFJS
    return _text(start)


def _text(start: bytes) -> str:
    if kind := stand_in(start):
        return ": ".join(kind)
    if NUMBERS.search(start) and b"\0" not in start:
        return CODE
    text = start.lstrip().lower()
    for beginnings, words in TEXTS:
        if text.startswith(beginnings):
            return words
    if any(word in start for word in C_SOURCE) and b"\0" not in start:
        return CODE
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n"
    return "text, perhaps base64: decode it" if text and not start.translate(None, letters) else ""


def _in_a_zip(content: bytes) -> str:
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "a zip that is damaged or cut short: get it again"
    if any(name.endswith(("data.pkl", "constants.pkl")) for name in names):
        return f"a PyTorch file: {TO_TFLITE}"
    if names and all(name.endswith(".npy") for name in names):
        return "an .npz of arrays, no model: give it as the samples to calibrate with"
    if any(name.endswith("saved_model.pb") for name in names):
        return f"a zip of a SavedModel: unpack it, then {SAVED_MODEL}"
    if inside := _models(names):
        return f"a zip that holds {inside}: unpack it"
    return "a zip: unpack it"


def foreign_folder(folder: Path) -> str:
    """The same of a folder."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*"))
    if "saved_model.pb" in names:
        return f"a SavedModel, a folder: {SAVED_MODEL}"
    if "config.json" in names and "model.weights.h5" in names:
        return "a folder, a .keras file unpacked: zip what is in it again, config.json at the top"
    if "model.json" in names:
        return f"a folder, {TFJS}"
    if folder.suffix.lower() in PROGRAMS:
        return f"a folder, {PROGRAMS[folder.suffix.lower()]}: {TO_TFLITE}"
    if any(name.endswith(".index") for name in names):
        return "a folder, a checkpoint: make its network in Python, load the weights, and save it as .keras"
    inside = _models(names)
    return f"a folder that holds {inside}: name that file" if inside else "a folder: name a file"


def _models(names: Iterable[str]) -> str:
    return ", ".join([name for name in names if name.lower().endswith(MODELS)][:3])
