"""What every page of the family must be, checked from its HTML alone: well formed, self-contained, accessible.

`faults(html)` lists what is wrong, in words; a browser and axe-core find more, but need to be installed.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input", "col", "path", "use", "rect", "line"}
HEADINGS = ("h1", "h2", "h3", "h4")
PHRASING_ONLY = ("p", "h1", "h2", "h3")
BLOCKS = {"p", "div", "table", "ul", "dl", "pre", "figure", "section", "h1", "h2", "h3", "details"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.references: set[str] = set()
        self.headings: list[int] = []
        self.seen: dict[str, int] = {}

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attributes}
        self.seen[tag] = self.seen.get(tag, 0) + 1
        if tag in BLOCKS and self.open and self.open[-1] in PHRASING_ONLY:
            self._fault(f"<{tag}> within <{self.open[-1]}>")
        self._identity(tag, named)
        self._names(tag, named)
        if tag in HEADINGS:
            level = int(tag[1])
            if level > (self.headings[-1] if self.headings else 0) + 1:
                self._fault(f"<{tag}> after level {self.headings[-1] if self.headings else 0}")
            self.headings.append(level)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self._fault(f"</{tag}> does not close what is open")

    def _identity(self, tag: str, named: dict[str, str]) -> None:
        if "id" in named:
            if named["id"] in self.ids:
                self._fault(f"id {named['id']} twice")
            self.ids.add(named["id"])
        for name, value in named.items():
            if name.startswith("on"):
                self._fault(f"<{tag} {name}>")
            is_our_page = tag == "a" and "://" not in value and value.endswith(".html")  # beside it on the disk
            if name in ("href", "xlink:href", "src") and not value.startswith(("#", "data:")) and not is_our_page:
                self._fault(f"<{tag}> refers to {value}")
            if name in ("href", "xlink:href") and value.startswith("#"):
                self.references.add(value[1:])
            if name in ("aria-labelledby", "aria-describedby"):
                self.references.update(value.split())

    def _names(self, tag: str, named: dict[str, str]) -> None:
        hidden = named.get("aria-hidden") == "true"
        if tag == "img" and not named.get("alt"):
            self._fault("<img> without alt")
        if tag == "svg" and not hidden and not (named.get("role") == "img" and named.get("aria-label")):
            self._fault("<svg> without role and label")
        if tag == "th" and named.get("scope") not in ("row", "col", "rowgroup", "colgroup"):
            self._fault("<th> without scope")
        if named.get("role") in ("region", "group") and not named.get("aria-label"):
            self._fault("group without a label")
        if "scroll" in named.get("class", "").split() and named.get("tabindex") != "0":
            self._fault("what scrolls cannot be reached by key")
        if tag in ("script", "iframe", "object"):
            self._fault(f"<{tag}>")

    def _fault(self, text: str) -> None:
        self.faults.append(f"line {self.getpos()[0]}: {text}")


def faults(html: str) -> list[str]:
    """Everything that is wrong with a page; empty for a good one."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    found = [*reader.faults, *(f"<{tag}> is not closed" for tag in reader.open)]
    found += [f"nothing has the id {name}" for name in sorted(reader.references - reader.ids - {""})]
    found += [f"{reader.seen.get(tag, 0)} of <{tag}>" for tag in ("main", "header", "h1") if reader.seen.get(tag) != 1]
    if reader.seen.get("table", 0) != reader.seen.get("caption", 0):
        found.append("a table without caption")
    if not html.startswith("<!DOCTYPE html>\n<html lang="):
        found.append("no doctype or language")
    without_namespaces = re.sub(r' xmlns(:\w+)?="[^"]*"', "", html)
    found += [
        f"names the network: {url}" for url in re.findall(r"https?://[^\s\"<]+|url\(\s*[^#\s][^)]*", without_namespaces)
    ]
    return found
