"""How long and how a network is trained: one recipe for each preset and data set, written here and nowhere else.

A recipe was chosen by the accuracy on validation images; docs/training.md says what each reaches and how long it takes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from tinyproof.training.augment import find_augmentation


@dataclass(frozen=True)
class Recipe:
    """The settings of a training run. The learning rate rises over the first eighth of the steps and then falls to
    zero along a cosine; the weights after the last epoch are kept, or their mean over the second half of the epochs.
    """

    epochs: int
    batch_size: int
    optimizer: str  # "adamw", or "sgd" with Nesterov's momentum of 0.9
    learning_rate: float  # at its highest
    weight_decay: float  # of convolutions and dense layers, each step times the learning rate
    label_smoothing: float
    dropout: float  # before each dense layer
    augmentation: str  # a name of training.augment
    averaged: bool = False  # whether the mean of the weights is kept (training.averaging)


def in_words(recipe: Recipe) -> str:
    """The settings in one line."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in asdict(recipe).items())


# By preset and data set.
RECIPES = {
    ("small", "fashion_mnist"): Recipe(40, 256, "adamw", 4e-3, 0.02, 0.0, 0.15, "light"),
    ("course", "fashion_mnist"): Recipe(40, 128, "adamw", 2e-3, 0.02, 0.0, 0.15, "light"),
    ("best", "fashion_mnist"): Recipe(50, 128, "sgd", 0.1, 1e-3, 0.05, 0.0, "light"),
}
# A set that is not in the table: a small one needs more rounds, each of which is short.
FEW = Recipe(30, 32, "adamw", 2e-3, 0.01, 0.0, 0.2, "light")
MANY = Recipe(20, 128, "adamw", 2e-3, 0.02, 0.05, 0.2, "light")
PHOTO = Recipe(60, 32, "adamw", 2e-3, 0.02, 0.05, 0.2, "photo", averaged=True)
FEW_PHOTOS = replace(PHOTO, epochs=150)
FEW_IMAGES, MANY_IMAGES = 1_000, 10_000


def find_recipe(preset: str, dataset: str, train_images: int, epochs: int | None, augmentation: str | None) -> Recipe:
    """The recipe of a preset on a data set, with another number of epochs or another augmentation where asked.

    UserError if there is no augmentation of that name.
    """
    usual = MANY if train_images > MANY_IMAGES else FEW
    if preset == "photo":
        usual = FEW_PHOTOS if train_images <= FEW_IMAGES else PHOTO
    recipe = RECIPES.get((preset, dataset), usual)
    recipe = replace(recipe, epochs=epochs or recipe.epochs, augmentation=augmentation or recipe.augmentation)
    find_augmentation(recipe.augmentation)
    return recipe
