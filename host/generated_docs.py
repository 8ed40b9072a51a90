"""The generated parts of README.md and docs/: each fact is written once, in the table that the program itself uses.

A part stands between `<!-- NAME, by make docs -->` and `<!-- end of NAME -->`; the protocol's page is generated whole.
Measured figures have parts of their own (`host.bench.tables`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tinyproof import protocol_docs
from tinyproof.boards import BOARDS
from tinyproof.export.op_table import COMPILED_OPS

ROOT = Path(__file__).parent.parent


def boards_table() -> str:
    """Every board and what it is."""
    return protocol_docs.table(("`BOARD`", ""), [(f"`{board.name}`", board.title) for board in BOARDS.values()])


def ops_table() -> str:
    """Every op of the compiled engine."""
    rows = [(", ".join(ops), by, refused) for ops, by, refused in COMPILED_OPS]
    return protocol_docs.table(("ops", "computed by", "refused"), rows)


PARTS = {"README.md": {"boards": boards_table}, "docs/compiled-engine.md": {"ops": ops_table}}


def generated_pages() -> dict[Path, str]:
    """The text of every page that has generated parts. ValueError for one without its markers."""
    pages = {protocol_docs.PAGE: protocol_docs.protocol_page()}
    for name, parts in PARTS.items():
        path = ROOT / name
        pages[path] = with_parts(path, {part: make() for part, make in parts.items()}, "make docs")
    return pages


def with_parts(path: Path, parts: Mapping[str, str], command: str) -> str:
    """The text of a page with these for what stands between the markers of a command. ValueError without them."""
    text = path.read_text(encoding="utf-8")
    for part, content in parts.items():
        begin, end = f"<!-- {part}, by {command} -->\n", f"\n<!-- end of {part} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"{path} has no part {part!r}")
        text = f"{before}{begin}{content}{end}{after}"
    return text
