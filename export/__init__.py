"""From a Keras model or a .tflite to C sources: quantize, read, check, lower, emit.

Imports the floor alone. Called by its commands, by `firmware`, `host` and `training`.
"""
