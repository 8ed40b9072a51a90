"""Node and Chromium for the tests of the playing page. Node comes with Playwright, Chromium from the system."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conftest import ROOT

from tinyproof.installing import MissingTools
from tinyproof.toolchain import find_browser
from tinyproof.training.play.bundle import MODULES

SCRIPTS = ROOT / "tests" / "js"


def node(script: str, *arguments: object, data: Any = None) -> Any:
    """What a script of tests/js prints, read as JSON; it gets the folder of the page's modules first."""
    from playwright._impl._driver import compute_driver_executable

    program = compute_driver_executable()[0]
    command = [program, SCRIPTS / script, MODULES, *arguments]
    text = None if data is None else json.dumps(data)
    result = subprocess.run(list(map(str, command)), input=text, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser of Playwright's."""
    from playwright.sync_api import sync_playwright

    if (program := find_browser()) is None:
        raise MissingTools("there is no Chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def open_page(browser: Any, address: str | Path, width: int = 1280, dark: bool = False, **more: Any) -> Any:
    """The page in a window of its own, ready, with what it complains of in `faults`."""
    scheme = "dark" if dark else "light"
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **more)
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda message: page.faults.append(message.text) if message.type == "error" else None)
    page.goto(address if isinstance(address, str) else address.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    return page
