"""Data sets, presets and the training run: from labelled images to a Keras model and what later stages need of both."""
