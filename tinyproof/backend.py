"""The one door to Keras: on TensorFlow, without its start-up chatter, the same sums on every run.

Everything else in this folder can be imported without TensorFlow; only a function that trains or converts comes here.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from tinyproof.console import UserError, console

try:
    import resource
except ImportError:  # such as on Windows
    resource = None  # type: ignore[assignment]

BACKEND = {"KERAS_BACKEND": "tensorflow"}  # whatever else the user prefers: only TensorFlow converts to .tflite
# Read once, when TensorFlow is first imported; the user's own go first.
SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",  # errors only
    "TF_ENABLE_ONEDNN_OPTS": "1",  # trains up to five times faster; the order of its sums depends on the processor
}

# What Keras imports where it is installed, for parts of it that nobody uses here: a third of the time that it takes.
UNUSED = ("IPython", "matplotlib", "sklearn")

# Of addresses: to load it, to train a very small network on two processors, and more than it takes on many.
LOADING_BYTES, TRAINING_BYTES, AMPLE_BYTES = 1_300_000_000, 2_500_000_000, 8_000_000_000


def load_keras() -> Any:
    """Import Keras with TensorFlow underneath and return the module. Takes seconds the first time."""
    if "keras" not in sys.modules:
        _check_limit(LOADING_BYTES, "to be loaded")
        os.environ.update({**SETTINGS, **os.environ, **BACKEND})
        try:
            with quiet(), _without(UNUSED):
                import keras  # noqa: F401
        except ModuleNotFoundError:
            raise  # whoever asked knows what needs it
        except ImportError as error:
            said = " ".join(str(error).split("\n")[0].split())
            raise UserError(
                f"TensorFlow is installed and cannot be loaded ({said}): end other programs where memory is short, "
                "else install it again"
            ) from error
    import keras

    return keras


@contextlib.contextmanager
def _without(packages: Sequence[str]) -> Iterator[None]:
    """Meanwhile those packages that are not imported yet seem not to be installed."""
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def _check_limit(least: int, doing: str) -> None:
    """Where memory is limited, TensorFlow ends the process without a word: say so before. UserError for too little."""
    if resource is None or (limit := resource.getrlimit(resource.RLIMIT_AS)[0]) == resource.RLIM_INFINITY:
        return
    said = f"memory is limited to {limit / 1e9:.1f} GB, and TensorFlow takes {least / 1e9:.1f} GB or more {doing}"
    if limit < least:
        raise UserError(f"{said}: allow it (`ulimit -v unlimited`)")
    if limit < AMPLE_BYTES and least == TRAINING_BYTES:
        console.print(f"{said}; should it end without a word, allow more (`ulimit -v unlimited`)", markup=False)


def make_repeatable(seed: int) -> None:
    """Seed Python, numpy and TensorFlow (0 <= seed < 2**32) and allow only operations that repeat exactly."""
    _check_limit(TRAINING_BYTES, "to train")
    keras = load_keras()
    import tensorflow

    keras.utils.set_random_seed(seed)
    tensorflow.config.experimental.enable_op_determinism()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what is written past Python off the terminal: oneDNN and the converter announce themselves at any level."""
    saved = [os.dup(descriptor) for descriptor in (1, 2)]
    with open(os.devnull, "wb") as nowhere:
        sys.stdout.flush()
        for descriptor in (1, 2):
            os.dup2(nowhere.fileno(), descriptor)
        try:
            yield
        finally:
            sys.stdout.flush()
            for descriptor, original in zip((1, 2), saved, strict=True):
                os.dup2(original, descriptor)
                os.close(original)
