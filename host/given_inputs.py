"""What `predict` is given, as the bytes of a model's inputs: pictures, and arrays of numbers from .npy, .npz and .csv.

A picture is taken for an input whose range is one that pixels are usually brought to; other inputs take numbers, each
the input's own real value. A model of several inputs takes as many files for each sample, in their order, or an .npz.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof import advice
from tinyproof.class_folders import pictures_below, unused_files
from tinyproof.console import UserError, console
from tinyproof.export.device_input import quantized
from tinyproof.manifest import Manifest, TensorInfo
from tinyproof.model_files import NPZ_DAMAGE
from tinyproof.pictures import read_pictures

ARRAYS = (".npy", ".npz", ".csv", ".tsv", ".txt")
RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-0.5, 0.5), (-128.0, 127.0))  # that pixels are brought to
NEAR = 0.02  # of a range: an input's ends are so near to it
Numbers = NDArray[np.float32]
Samples = NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class Given:
    """N samples: their names, and the bytes of all inputs of each. Where the model has one: what was `seen`, (N,...) of
    pixels uint8, bytes int8 or other numbers, and what `real` numbers they are to it.
    """

    names: list[str]
    inputs: list[bytes]
    seen: Samples | None = None
    real: Numbers | None = None


def read_given(manifest: Manifest, paths: Sequence[Path]) -> Given:
    """The samples in files and folders. UserError, with what to give, for what the model does not take."""
    files = _files(paths)
    if len(manifest.inputs) == 1:
        return _of_one(manifest, manifest.inputs[0], files)
    if len(files) == 1 and files[0].suffix.lower() == ".npz":
        parts = _archive(manifest, files[0])
        names = [f"{files[0]}[{row}]" for row in range(len(parts[0]))]
    else:
        count = len(manifest.inputs)
        if len(files) % count:
            wanted = ", ".join(f"'{x.name}' {_words(_shape(x))}" for x in manifest.inputs)
            raise UserError(
                f"{manifest.name} has {count} inputs ({wanted}): give {advice.name_of('image')} a file for each, in "
                f"this order, or one .npz with an array for each, not {len(files)} file{'s' * (len(files) > 1)}"
            )
        groups = [_of_one(manifest, x, files[k::count]) for k, x in enumerate(manifest.inputs)]
        if len({len(group.inputs) for group in groups}) > 1:
            pairs = zip(manifest.inputs, groups, strict=True)
            held = ", ".join(f"{len(group.inputs)} for '{x.name}'" for x, group in pairs)
            raise UserError(f"the files hold {held}: give as many samples for each input")
        parts = [group.inputs for group in groups]
        names = [" + ".join(each) for each in zip(*(group.names for group in groups), strict=True)]
    return Given(names, [b"".join(each) for each in zip(*parts, strict=True)])


def _files(given: Sequence[Path]) -> list[Path]:
    """The files named, and the pictures in the folders named."""
    files: list[Path] = []
    for path in given:
        inside = pictures_below(path) if path.is_dir() else []
        if inside and (unused := unused_files(path, inside)):
            console.print(f"{path}: not used: {unused}", markup=False)
        if not path.exists() or (path.is_dir() and not inside):
            raise UserError(
                f"{path} {'holds no pictures' if path.exists() else 'does not exist'}: name a picture's file, or an "
                ".npy, .npz or .csv of numbers"
            )
        files += inside or [path]
    if not files:
        raise UserError(f"name a picture or a folder of pictures: {advice.setting('image', 'my.jpg')}")
    return files


def _of_one(manifest: Manifest, x: TensorInfo, files: Sequence[Path]) -> Given:
    """The samples for one input: of pictures alone or of arrays alone."""
    arrays = [file for file in files if file.suffix.lower() in ARRAYS]
    if not arrays:
        images = _pictures(manifest, x, files)
        return _given(manifest, x, [str(file) for file in files], images)
    if len(arrays) < len(files):
        other = next(file for file in files if file not in arrays)
        raise UserError(f"{arrays[0]} holds numbers and {other} is a picture: give one kind at a time")
    names: list[str] = []
    parts = []
    for file in arrays:
        samples = _fitting(str(file), _read(file), x)
        names += [str(file)] if len(samples) == 1 else [f"{file}[{row}]" for row in range(len(samples))]
        parts.append(samples)
    if len({samples.dtype == np.uint8 for samples in parts}) > 1:
        raise UserError("some of the arrays are uint8, which are pixels, and others are not: give one kind at a time")
    return _given(manifest, x, names, np.concatenate(parts))


def _given(manifest: Manifest, x: TensorInfo, names: list[str], seen: Samples) -> Given:
    real = _real(manifest, x, seen)
    return Given(names, [one.tobytes() for one in _levels(x, seen, real)], seen, real)


def _archive(manifest: Manifest, path: Path) -> list[list[bytes]]:
    """The bytes of each input, from the arrays of an .npz: by the inputs' names, else in their order."""
    found = _load(path)
    names = [x.name for x in manifest.inputs]
    keys = names if set(names) <= set(found) else list(found)
    if len(keys) != len(names):
        raise UserError(
            f"{path} holds {', '.join(found) or 'nothing'}, and {manifest.name} has {len(names)} inputs: save an array "
            f"for each, np.savez(file, a, b), in the order {', '.join(names)}"
        )
    parts = [_fitting(f"{path}: {key}", found[key], x) for key, x in zip(keys, manifest.inputs, strict=True)]
    if len({len(part) for part in parts}) > 1:
        raise UserError(f"{path} holds {' and '.join(str(len(part)) for part in parts)} samples: give as many for each")
    return [_given(manifest, x, [], part).inputs for x, part in zip(manifest.inputs, parts, strict=True)]


def _pictures(manifest: Manifest, x: TensorInfo, files: Sequence[Path]) -> NDArray[np.uint8]:
    """Pictures as pixels of the input's shape. UserError for an input that is no picture."""
    shape = _shape(x)
    channels = shape[2] if len(shape) == 3 else 1
    if len(shape) not in (2, 3) or channels not in (1, 3):
        raise UserError(
            f"{manifest.name} takes {_words(shape)}{_name(manifest, x)}, no picture: give an .npy or .csv of numbers "
            f"of that shape, such as {advice.setting('image', 'sample.npy')}"
        )
    if _pixel_range(manifest, x) is None:
        raise _no_pixels(manifest, x)
    return read_pictures(files, (shape[0], shape[1]), channels == 3).reshape(-1, *shape)


def _real(manifest: Manifest, x: TensorInfo, samples: Samples) -> Numbers:
    """What samples are to the input: pixels uint8 in its range, bytes int8 by its scale, other numbers as they are."""
    values = samples.astype(np.float32)
    low, high = _ends(x)
    if samples.dtype == np.int8:
        return np.asarray((values - x.zero_point) * np.float32(x.scale), np.float32)
    if samples.dtype == np.uint8:
        found = _pixel_range(manifest, x)
        if found is None:
            raise _no_pixels(manifest, x)
        if found != RANGES[0]:
            console.print(
                f"a pixel 0..255 is taken as {found[0]:g}..{found[1]:g}, as the input{_name(manifest, x)} ends"
            )
        return np.asarray(values / np.float32(255) * np.float32(found[1] - found[0]) + np.float32(found[0]), np.float32)
    if beyond := int(((values < low - x.scale) | (values > high + x.scale)).sum()):
        console.print(
            f"Caution: {beyond:,} of {values.size:,} numbers are beyond the {low:.4g} to {high:.4g} that the input"
            f"{_name(manifest, x)} takes, and become its ends.",
            markup=False,
        )
    return values


def _levels(x: TensorInfo, samples: Samples, real: Numbers) -> NDArray[np.int8]:
    return np.asarray(samples, np.int8) if samples.dtype == np.int8 else quantized(real, x.scale, x.zero_point)


def _pixel_range(manifest: Manifest, x: TensorInfo) -> tuple[float, float] | None:
    """What a pixel's 0 and 255 are, by the ends of the input's range; None where they are no usual ones."""
    if manifest.pixel_input and len(manifest.inputs) == 1:
        return RANGES[0]
    ends = _ends(x)
    for low, high in RANGES:
        if max(abs(ends[0] - low), abs(ends[1] - high)) <= NEAR * (high - low):
            return low, high
    return None


def _no_pixels(manifest: Manifest, x: TensorInfo) -> UserError:
    low, high = _ends(x)
    return UserError(
        f"{manifest.name} takes {low:.4g} to {high:.4g}{_name(manifest, x)}, and what a pixel is of that is not known: "
        f"give an .npy of its own numbers, float32 {_words(_shape(x))}"
    )


def _ends(x: TensorInfo) -> tuple[float, float]:
    """The lowest and the highest number of an input."""
    return x.scale * (-128 - x.zero_point), x.scale * (127 - x.zero_point)


def _name(manifest: Manifest, x: TensorInfo) -> str:
    return f" '{x.name}'" if len(manifest.inputs) > 1 else ""


def _shape(x: TensorInfo) -> tuple[int, ...]:
    """Of one sample."""
    return x.shape[1:] if len(x.shape) > 1 and x.shape[0] == 1 else x.shape


def _words(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) + (" numbers" if len(shape) < 2 else "")


def _fitting(where: str, array: Samples, x: TensorInfo) -> Samples:
    """The array as samples (N,...) of the input: N of them, or one, whatever axes of length 1 are there or not."""
    shape = _shape(x)
    if array.dtype.kind not in "fiub":
        raise UserError(f"{where} holds {array.dtype}, not numbers: save it with astype('float32')")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise UserError(f"{where} holds NaN or infinite values: leave such samples out")
    size, plain = prod(shape), [side for side in shape if side != 1]
    if array.size:
        for count, sides in ((1, array.shape), (len(array) if array.ndim else 1, array.shape[1:])):
            if [side for side in sides if side != 1] in (
                plain,
                [size] if size != 1 else [],
            ) and array.size == count * size:
                return array.reshape(count, *shape)
    held = "x".join(map(str, array.shape)) or "one number"
    raise UserError(f"{where} is {held}, and the input takes {_words(shape)}: save samples of that shape, or N of them")


def _read(path: Path) -> Samples:
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        return _table(path)
    found = _load(path)
    if "x" not in found and len(found) != 1:
        raise UserError(
            f"{path} holds {', '.join(found) or 'nothing'}: give a file with one array, or with one named x"
        )
    return found["x"] if "x" in found else next(iter(found.values()))


def _load(path: Path) -> dict[str, Samples]:
    """The arrays of an .npy (named '') or .npz."""
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return {"": content}
        with content as archive:
            return {name: archive[name] for name in archive.files}
    except NPZ_DAMAGE:
        raise UserError(f"{path} cannot be read as an array of numbers: save it with numpy.save") from None


def _table(path: Path) -> NDArray[np.float32]:
    """A table of numbers, separated by commas, semicolons, tabs or spaces; a first line of names is passed over."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, ValueError):
        raise UserError(f"{path} cannot be read as a table: save it as text, numbers separated by commas") from None
    lines = [line for line in lines if line]
    mark = next((mark for mark in (";", "\t", ",") if lines and mark in lines[-1]), None)
    rows = [[word.strip() for word in line.split(mark)] for line in lines]
    rows = rows[1:] if rows and not _are_numbers(rows[0]) else rows
    for number, row in enumerate(rows, 1):
        if not _are_numbers(row) or len(row) != len(rows[0]):
            raise UserError(
                f"{path}: row {number} of numbers, {' '.join(row)[:60]!r}, is not {len(rows[0])} numbers: give each "
                "sample a row of numbers, with a point for the decimals"
            )
    if not rows:
        raise UserError(f"{path} holds no numbers: give each sample a row of them")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array(rows, np.float64).astype(np.float32)


def _are_numbers(words: Sequence[str]) -> bool:
    try:
        return bool(words) and all([float(word) is not None for word in words])
    except ValueError:
        return False
