"""The pages' foundation: everything is escaped, self-contained, the same each time, and readable in light and dark."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys

import numpy as np
import pytest
from markupsafe import Markup
from page_check import faults
from PIL import Image

from tinyproof import page as parts
from tinyproof.page import Bar, Column, Page, Picture, Tile
from tinyproof.page.figures import Colors
from tinyproof.page.page import stylesheet

PIXELS = np.arange(64, dtype=np.uint8).reshape(8, 8)
EVIL = '<script>alert("x")</script>'

PARTS = {
    "banner": lambda text: parts.banner("bad", text, text, [text]),
    "tiles": lambda text: parts.tiles([Tile(text, text, text, "good")]),
    "note": lambda text: parts.note(text),
    "bullets": lambda text: parts.bullets([text]),
    "strips": lambda text: parts.strips([(text, [Picture(PIXELS, text, text), Picture(PIXELS, text)]), (text, [])]),
    "facts": lambda text: parts.facts([(text, text), (text, None)]),
    "code": lambda text: parts.code(text, text),
    "details": lambda text: parts.details(text, parts.note(text)),
    "table": lambda text: parts.table([text, Column("n", number=True)], [[text, 5], [text, None]], text, [text, 5]),
    "bars": lambda text: parts.bars([Bar(text, 5, text, text), Bar("b", 0, kind="bad")], text, (text, text)),
    "heat_table": lambda text: parts.heat_table(np.eye(2), [text, "b"], [text, "b"], text, (text, text)),
    "gallery": lambda text: parts.gallery([Picture(PIXELS, text, text, text)]),
    "pixel_image": lambda text: parts.pixel_image(PIXELS, text, text),
    "figure": lambda text: parts.figure(parts.facts([]), text),
}


def draw() -> Markup:
    with parts.figure_style() as color:
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots()
        axes.plot([1, 2, 3], label="a")
        axes.plot([3, 2, 1], color="#abcdef")
        axes.axhline(2, color=color.bad)
        axes.legend()
    return parts.svg_figure(figure, alt="Two lines cross.", caption="Lines.")


@pytest.fixture(scope="module")
def whole_page() -> str:
    page = Page("A page", subtitle=EVIL, footer=EVIL)
    page.add(EVIL, PARTS["banner"]("equal"))
    for name, make in PARTS.items():
        page.section(name, EVIL).sub(EVIL).add(make(EVIL), make("plain"), EVIL)
    page.section("Figure").add(draw())
    page.section("Figure").add("the same heading twice")
    return page.html()


def test_a_page_of_all_parts_has_no_faults(whole_page):
    assert faults(whole_page) == []


def test_no_text_becomes_markup(whole_page):
    assert "<script" not in whole_page
    assert whole_page.count("&lt;script") > 2 * len(PARTS)


def test_the_check_of_pages_finds_faults():
    good = Page("t").html()
    for bad in (
        '<img src="data:,">',
        '<img alt="x" src="https://example.org/x.png">',
        "<h3>too deep</h3>",
        "<table><tr><th>x</th></tr></table>",
        '<p id="main">twice</p>',
        "<p><div>block</div></p>",
        "<div>",
        '<a href="#nowhere">x</a>',
        "<svg></svg>",
        "<script></script>",
        '<p onclick="x()">x</p>',
        '<div class="scroll">x</div>',
        '<p style="background:url(x.png)">x</p>',
    ):
        assert faults(good.replace("</main>", bad + "</main>")), bad


def test_a_figure_follows_light_and_dark_and_keeps_other_colours():
    svg = draw()
    for role in ("ink", "muted", "accent", "bad"):
        assert f"var(--{role})" in svg
    assert "#abcdef" in svg
    assert not [value for value in Colors().__dict__.values() if value in svg]
    assert ">a</text>" in svg  # text stays text
    assert svg == draw()


def test_two_figures_share_no_ids():
    first, second = draw(), draw().replace("cross", "part")
    ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in (first, second)]
    assert ids[0] and ids[0] == ids[1]  # the same figure has the same ids, and stands in a page once
    with parts.figure_style():
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots()
        axes.plot([1, 5])
    other = set(re.findall(r' id="([^"]+)"', parts.svg_figure(figure, "Another.")))
    assert other.isdisjoint(ids[0])


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (8, 8, 3)])
def test_pixels_come_back_from_their_png(shape):
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    head, data = parts.png_url(pixels).split(",")
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    assert head == "data:image/png;base64"
    assert np.array_equal(image.reshape(shape), pixels)


@pytest.mark.parametrize("pixels", [np.zeros((8, 8)), np.zeros((8, 8, 2), np.uint8), np.zeros(8, np.uint8)])
def test_what_is_no_picture_is_refused(pixels):
    with pytest.raises(ValueError, match="uint8"):
        parts.png_url(pixels)


def test_cells_are_numbers_as_people_write_them():
    html = parts.table(["a", "n", "x", "?"], [["m", 1234567, 0.12345, None]], "c")
    assert re.findall(r"<td[^>]*>([^<]*)</td>", html) == ["1,234,567", "0.1235", "–"]
    assert html.count('class="number"') == 6


def test_a_bar_is_as_long_as_its_value():
    html = parts.bars([Bar("a", 50), Bar("b", 25), Bar("c", 0)], "c", ("op", "ticks"))
    assert re.findall(r"width:([0-9.]+)%", html) == ["100.0", "50.0", "0.0"]


def test_the_errors_of_a_confusion_matrix_stand_out_by_their_own_scale():
    matrix = np.array([[90, 10], [5, 95]])
    html = parts.heat_table(matrix, ["a", "b"], ["a", "b"], "c", ("labelled", "taken for"), confusion=True)
    assert re.findall(r'<td( class="wrong")? style="--heat:([0-9.]+)">(\d+)<', html) == [
        ("", "0.947", "90"),
        (' class="wrong"', "1.0", "10"),
        (' class="wrong"', "0.5", "5"),
        ("", "1.0", "95"),
    ]


def palettes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\}", stylesheet(), re.DOTALL)
    read = [dict(re.findall(r"--(\w+): (#\w{6});", block)) for block in (light, dark)]
    return {"light": read[0], "dark": {**read[0], **read[1]}}


def luminance(color: tuple[float, ...]) -> float:
    """WCAG 2.2, relative luminance of sRGB 0..255."""
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def rgb(color: str) -> tuple[float, ...]:
    return tuple(int(color[i : i + 2], 16) for i in (1, 3, 5))


def contrast(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """WCAG 2.2, contrast ratio."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_contrast_on_every_ground(theme):
    color = {name: rgb(value) for name, value in palettes()[theme].items()}
    percent = float(re.findall(r"var\(--heat\) \* (\d+)%", stylesheet())[0]) / 100
    hottest = [
        tuple(percent * a + (1 - percent) * b for a, b in zip(color[hot], color["surface"], strict=True))
        for hot in ("accent", "bad")
    ]
    pairs = [
        (text, ground)
        for text in ("ink", "muted", "accent", "good", "bad", "unsure")
        for ground in ("surface", "raised")
    ]
    assert {p: c for p in pairs if (c := contrast(color[p[0]], color[p[1]])) < 4.5} == {}
    assert min(contrast(color["ink"], ground) for ground in hottest) >= 4.5
    lines = [name for name in color if name.startswith("series")]
    assert {name: c for name in lines if (c := contrast(color[name], color["surface"])) < 3} == {}


def test_the_figures_colours_are_those_of_the_light_stylesheet():
    light = palettes()["light"]
    assert {name: light[name] for name in vars(Colors()) if name != "surface"} == {
        name: value for name, value in vars(Colors()).items() if name != "surface"
    }


def test_making_pages_imports_matplotlib_only_for_its_figures():
    script = (
        "import sys; from tinyproof.page import Page; Page('t').html(); "
        "sys.exit(bool({'matplotlib', 'PIL'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
