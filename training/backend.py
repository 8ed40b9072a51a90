"""The one door to Keras: on TensorFlow, without its start-up chatter, the same sums on every run.

Everything else in this folder can be imported without TensorFlow; only a function that trains or converts comes here.
"""

from __future__ import annotations

import os
from typing import Any

# Read once, when TensorFlow is first imported.
SETTINGS = {
    "KERAS_BACKEND": "tensorflow",  # whatever the user's own keras.json prefers: only TensorFlow converts to .tflite
    "TF_CPP_MIN_LOG_LEVEL": "3",  # errors only
    "TF_ENABLE_ONEDNN_OPTS": "0",  # oneDNN announces itself at any log level, and reorders float sums by CPU type
}


def load_keras() -> Any:
    """Import Keras with TensorFlow underneath and return the module. Takes seconds the first time."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import keras

    return keras


def make_repeatable(seed: int) -> None:
    """Seed Python, numpy and TensorFlow (0 <= seed < 2**32) and allow only operations that repeat exactly."""
    keras = load_keras()
    import tensorflow

    keras.utils.set_random_seed(seed)
    tensorflow.config.experimental.enable_op_determinism()
