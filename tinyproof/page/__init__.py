"""Pages of one family: the validation report, the training report and the convolution lab are made with this.

Imports the floor alone. Called by `host.report`, `training` and its lab. Knows nothing of models or boards.

A page is one self-contained HTML file: no network, no scripts, opens from disk, light and dark, readable on a phone and
on paper, and by a screen reader.

    from tinyproof.page import Bar, Page, Tile, banner, bars, figure, heat_table, pixel_image, svg_figure, table, tiles

    page = Page("Training report", subtitle="digits_small, 35 epochs")
    page.add(banner("good", "98.1 %", "of 359 test images are classified as labelled."))
    page.add(tiles([Tile("accuracy, float", "98.05 %", "352 of 359"), Tile("parameters", "56,714")]))
    section = page.section("Curves", "One line of text about what to see here.")      # a heading and a place in the nav
    section.add(svg_figure(draw_curves(), alt="Loss falls from 2.0 to 0.001 in 35 epochs.", caption="Loss an epoch."))
    section.add("A str is a paragraph of text and is escaped; a Markup is HTML and is not.")
    section.sub("By class")                                                            # a heading below it
    section.add(table(["class", "recall"], [["0", 0.991]], caption="Recall by class"))
    page.save(folder / "training.html")

Text goes in as plain str everywhere and is escaped; what a helper returns is `Markup` and goes into any other helper.
A figure of matplotlib is drawn within `with figure_style() as color:`, which sets fonts, a transparent ground and
colours that `svg_figure` turns into those of the page's stylesheet, so that it follows light and dark. `color.accent`,
`color.muted`, ... are for artists that want a colour by its role; any other colour stays as it is. Arrays of pixels
become PNGs of their own size, enlarged without smoothing (`pixel_image`, `gallery`).
"""

from tinyproof.page.charts import Block, Mark, histogram, plane
from tinyproof.page.figures import Colors, figure_style, pixel_image, png_url, svg_figure
from tinyproof.page.page import Page, Section, render
from tinyproof.page.parts import (
    Bar,
    Cell,
    Column,
    Kind,
    Picture,
    Tile,
    banner,
    bars,
    bullets,
    code,
    details,
    facts,
    figure,
    gallery,
    heat_table,
    note,
    strips,
    table,
    tiles,
)

__all__ = [
    "Bar",
    "Block",
    "Cell",
    "Colors",
    "Column",
    "Kind",
    "Mark",
    "Page",
    "Picture",
    "Section",
    "Tile",
    "banner",
    "bars",
    "bullets",
    "code",
    "details",
    "facts",
    "figure",
    "figure_style",
    "gallery",
    "heat_table",
    "histogram",
    "note",
    "pixel_image",
    "plane",
    "png_url",
    "render",
    "strips",
    "svg_figure",
    "table",
    "tiles",
]
