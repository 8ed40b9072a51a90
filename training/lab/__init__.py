"""The convolution lab: filters made by hand and filters that were learned, in NumPy and on a microcontroller.

For notebooks everything is here: `from training import lab`. Functions named `draw_...` return a matplotlib figure. The
page of `make explore` is made with the same functions; docs/lab.md shows them at work.
"""

from training.lab.chip import ChipFilters, ChipPicture, filter_on_chip
from training.lab.convolution import convolve, dropped, pool
from training.lab.device_maps import LayerRun, maps_on_device
from training.lab.figures_chip import draw_chip, draw_chip_filters
from training.lab.figures_hand import (
    draw_filters,
    draw_final,
    draw_grid,
    draw_paddings,
    draw_poolings,
    draw_pyramid,
    draw_worked_pixel,
    draw_worked_pooling,
)
from training.lab.figures_learned import (
    draw_first_filters,
    draw_learned_on_picture,
    draw_maps,
    draw_responses,
    draw_same_class,
)
from training.lab.figures_network import draw_journey, draw_margins, draw_receptive
from training.lab.filters import NAMED, Filter, as_filter
from training.lab.pictures import Source, load_picture
from training.lab.receptive import Field, receptive_fields
from training.lab.trained import (
    Layer,
    Trained,
    class_responses,
    feature_maps,
    first_filters,
    images_of,
    layer_bytes,
    load_trained,
    relative,
)
from training.lab.worked_numbers import worked_pixel, worked_pooling

__all__ = [
    "NAMED",
    "ChipFilters",
    "ChipPicture",
    "Field",
    "Filter",
    "Layer",
    "LayerRun",
    "Source",
    "Trained",
    "as_filter",
    "class_responses",
    "convolve",
    "draw_chip",
    "draw_chip_filters",
    "draw_filters",
    "draw_final",
    "draw_first_filters",
    "draw_grid",
    "draw_journey",
    "draw_learned_on_picture",
    "draw_maps",
    "draw_margins",
    "draw_paddings",
    "draw_poolings",
    "draw_pyramid",
    "draw_receptive",
    "draw_responses",
    "draw_same_class",
    "draw_worked_pixel",
    "draw_worked_pooling",
    "dropped",
    "feature_maps",
    "filter_on_chip",
    "first_filters",
    "images_of",
    "layer_bytes",
    "load_picture",
    "load_trained",
    "maps_on_device",
    "pool",
    "receptive_fields",
    "relative",
    "worked_pixel",
    "worked_pooling",
]
