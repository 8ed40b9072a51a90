"""The C of the device (`core`, `kernels`, `engine`, `boards`), and the Python that compiles it around a model.

Imports `export` and the floor. Called by its commands, by `host` and `training`.
"""
