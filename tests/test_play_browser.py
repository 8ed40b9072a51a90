"""The playing page in a real browser: drawing, filters, maps, the device; by pointer and by keyboard."""

from __future__ import annotations

import io
import json
import re
import shutil
import urllib.error
import urllib.request
from importlib.util import find_spec

import numpy as np
import pytest
from conftest import DEMO_MODEL
from needs import golden, portable
from PIL import Image
from test_play import without_pictures
from web import chromium, open_page

from tinyproof.boards import BOARDS
from tinyproof.export.golden import Golden
from tinyproof.host.report import play_pictures
from tinyproof.host.report.play_film import play_film
from tinyproof.manifest import TFLITE_FILE
from tinyproof.training.lab.convolution import convolve
from tinyproof.training.lab.scene import draw_scene
from tinyproof.training.play import ascent
from tinyproof.training.play.lab_content import halved
from tinyproof.training.play.live import new_path, serving
from tinyproof.training.play.page import json_text
from tinyproof.training.play.stage import make_page, page_of

pytestmark = portable
PROVEN = "#proof.good, #proof.unsure"
ROOMS = ("network", "convolution", "device")
READ = "id => { const c = document.getElementById(id); return [c.height, c.width, \
    [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 4 === 0)]; }"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """With pictures that excite the filters, after few steps, where Keras is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ascent, "STEPS", (0, 1, 3))
        return make_page(DEMO_MODEL, tmp_path_factory.mktemp("play") / "play.html", dreams=True)


@pytest.fixture(scope="module")
def browser():
    with chromium() as one:
        yield one


@pytest.fixture
def page(browser, page_file):
    opened = open_page(browser, page_file)
    yield opened
    assert opened.faults == []
    opened.context.close()


def shown(page, canvas):
    height, width, pixels = page.evaluate(READ, canvas)
    return np.array(pixels, np.uint8).reshape(height, width)


def wait(page, selector, text):
    """Until the text is there. By looking for it: the page's policy forbids a script that waits."""
    page.locator(selector, has_text=text).wait_for()


def drawn_answer(page):
    """The bytes that the page shows, and what the golden answers to the pixels that the page shows."""
    pixels = shown(page, "seen")
    exact = Golden((DEMO_MODEL / TFLITE_FILE).read_bytes()).run_bytes(
        (pixels.astype(int) - 128).astype(np.int8).tobytes()
    )
    numbers = [int(word) for word in page.inner_text("#bytes").replace("\u2212", "-").split()]
    return numbers, np.frombuffer(exact, np.int8).tolist()


def draw(page, points):
    play_pictures.draw(page, points)
    page.wait_for_timeout(100)


@golden
def test_what_is_drawn_is_answered_with_the_goldens_bytes(page):
    page.click("#clear")
    wait(page, "#certainty", "nothing drawn yet")
    draw(page, [(0.3, 0.2), (0.75, 0.2), (0.45, 0.85)])
    assert page.inner_text("#answer") == "7"
    numbers, exact = drawn_answer(page)
    assert numbers == exact
    rows = np.flatnonzero(shown(page, "seen").max(axis=1) > 64)
    assert rows[-1] - rows[0] + 1 in range(18, 23)  # as large as the training pictures' digits


@golden
def test_the_page_proves_its_bytes_before_the_users_eyes(page):
    page.wait_for_selector("#proof.good")
    assert page.inner_text("#proven") == "0 of 3,060 bytes differ from TensorFlow Lite Micro"
    assert "6 golden vectors and 300 test pictures" in page.inner_text("#proven-of")


@golden
def test_a_page_with_one_wrong_weight_says_so(browser, page_file, tmp_path):
    text = page_file.read_text()
    constants = text.index('"constants_sha256":"') + len('"constants_sha256":"')
    other = "0" if text[constants] != "0" else "1"
    (tmp_path / "play.html").write_text(text[:constants] + other + text[constants + 1 :])
    page = open_page(browser, tmp_path / "play.html")
    page.wait_for_selector("#proof.bad")
    assert "NOT those that were exported" in page.inner_text("#proven-of")
    page.context.close()


def test_an_edited_filter_is_redrawn_as_numpy_has_it_and_a_pixel_is_explained(page):
    page.click("#tab-convolution")
    picture = halved(draw_scene())
    assert (shown(page, "original") == picture).all()
    page.click("text=sharp edges")
    page.fill("[aria-label='Row 2, column 2']", "-3.5")
    page.fill("#weight", "0.5")
    page.select_option("#padding", "same")
    page.select_option("#stride", "2")
    expected = convolve(picture, [[0, 1, 0], [1, -3.5, 1], [0, 1, 0]], weight=0.5, stride=2, padding="same")
    assert (shown(page, "filtered") == expected).all()
    box = page.locator("#filtered").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 20.5 / 128, box["y"] + box["height"] * 10.5 / 128)
    text = page.inner_text("#probe")
    assert "Row 11, column 21" in text and f"the new pixel is {expected[10, 20]}" in text
    seen = picture[20:23, 40:43].reshape(-1)
    assert [int(cell) for cell in page.locator("#probe table >> nth=0").inner_text().split()[1:]] == seen.tolist()
    page.select_option("#negatives", "absolute")
    assert (shown(page, "filtered") >= expected).all() and (shown(page, "filtered") > expected).any()


def test_another_filter_changes_the_pixel_by_hand_and_a_chosen_one_can_be_read_under_the_pointer(page):
    page.click("#tab-convolution")
    for name in ("horizontal lines", "sharpen"):
        chip = page.get_by_role("button", name=name, exact=True)
        chip.click()
        numbers = [find.input_value() for find in page.locator(".numbers input").all()]
        by_hand = page.locator("#probe table >> nth=1").inner_text().replace("\u2212", "-").split()[1:]
        assert [float(one) for one in by_hand] == [float(one) for one in numbers]
        color, ground = chip.evaluate("one => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor]")
        assert color != ground
    page.select_option("#pooling", "max")
    page.locator("#pooled").hover(position={"x": 20, "y": 20})
    page.select_option("#pooling", "average")
    assert "the mean of" in page.inner_text("#probe")


def test_the_film_of_the_page_moves(browser, page_file):
    film = Image.open(io.BytesIO(play_film(browser, page_file)))
    frames = [film.convert("RGB").tobytes() for place in range(film.n_frames) if film.seek(place) is None]
    assert len(frames) > 15 and len(set(frames)) == len(frames)


def test_six_steps_lead_to_pooling_and_a_second_filter(page):
    page.click("#tab-convolution")
    for step in range(2, 7):
        page.click("#path-next")
        assert page.inner_text("#path-step") == f"Step {step} of 6"
    assert shown(page, "pooled").shape == (128, 128)
    assert "horizontal lines" in page.locator("#seconds").get_attribute("aria-label")
    page.hover("#pooled")
    assert "the largest of" in page.inner_text("#probe")
    page.check("#int8")
    assert "Not one pixel differs" in page.inner_text("#chip")
    page.click("text=box blur")
    assert "differ from floating point, by 1 at most" in page.inner_text("#chip")


def test_a_map_tells_its_filter_what_it_sees_and_what_excites_it(page):
    page.wait_for_selector(PROVEN)
    page.click("[aria-label='Maps of conv_1'] button >> nth=3")
    details = page.locator(".details")
    assert details.locator("table.weights td").count() == 9
    assert details.locator(".thumbnail").count() == 10
    details.locator("canvas >> nth=0").hover()
    assert "It sees 3\u00d73 pixels" in details.inner_text()
    assert page.locator("#frame").is_visible()
    if "What excites map" in details.inner_text():  # with Keras
        slider = details.locator("input[type=range]")
        slider.fill("0")
        assert "after 0 steps" in details.inner_text()
    page.click("text=Try it in the convolution room")
    assert page.locator("#convolution").is_visible()
    assert page.locator("#numbers input").count() == 9


@golden
def test_a_walk_leads_from_the_picture_to_the_pixels_that_mattered(page):
    page.wait_for_selector(PROVEN)
    page.locator("#walk-next").focus()
    names = [
        "the picture",
        "spots and edges",
        "parts",
        "what a map looks for",
        "the answer",
        "the pixels that mattered",
    ]
    for step, name in enumerate(names, 1):
        assert page.inner_text("#walk-step") == f"Step {step} of 6: {name}"
        assert page.locator("#walk-show > *").count() >= 1
        if name == "spots and edges":
            page.click("#walk-show button >> nth=0")
            assert "of conv_1" in page.inner_text(".details h4")
            page.locator("#walk-next").focus()
        if name == "parts":
            assert (
                "conv_2 sees" in page.inner_text("#walk-text")
                and page.locator("#walk-show .part > canvas").count() == 3
            )
        if name == "what a map looks for":
            assert page.locator("#walk-show .thumbnail").count() == 5
        page.keyboard.press("Enter")
    wait(page, "#walk-show", "Orange")
    gradients = page.locator("#walk-show", has_text="Saliency")
    assert gradients.count() == bool(find_spec("tensorflow"))
    page.click("#clear")
    page.locator("#walk-show").scroll_into_view_if_needed()
    wait(page, "#walk-show", "The sheet is empty")
    page.locator("#sheet").scroll_into_view_if_needed()
    draw(page, [(0.5, 0.2), (0.5, 0.8)])
    page.locator("#walk-show").scroll_into_view_if_needed()
    wait(page, "#walk-text", f"Which pixels made it \u201c{page.inner_text('#answer')}\u201d")
    assert gradients.count() == 0  # Keras saw the test pictures alone


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """The demo's model as one from elsewhere (test_play.py), and the page's text of it."""
    folder = tmp_path_factory.mktemp("odd") / DEMO_MODEL.name
    shutil.copytree(DEMO_MODEL, folder, ignore=shutil.ignore_patterns("expected.npz", "journal*", "report.*", *BOARDS))
    return make_page(without_pictures(folder), folder / "play.html", dreams=False).read_text()


# What the page is told otherwise -> what it says of a drawing.
KINDS = {
    "from elsewhere": ({}, "class 7", "% sure"),
    "logits": ({"kind": "scores"}, "class 7", "scores are no shares of 100"),
    "a hundred names": ({"labels": ["<b>a</b>", *(f"\U0001f40e {i}" for i in range(99))]}, "\U0001f40e 6", "% sure"),
    "one number": ({"kind": "numbers", "labels": ["output"]}, "0", "the only number"),
    "numbers": ({"kind": "numbers"}, "0, ", "10 numbers, which are no classes"),
    "a yes or no": ({"kind": "decisions", "labels": ["output"]}, "no", "its one output says yes to 0 %"),
    "several": ({"kind": "decisions"}, "class 7", "each class is decided by itself"),
    "a long name": ({"labels": ["Donaudampfschifffahrtsgesellschaftskapit\u00e4n " * 3] * 10}, "Donau", "% sure"),
}


@golden
@pytest.mark.parametrize("name", KINDS)
def test_a_page_of_another_kind_of_model_says_what_its_numbers_mean(browser, odd, tmp_path, name):
    changed, answer, certainty = KINDS[name]
    start, text, end = re.split(r'(?<=id="content">)(.*?)(?=</script>)', odd, maxsplit=1, flags=re.DOTALL)
    content = json.loads(text)
    content["model"].update(changed)
    (tmp_path / "play.html").write_text(start + json_text(content) + end)
    page = open_page(browser, tmp_path / "play.html", width=360)
    wait(page, "#note", "came without pictures")
    draw(page, [(0.3, 0.2), (0.75, 0.2), (0.45, 0.85)])
    said = page.inner_text("#answer")
    assert said.startswith(answer) if name in ("a long name", "numbers") else said == answer
    assert certainty in page.inner_text("#certainty").replace("\u00a0", " ")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    if name == "a hundred names":
        assert page.locator("#scores button").count() == 8
        page.select_option(".others select", label="<b>a</b>")
        page.wait_for_selector("#heat:not([hidden])", state="attached")
        assert page.inner_text("#why h3") == "What speaks for \u201c<b>a</b>\u201d"
    assert page.faults == []
    page.context.close()


def test_a_class_tells_which_pixels_speak_for_it(page):
    page.click("#scores button >> nth=2")
    page.wait_for_selector("#heat:not([hidden])", state="attached")
    assert "Orange" in page.inner_text("#why")
    alpha = "c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; return Math.max(...d) }"
    assert page.locator("#heat").evaluate(alpha) > 100
    page.click("#why >> text=Close")
    assert not page.locator("#heat").is_visible()


@golden
def test_the_page_is_used_by_keyboard_alone(page):
    page.locator("#sheet").focus()
    page.keyboard.press("Delete")
    page.keyboard.press("ArrowUp")
    assert page.locator("#pen").is_visible()
    page.keyboard.press("Space")
    for _ in range(8):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.wait_for_timeout(100)
    numbers, exact = drawn_answer(page)
    assert numbers == exact and shown(page, "seen").max() > 200
    page.locator("[aria-label='Maps of conv_2'] button >> nth=0").focus()
    assert not page.locator("#pen").is_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.inner_text(".details h4") == "Map 2 of conv_2"
    page.locator("#tab-network").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#convolution").is_visible()
    page.locator("#filtered").focus()
    before = page.inner_text("#probe")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#probe") != before


LACKING = """PointerEvent.prototype.getCoalescedEvents = () => [];
    Object.defineProperty(Navigator.prototype, "mediaDevices", { value: undefined });
    delete Navigator.prototype.serial;
    History.prototype.replaceState = () => { throw new Error("in a frame"); };"""
GUARDED = """const read = CanvasRenderingContext2D.prototype.getImageData;
    CanvasRenderingContext2D.prototype.getImageData = function (...part) {
        const image = read.apply(this, part); image.data.fill(77); return image; };"""


@pytest.fixture
def in_a_browser_with(browser, page_file):
    """(script) -> the page, where that script was first."""
    contexts = []

    def open_(script):
        contexts.append(browser.new_context())
        contexts[-1].add_init_script(script)
        page = contexts[-1].new_page()
        page.goto(page_file.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()


def test_a_browser_that_lacks_something_still_answers_and_says_what_it_lacks(in_a_browser_with):
    page = in_a_browser_with(LACKING)
    page.wait_for_selector("html[data-ready]", state="attached")
    page.click("#clear")
    draw(page, [(0.3, 0.2), (0.75, 0.2), (0.45, 0.85)])
    assert page.inner_text("#answer") == "7"
    page.click("#camera")
    wait(page, "#note", "gives no camera to a page from a disk")
    page.click("#tab-device")
    assert page.locator("#no-serial").is_visible() and not page.locator("#connect").is_visible()
    page = in_a_browser_with(GUARDED)
    wait(page, "#note", "what you draw reaches the network as noise")
    page = in_a_browser_with("delete globalThis.WebAssembly")
    wait(page, "#broken", "It needs a browser of 2023 or later")
    assert not page.locator("#late").is_visible()


def test_a_page_that_does_not_start_says_so(in_a_browser_with):
    page = in_a_browser_with("globalThis.WebAssembly.instantiate = () => new Promise(() => {})")
    page.locator("#late").wait_for(state="visible", timeout=20_000)  # after five seconds
    assert page.locator("#late").bounding_box()["height"] > 20


def test_paper_gets_every_map(page):
    ranges = page.locator(".map .range")
    assert "" in ranges.all_inner_texts()  # of those that nobody has scrolled to
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert "" not in ranges.all_inner_texts()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_in_any_room(browser, page_file, dark):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(browser, page_file, dark=dark)
    page.wait_for_selector(PROVEN)
    page.click("[aria-label='Maps of conv_1'] button >> nth=3")
    page.click("#scores button >> nth=2")
    page.wait_for_selector("#heat:not([hidden])", state="attached")
    for room in ROOMS:
        page.click(f"#tab-{room}")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    page.context.close()


def test_a_phone_shows_every_room_without_scrolling_sideways(browser, page_file):
    page = open_page(browser, page_file, width=360, has_touch=True)
    page.tap("[aria-label='Maps of conv_2'] button >> nth=3")
    for room in ROOMS:
        page.tap(f"#tab-{room}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, room
    page.context.close()


def test_a_device_behind_the_page_answers_with_the_same_bytes(browser, built):
    folder, _ = built
    path = new_path()
    html = page_of(folder, dreams=False, live=path)
    with serving(folder, BOARDS["host"], None, html, path) as address:
        page = open_page(browser, f"{address}#device")
        page.wait_for_selector("#device-status.good")
        page.click("#clear")
        draw(page, [(0.5, 0.2), (0.5, 0.8)])
        wait(page, "#verdict-of-device", "All 10 bytes are equal.")
        page.click("#stream")
        wait(page, "#total-of-device", "300 pictures")
        assert "300 pictures: 0 of 3,000 bytes differ" in page.inner_text("#total-of-device")
        assert page.faults == []
        page.context.close()
        for change in ({"Host": "elsewhere.example"}, {"Origin": "http://elsewhere.example"}):
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(urllib.request.Request(f"{address}device", headers=change))
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(f"{address}infer", data=b"short")


def test_a_device_with_another_model_is_refused(built, tmp_path):
    from tinyproof.console import UserError

    folder = tmp_path / "other"
    shutil.copytree(built[0], folder)
    text = (folder / "model.json").read_text()
    at = text.index('"model_sha256": "') + len('"model_sha256": "')
    (folder / "model.json").write_text(text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :])
    with pytest.raises(UserError, match="the device runs model"), serving(folder, BOARDS["host"], None, "", "/x"):
        pass
