"""The page as HTML: the templates, the stylesheets, the script and what it is told, in one file."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tinyproof.page.page import stylesheet
from tinyproof.training.play.ascent import Ascent
from tinyproof.training.play.bundle import bundle
from tinyproof.training.play.content import ModelContent
from tinyproof.training.play.gradients import GradientMaps
from tinyproof.training.play.lab_content import LabContent
from tinyproof.training.play.link_content import LinkContent
from tinyproof.training.play.playable import NUMBERS

HERE = Path(__file__).parent
CANNOT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(frozen=True)
class Content:
    """All that the script reads."""

    model: ModelContent
    lab: LabContent
    ascent: Ascent | None
    gradients: list[GradientMaps]
    link: LinkContent


def play_page(content: Content) -> str:
    """The whole page."""
    model, script = content.model, bundle()
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = "\n" + script  # as it stands between its tags
    return environment.get_template("play.html.j2").render(
        model=model.name,
        subtitle=f"{model.macs:,} multiplications, {model.tflite_bytes:,} bytes, "
        f"{_outputs(model)}: "
        "the chip's engine answers in your browser",
        size=f"{model.width}×{model.height}" + (" in colour" if model.channels == 3 else " in grey"),
        style=Markup(stylesheet() + (HERE / "play.css").read_text(encoding="utf-8")),
        noun=model.test.noun,
        content=Markup(json_text(asdict(content))),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(text.encode()).digest()).decode(),
        connect="'self'" if content.link.live else "'none'",
    )


def _outputs(model: ModelContent) -> str:
    count = len(model.labels)
    if count == 1:
        return "one output"
    return f"{count} {'numbers' if model.kind == NUMBERS else 'classes'}"


def json_text(value: object) -> str:
    """JSON that may stand within a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "".join(CANNOT.get(letter, letter) for letter in text)
