"""The frame of a page: title, navigation, sections; and the templates' environment, in which everything is escaped."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from tinyproof.console import write_atomically

STYLESHEET = "style.css"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("tinyproof.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )


def render(template: str, **values: object) -> Markup:
    """Fill a template of tinyproof/page/templates. Strings are escaped, a value that is missing is an error."""
    return Markup(_environment().get_template(template).render(**values))


def stylesheet() -> str:
    """The one stylesheet of all pages, as CSS."""
    return files("tinyproof.page").joinpath(STYLESHEET).read_text(encoding="utf-8")


@dataclass
class Section:
    """A part of a page under a heading of its own."""

    title: str
    anchor: str
    parts: list[Markup] = field(default_factory=list)

    def add(self, *parts: str | Markup) -> Section:
        """Append parts; a plain str becomes a paragraph."""
        self.parts.extend(_part(part) for part in parts)
        return self

    def sub(self, title: str) -> Section:
        """Begin a sub-section."""
        self.parts.append(Markup("<h3>{}</h3>").format(title))
        return self


class Page:
    """One self-contained HTML page; what is added to the page itself stands above its navigation."""

    def __init__(self, title: str, subtitle: str = "", footer: str = "") -> None:
        self.title = title
        self.subtitle = subtitle
        self.footer = footer
        self.parts: list[Markup] = []
        self.sections: list[Section] = []

    def add(self, *parts: str | Markup) -> Page:
        """Append parts; a plain str becomes a paragraph."""
        self.parts.extend(_part(part) for part in parts)
        return self

    def section(self, title: str, intro: str | Markup = "") -> Section:
        """Begin a section. `intro` says in a sentence or two what its reader should look for."""
        taken = {section.anchor for section in self.sections}
        anchor = base = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
        count = 2
        while anchor in taken:
            anchor, count = f"{base}-{count}", count + 1
        section = Section(title, anchor)
        self.sections.append(section)
        if intro:
            section.parts.append(Markup('<p class="intro">{}</p>').format(intro))
        return section

    def html(self) -> str:
        """The whole page."""
        return str(render("page.html.j2", page=self, style=Markup(stylesheet()))) + "\n"

    def save(self, path: Path) -> Path:
        """Write the page, whole or not at all."""
        write_atomically(path, self.html())
        return path


def _part(part: str | Markup) -> Markup:
    return part if isinstance(part, Markup) else Markup("<p>{}</p>").format(escape(part))
