"""Folders that look like classes and are each the whole set, a share or a version of it, with the classes inside."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tinyproof.console import UserError

CLASS_WORDS = {"", "class", "category", "label", "kind", "type", "digit"}  # of folders that a number makes a class
# of folders that a number makes no class, whatever lies in them: the set was cut or taken so
SHARE_WORDS = {"fold", "split", "set", "batch", "group", "run", "session", "trial", "take", "day", "week", "month"}
# of folders each of which holds the whole set, in another version
VERSION_WORDS = {
    *("original", "originals", "augmented", "augmentation", "raw", "processed", "preprocessed", "cropped", "resized"),
    *("color", "colour", "colored", "coloured", "gray", "grey", "grayscale", "greyscale", "segmented"),
}
# of folders that are no classes where numbered things have them; left and right may be, where nothing else is there
VIEWS = {"front", "side", "back", "rear", "top", "bottom", "above", "below", "profile", "frontal", "angle", "view"}
SIDES = {"left", "right"}
NAMED = 5


def refuse_whole_sets(root: Path, folders: dict[str, set[str]]) -> None:
    """UserError where what lies in `root` is that; `folders`: what would be classes, with the folders in each."""
    _refuse_versions(root, folders)
    _refuse_numbered(root, folders)


def _refuse_numbered(root: Path, folders: dict[str, set[str]]) -> None:
    """UserError where all are numbers of one thing (person_1, person_2) and have the same folders in them, which may be
    the classes then; not what a thing is seen from. Of shares of a set (fold1, fold2) one may lack some.
    """
    outer, inside = _bare(folders), list(folders.values())
    if len(outer) > 1 or outer & CLASS_WORDS:
        return
    names = sorted(set.union(*inside))
    views = _bare(names) & VIEWS and _bare(names) <= VIEWS | SIDES
    shares = outer & SHARE_WORDS and all(inside) and sum(map(len, inside)) > len(names)
    if len(_bare(names)) > 1 and (shares or (not views and all(found == set(names) for found in inside))):
        first, *_, last = folders
        raise UserError(
            f"{root}: {first}/ to {last}/ have the same folders in them, {', '.join(names[:NAMED])}: if those are the "
            f"classes, put one of {first}/ to {last}/ as test/ and the others, joined, as train/; if not, take the "
            "pictures out of them"
        )


def _refuse_versions(root: Path, folders: dict[str, set[str]]) -> None:
    """UserError where all are versions of one set (original, augmented) and have the same folders in them."""
    if not all(VERSION_WORDS & set(re.split(r"[\W_]+", name.lower())) for name in folders):
        return
    inside = list(folders.values())
    if len(_bare(inside[0])) > 1 and all(found == inside[0] for found in inside):
        raise UserError(
            f"{root}: {'/ and '.join(folders)}/ have the same folders in them, {', '.join(sorted(inside[0])[:NAMED])}: "
            "if those are the classes, give one of these versions of the set; if not, take the pictures out of them"
        )


def _bare(names: Iterable[str]) -> set[str]:
    """The names without the numbers that they end with.

    >>> sorted(_bare(["day_1", "day_2", "Night 1"])), _bare(["2023", "2024"])
    (['day', 'night'], {''})
    """
    return {re.sub(r"[\W_]*\d+$", "", name).lower() for name in names}
