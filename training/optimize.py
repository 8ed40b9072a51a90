"""How a recipe becomes an optimizer with its schedule and a loss."""

from __future__ import annotations

from typing import Any

from tinyproof.backend import load_keras
from tinyproof.training.recipes import Recipe


def compile_model(model: Any, recipe: Recipe, steps_an_epoch: int) -> None:
    """Give a Keras model the recipe's optimizer and loss."""
    keras = load_keras()
    steps = recipe.epochs * steps_an_epoch
    rise = max(1, steps // 8)
    rate = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 20, max(1, steps - rise), warmup_target=recipe.learning_rate, warmup_steps=rise
    )
    if recipe.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay)
    else:
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
