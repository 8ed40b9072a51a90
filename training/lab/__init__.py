"""The convolution lab: filters made by hand and filters that were learned, in NumPy and on a microcontroller.

Imports every storey below `training`, and the floor. Called by `tinyproof explore`, and by notebooks, for which each
name below is there by `from tinyproof.training import lab` (docs/lab.md), imported when it is first used.
"""

from importlib import import_module

# module below this one: the names it gives
_HOMES = {
    "chip": "ChipFilters ChipPicture filter_on_chip",
    "convolution": "convolve dropped pool",
    "device_maps": "LayerRun maps_on_device",
    "figures_chip": "draw_chip",
    "figures_hand": "draw_filters draw_final draw_grid draw_paddings draw_poolings draw_pyramid draw_worked_pixel "
    "draw_worked_pooling",
    "figures_learned": "draw_first_filters draw_learned_on_picture draw_maps draw_responses draw_same_class",
    "figures_network": "draw_journey draw_margins draw_receptive",
    "filters": "NAMED Filter as_filter",
    "pictures": "Source load_picture",
    "receptive": "Field receptive_fields",
    "trained": "Layer Trained class_responses feature_maps first_filters float_scores images_of layer_bytes "
    "load_trained relative",
    "worked_numbers": "worked_pixel worked_pooling",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    """Import what is asked for; its module is where it is defined."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """For notebooks' completion."""
    return __all__
