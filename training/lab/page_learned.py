"""The page's sections about a trained model: its journey, its filters, its feature maps in Python and on a device."""

from __future__ import annotations

import numpy as np

from tinyproof.page import Cell, Page, note, table
from tinyproof.training.lab.convolution import Picture
from tinyproof.training.lab.exploration import Learned
from tinyproof.training.lab.figures_learned import (
    draw_first_filters,
    draw_learned_on_picture,
    draw_maps,
    draw_responses,
    draw_same_class,
)
from tinyproof.training.lab.figures_network import draw_journey, draw_margins, draw_receptive
from tinyproof.training.lab.gallery import Gallery
from tinyproof.training.lab.trained import feature_maps, first_filters, shape_text, total

STRONGEST_LISTED = 2


def add_learned(page: Page, gallery: Gallery, learned: Learned, picture: Picture) -> None:
    """Append the sections. The learned filters are tried on the picture, too."""
    _add_journey(page, gallery, learned)
    _add_first_filters(page, gallery, learned, picture)
    _add_maps(page, gallery, learned)
    _add_responses(page, gallery, learned)
    _add_sight(page, gallery, learned)
    if learned.on_device:
        _add_device(page, gallery, learned)


def _add_journey(page: Page, gallery: Gallery, learned: Learned) -> None:
    trained = learned.trained
    shapes = " → ".join(shape_text(shape) for shape in (trained.input_shape, *(la.shape for la in trained.layers)))
    section = page.section(
        "A network's journey",
        f"{trained.name} is a stack of such filters, with numbers that nobody chose: {shapes}.",
    )
    parameters, macs = total(trained.layers)
    costliest = max(trained.layers, key=lambda layer: layer.macs)
    largest = max(trained.layers, key=lambda layer: layer.parameters)
    gallery.add(
        section,
        "journey",
        draw_journey(trained),
        f"The layers of {trained.name}: {shapes}.",
        f"{parameters:,} parameters and {macs:,} multiply-accumulates an image. {costliest.name} does "
        f"{costliest.macs / macs:.0%} of the work, {largest.name} holds {largest.parameters / parameters:.0%} of the "
        "parameters.",
    )
    rows = [
        [layer.name, layer.op.name, shape_text(layer.shape), layer.parameters or None, layer.macs or None]
        for layer in trained.layers
    ]
    columns = ["layer", "op", "hands on", "parameters", "MACs"]
    section.add(table(columns, rows, "Layer by layer", ["in all", "", "", parameters, macs]))


def _add_first_filters(page: Page, gallery: Gallery, learned: Learned, picture: Picture) -> None:
    section = page.section(
        "Filters that were learned",
        "Nobody told the network to look for lines. Find the filters that do.",
    )
    filters = first_filters(learned.trained)
    gallery.add(
        section,
        "learned_filters",
        draw_first_filters(learned.trained),
        f"The {len(filters)} filters of the first layer.",
        "Orange adds, blue takes away, each filter by its own largest number. Below each the hand-made filter it is "
        "most like and how much, 1 being the same shape; a minus stands for its opposite."
        if filters.shape[3] == 1
        else "Each as the colours that it looks for.",
    )
    if filters.shape[3] == 1 and all(k <= side for k, side in zip(filters.shape[1:], picture.shape, strict=False)):
        gallery.add(
            section,
            "learned_on_picture",
            draw_learned_on_picture(picture, filters[..., 0]),
            "The picture through the strongest of the learned filters.",
            "The strongest filters, each without the mean of its numbers, so that even areas turn black. What was "
            "learned from small images finds the edges of a large one; compare with the filters for lines above.",
        )


def _add_maps(page: Page, gallery: Gallery, learned: Learned) -> None:
    trained, image = learned.trained, learned.images[0]
    section = page.section(
        "Feature maps",
        "What each filter makes of one image. Bright is where it found what it looks for.",
    )
    panels = [
        (f"{layer.name}\n{shape_text(layer.shape)}", feature_maps(trained, layer, image[np.newaxis])[0])
        for layer in trained.map_layers
    ]
    gallery.add(
        section,
        "feature_maps",
        draw_maps(image, panels),
        f"An image of class {learned.names[0]} and all maps of {', '.join(la.name for la in trained.map_layers)}.",
        "Every map, each scaled by its own largest value. Edges first; deeper down less of the image and more of what "
        "makes the class.",
    )
    first, other = learned.names[0], learned.names[-1]
    gallery.add(
        section,
        "same_class",
        draw_same_class(trained, learned.images, learned.names, learned.channels),
        f"Images of {first} and {other} and what one filter of each layer makes of them.",
        f"One filter a layer: the one that fires most for {first}. What lights up in every picture of {first} and "
        f"not in those of {other} is what it responds to.",
    )


def _add_responses(page: Page, gallery: Gallery, learned: Learned) -> None:
    trained = learned.trained
    layer, responses = learned.responses[-1]
    section = page.section(
        "Which filter fires for which class",
        f"The mean of every map of {layer.name} over {sum(learned.counts):,} test images, compared with the filter's "
        "own mean over all classes.",
    )
    gallery.add(
        section,
        "responses",
        draw_responses(responses, trained.labels, layer),
        f"A heat map: filters of {layer.name} across, classes down.",
        "A dot marks the filter that fires most for the class.",
    )
    rows: list[list[Cell]] = []
    for label, name in enumerate(trained.labels):
        best = np.argsort(-responses[:, label])[:STRONGEST_LISTED]
        named = ", ".join(f"{index} ({100 * (responses[index, label] - 1):+.0f} %)" for index in best)
        rows.append([name, learned.counts[label], named])
    section.add(table(["class", "images", "filters that fire most"], rows, f"The strongest filters of {layer.name}"))


def _add_sight(page: Page, gallery: Gallery, learned: Learned) -> None:
    trained, fields = learned.trained, learned.fields
    height, width, _ = trained.input_shape
    section = page.section(
        "How far a layer sees",
        "Every layer sees a little further than the one before, and loses a little at the edge.",
    )
    gallery.add(
        section,
        "receptive",
        draw_receptive(learned.images[0], fields),
        "; ".join(f"{f.layer.name} sees {f.size[0]} by {f.size[1]} pixels" for f in fields),
        "The frame is all that one value of the layer can know of the image.",
    )
    gallery.add(
        section,
        "margins",
        draw_margins((height, width), fields),
        "For each layer, how many of its values see each pixel of the input.",
        "Yellow pixels are seen by many values, blue ones by few. Outside of the dashed line no value has its centre: "
        "that is the margin. Orange pixels are seen by nothing from there on, because pooling dropped an odd row or "
        "column.",
    )
    rows: list[list[Cell]] = []
    lost = 0
    for field in fields:
        (top, bottom), (left, right) = field.centres
        lost = int((field.seen == 0).sum())
        centres = f"rows {top:g} to {bottom:g}, columns {left:g} to {right:g}"
        rows.append([field.layer.name, f"{field.size[0]}x{field.size[1]}", centres, lost])
    columns = ["layer", "one value sees", "centres lie in", "pixels unseen"]
    section.add(table(columns, rows, f"Sight of each layer, in pixels of the {width}x{height} input"))
    if lost:
        section.add(
            note(f"{lost} of {height * width} pixels cannot change the answer: keep what matters away from that edge.")
        )


def _add_device(page: Page, gallery: Gallery, learned: Learned) -> None:
    run = learned.on_device[0].run
    section = page.section(
        "Feature maps on the chip",
        f"The same maps, computed by board {run.board}: the model was cut off behind its last layer of maps, each of "
        "those layers made an output, and the whole built into firmware like any other model.",
    )
    panels = [
        (f"{made.layer.name}\n{made.different:,} of {made.compared:,} bytes differ", made.maps[0])
        for made in learned.on_device
    ]
    different, compared = learned.different, learned.compared
    gallery.add(
        section,
        "device_maps",
        draw_maps(learned.images[0], panels),
        f"The feature maps as the device computed them; {different:,} of {compared:,} bytes differ from the golden.",
        f"From the device, for {len(learned.images)} images: {different:,} of {compared:,} bytes differ from "
        f"{run.golden_name}.",
    )
    rows: list[list[Cell]] = [[made.layer.name, made.compared, made.different] for made in learned.on_device]
    section.add(table(["layer", "bytes compared", "different"], rows, f"Board {run.board}, layer by layer"))
