"""From labelled images to a Keras model: data sets, presets, recipes, the training run, the search.

Imports every storey below it, and the floor. Called by its commands alone.
"""
