"""The page's JavaScript modules as one script: in the order of their imports, without the words import and export.

A module imports by name from files beside it, and no two have a name in common at their top level; both are checked.
Browsers do not load modules from files on a disk, which is why they become one.
"""

from __future__ import annotations

import re
from pathlib import Path

MODULES = Path(__file__).parent / "js"
FIRST = "main.js"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class)\b)", re.MULTILINE)
TOP_LEVEL = re.compile(
    r"^(?:export )?(?:async )?(?:function\*?|const|let|class) (\w+|\{[^}]*\}|\[[^\]]*\])", re.MULTILINE
)


def bundle(first: str = FIRST, folder: Path = MODULES) -> str:
    """The script that starts with what the module `first` does. ValueError for what would not work as one script."""
    texts: dict[str, str] = {}
    _collect(first, folder, texts, ())
    names: dict[str, str] = {}
    for module, text in texts.items():
        for found in TOP_LEVEL.findall(text):
            for name in re.findall(r"\w+", found):
                if name in names:
                    raise ValueError(f"{name} is defined by {names[name]} and by {module}")
                names[name] = module
    script = "\n".join(EXPORT.sub("", IMPORT.sub("", text)).strip() for text in texts.values())
    if left := re.search(r"^(?:import|export)\b.*", script, re.MULTILINE):
        raise ValueError(f"not a form of import or export that is understood: {left[0]}")
    if "</script" in script:
        raise ValueError("a script cannot hold its own end")
    return script + "\n"


def _collect(module: str, folder: Path, texts: dict[str, str], importers: tuple[str, ...]) -> None:
    if module in importers:
        raise ValueError(f"modules import each other: {' -> '.join((*importers, module))}")
    if module in texts:
        return
    text = (folder / module).read_text(encoding="utf-8")
    for wanted in IMPORT.findall(text):
        _collect(wanted, folder, texts, (*importers, module))
    texts[module] = text
