"""How fast playing pages are, in headless Chromium: the figures of docs/play.md.

    make play; make play PRESET=course
    PYTHONPATH=tests .venv/bin/python tests/play_speed.py build/digits_small/play.html build/digits_course/play.html

Each page is opened a few times for the first answer, and drawn on for a few seconds.
"""

from __future__ import annotations

import re
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from web import chromium, open_page

OPENINGS, DRAWING_S = 5, 4.0
ANSWERED = "performance.getEntriesByName('answered')[0].startTime"
COUNTED = """() => { window.answers = 0; new MutationObserver(() => { window.answers += 1; })
    .observe(document.getElementById('took'), { childList: true }); }"""


def measure(browser: Any, path: Path) -> None:
    """Open the page, draw on it, and print what was measured."""
    first = []
    for _ in range(OPENINGS):
        page = open_page(browser, path)
        first.append(page.evaluate(ANSWERED) / 1000)
        page.wait_for_selector("#proof.good, #proof.unsure")
        proven = f"{page.inner_text('#proven')}. {page.inner_text('#proven-of')}"
        if len(first) < OPENINGS:
            page.context.close()
    rate = re.search(r"([\d,]+) answers a second", proven)
    assert rate
    print(f"{path.parent.name}: {path.stat().st_size:,} bytes")
    print(
        f"  first answer after opening, s   {min(first):.2f} to {max(first):.2f}, median {statistics.median(first):.2f}"
    )
    print(f"  answers a second                {rate[1]}")
    print(f"  answers a second while drawing  {drawn(page):.0f}, with every map in sight")
    print(f"  {proven}")
    page.context.close()


def drawn(page: Any) -> float:
    """Answers a second while the mouse draws without a pause."""
    page.click("#clear")
    page.evaluate(COUNTED)
    box = page.locator("#sheet").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    begun, step = time.monotonic(), 0
    while time.monotonic() - begun < DRAWING_S:
        step += 1
        page.mouse.move(box["x"] + 40 + step * 7 % 200, box["y"] + 40 + step * 3 % 200)
    page.mouse.up()
    return float(page.evaluate("window.answers") / (time.monotonic() - begun))


if __name__ == "__main__":
    with chromium() as browser:
        for name in sys.argv[1:]:
            measure(browser, Path(name).resolve())
