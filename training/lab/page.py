"""The page of an exploration, `index.html`: figures with the text that teaches what to see in them.

The sections about filters made by hand are here, those about the device in `page_chip`, those about a trained model in
`page_learned`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from markupsafe import Markup

from tinyproof import advice
from tinyproof.console import track
from tinyproof.page import Page, code, note, table
from tinyproof.training.lab.convolution import PADDINGS, convolve, dropped
from tinyproof.training.lab.exploration import HandMade, Learned, OnChip
from tinyproof.training.lab.figures_hand import (
    draw_filters,
    draw_final,
    draw_paddings,
    draw_poolings,
    draw_pyramid,
    draw_worked_pixel,
    draw_worked_pooling,
)
from tinyproof.training.lab.filters import NAMED
from tinyproof.training.lab.gallery import Gallery
from tinyproof.training.lab.page_chip import add_chip
from tinyproof.training.lab.page_learned import add_learned
from tinyproof.training.lab.worked_numbers import EXERCISE_FILTER, worked_pixel, worked_pooling

PAGE_FILE = "index.html"


def write_page(folder: Path, hand: HandMade, chip: OnChip | None, learned: Learned | None, play: Path) -> Path:
    """Draw everything and write it into `folder`: PNGs, then the page. Returns the page's path.

    `play` is where `make play` writes its page, which need not be there.
    """
    gallery = Gallery(folder)
    source = hand.source
    page = Page(
        "What a convolution does",
        f"{source.name}, {source.size} pixels, {source.remark}; filter {hand.filter.name}"
        + (f"; model {learned.trained.name}" if learned else ""),
        footer="Made by make explore. Every picture on this page was computed for it.",
    )
    page.add(_invitation(folder, play))
    by_hand = (_add_pixel, _add_picture, _add_filters, _add_edges, _add_pooling)
    parts: list[Callable[[], None]] = [partial(add, page, gallery, hand) for add in by_hand]
    if chip:
        parts.append(partial(add_chip, page, gallery, hand, chip, learned))
    if learned:
        parts.append(partial(add_learned, page, gallery, learned, source.pixels))
    for add_part in track(parts, "Drawing"):
        add_part()
    path = page.save(folder / PAGE_FILE)
    gallery.tidy()
    return path


def _invitation(folder: Path, play: Path) -> Markup:
    """To the page in which the numbers can be changed."""
    if not play.is_file():
        words = Markup("<code>{}</code> makes a page for that").format(advice.command("play"))
    else:
        address = Path(os.path.relpath(play, folder)).as_posix()
        words = Markup('<a href="{}">the playing page</a> is there for that').format(address)
    return note(Markup("Change the numbers yourself and see the picture follow: {}.").format(words))


def _add_pixel(page: Page, gallery: Gallery, hand: HandMade) -> None:
    section = page.section(
        "One pixel by hand",
        "A convolution is a sum of products, taken at every pixel. Here is one of them, with all its numbers.",
    )
    section.add(
        "Lay the filter over a pixel and its neighbours. Multiply each pixel by the number above it, add up the nine "
        "products, and the sum is the new pixel. A grey is a number from 0, black, to 255, white; a sum that leaves "
        "that range is clamped to its end."
    )
    worked = worked_pixel(filter_=EXERCISE_FILTER)
    gallery.add(
        section,
        "worked_pixel",
        draw_worked_pixel(worked),
        f"Nine pixels around 192, times the filter {EXERCISE_FILTER.text}: the sum is {worked.total:g}, clamped to "
        f"{worked.result}.",
        "The pixel 192 under the filter of the well-known exercise. Orange numbers add, blue ones take away.",
    )
    section.add(code(worked.text, "the same calculation, a product a line"))
    if hand.filter.shape == worked.neighbourhood.shape:
        yours = worked_pixel(filter_=hand.filter)
        section.sub(f"The same nine pixels under {hand.filter.name}")
        gallery.add(
            section,
            "your_pixel",
            draw_worked_pixel(yours),
            f"The same nine pixels times the filter {hand.filter.text}: the new pixel is {yours.result}.",
            _weight_note(hand),
        )


def _weight_note(hand: HandMade) -> str:
    total = float(hand.filter.array.sum())
    if hand.filter.weight == 1:
        return f"The numbers of this filter add up to {total:g}, so it needs no weight."
    return (
        f"The numbers add up to {total:g}. The weight {hand.filter.weight:.4g} makes up for that: "
        "an even grey stays about what it was."
    )


def _add_picture(page: Page, gallery: Gallery, hand: HandMade) -> None:
    section = page.section(
        "A whole picture",
        "The same sum at every pixel. Look at what became bright: that is what the filter responds to.",
    )
    height, width = hand.source.pixels.shape
    section.add(
        f"That is {height * width:,} windows of {hand.filter.array.size} numbers each. Four nested loops in "
        "Python take seconds for it; here NumPy adds up one shifted copy of the picture for each number of the filter, "
        f"and took {hand.milliseconds:.1f} ms for pixel for pixel the same result."
    )
    settings = f"stride {hand.stride}, padding {hand.padding}"
    gallery.add(
        section,
        "final",
        draw_final(hand.source.pixels, hand.filter, hand.filtered, hand.pooled),
        f"The picture, the picture through {hand.filter.name}, and that pooled to half its height and width.",
        f"{hand.filter.name}: {hand.filter.text}, weight {hand.filter.weight:.4g}, {settings}. Mind the axes: pooling "
        "halves both sides, and what the filter found is still there.",
    )


def _add_filters(page: Page, gallery: Gallery, hand: HandMade) -> None:
    section = page.section(
        f"{len(NAMED)} filters", "Nine numbers decide what stands out. Compare the two that look for lines."
    )
    gallery.add(
        section,
        "filters",
        draw_filters(hand.source.pixels),
        f"The picture through {', '.join(NAMED)}.",
        "Numbers that add up to 0 leave an even area black, so only changes remain; numbers that add up to 1 keep its "
        "brightness.",
    )
    rows = [[f.name, f.text, f"{f.weight:.4g}", f.shows] for f in NAMED.values()]
    section.add(table(["filter", "numbers", "weight", "what to see"], rows, "The filters by name"))
    section.add(
        "Any other: ",
        code('make explore FILTER="-1 0 1 -2 0 2 -1 0 1"\nmake explore FILTER="1 2 1 / 2 4 2 / 1 2 1" WEIGHT=1/16'),
    )


def _add_edges(page: Page, gallery: Gallery, hand: HandMade) -> None:
    section = page.section(
        "At the edge of the picture",
        "A pixel at the edge has no neighbours on one side. There are three ways to deal with that.",
    )
    gallery.add(
        section,
        "padding",
        draw_paddings(hand.source.pixels, hand.filter),
        "The upper left corner of the filtered picture under the paddings margin, same and valid.",
        "The upper left corner, pixel by pixel.",
    )
    meaning = {
        "margin": "the classic loop from 1 to size - 1: edge pixels stay what they were",
        "same": "beyond the edge everything counts as black, which makes an edge of its own",
        "valid": "edge pixels are left out, and the picture shrinks: that is how 28 becomes 26 in a network",
    }
    rows = []
    for padding in PADDINGS:
        height, width = convolve(hand.source.pixels, hand.filter, stride=hand.stride, padding=padding).shape
        rows.append([padding, f"{hand.source.size} → {width}x{height}", meaning[padding]])
    caption = f"Paddings at stride {hand.stride}"
    section.add(table(["padding", "shape", "what happens"], rows, caption))


def _add_pooling(page: Page, gallery: Gallery, hand: HandMade) -> None:
    section = page.section(
        "Pooling", "Of every 2x2 pixels one number is kept. A quarter of the data is left, and nearly all that matters."
    )
    gallery.add(
        section,
        "worked_pooling",
        draw_worked_pooling(),
        "A block of 4x4 pixels, pooled 2x2: largest values 192, 144, 255, 168.",
        "By hand: the largest of each four, and beside it their mean.",
    )
    section.add(code(worked_pooling(), "the same as text"))
    gallery.add(
        section,
        "pooling",
        draw_poolings(hand.filtered),
        "A detail of the filtered picture, pooled by the largest value and by the mean.",
        "A detail of the filtered picture. The largest value keeps a thin line as bright as it was; the mean thins it "
        "out. Networks that look for features therefore take the largest.",
    )
    gallery.add(
        section,
        "pyramid",
        draw_pyramid(hand.filtered),
        "The filtered picture pooled three times, each half as wide and high as the one before.",
        "All on one scale. A 3x3 filter on the smallest sees an area eight times as wide: that is how a network comes "
        "from edges to whole things.",
    )
    height, width = hand.filtered.shape
    lost = dropped(hand.filtered.shape)
    section.add(
        f"The filtered picture: {width}x{height} → {hand.pooled.shape[1]}x{hand.pooled.shape[0]}"
        + (f"; the sides are odd where {lost}." if lost else ".")
    )
