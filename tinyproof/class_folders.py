"""Where the pictures of a class lie: in a folder of its name, or in such folders within train/, test/ and the like.

What is trained on, calibrated with and predicted on is found by the same rules. A layout that can be taken for two
things is refused: parts taken for classes would train a network without a word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tinyproof.console import UserError
from tinyproof.model_files import is_label
from tinyproof.pictures import SUFFIXES, count_kinds
from tinyproof.tree import files_below, files_in, sub_folders
from tinyproof.whole_sets import NAMED, refuse_whole_sets

# words of a folder's name with which the owner has cut the set already, in any case
PARTS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "validate"),
    "test": ("test", "testing", "tests", "eval", "evaluation", "holdout"),
}
# what lies side by side where boxes or outlines are to be found, not classes
ALL_IMAGES = ("images", "image", "imgs", "img", "jpegimages", "pictures", "photos")
NO_CLASSES = ("labels", "annotations", "masks", "mask", "bboxes", "segmentations")
TABLES = (".csv", ".tsv", ".json", ".xml", ".txt", ".xlsx")
_ARRAYS = "save images and labels as one .npz: x_train and y_train, x_test and y_test"
_VIDEOS = "save single frames of the videos as pictures"
CURES = {
    "": "give pictures their endings, such as .jpg",
    **dict.fromkeys((".zip", ".7z", ".rar", ".tar", ".tgz"), "unpack what is packed"),
    **dict.fromkeys((".npy", ".npz", ".gz", ".mat", ".pkl", ".pickle", ".parquet", ".tfrecord", ".h5"), _ARRAYS),
    **dict.fromkeys((".mp4", ".mov", ".avi", ".mkv", ".webm"), _VIDEOS),
}


@dataclass(frozen=True)
class Layout:
    """The pictures of a folder: for each part that it has, file and label, and the folder's name of the part."""

    class_names: tuple[str, ...]
    parts: dict[str, list[tuple[Path, int]]]
    folders: dict[str, str]


def pictures_below(folder: Path) -> list[Path]:
    """All pictures in the folder and deeper, by their endings."""
    return [path for path in files_below(folder) if is_picture(path)]


def is_picture(path: Path) -> bool:
    """Whether its ending is that of a picture."""
    return path.suffix.lower() in SUFFIXES


def training_folder(root: Path) -> Path:
    """The part to train on; another one where there is none of it, `root` where there are no parts."""
    root = _unwrapped(root)
    parts = _parts(root)
    return next((_unwrapped(root / parts[part]) for part in PARTS if part in parts), root)


def lay_out(root: Path) -> Layout:
    """Every picture below `root` that is of a class. UserError where that cannot be told."""
    root = _unwrapped(root)
    parts = _parts(root)
    if "train" in parts:
        owned = {part: _unwrapped(root / name) for part, name in parts.items()}
        return _of_parts(root, {part: _classes(folder, part) for part, folder in owned.items()}, parts)
    if parts:
        raise UserError(
            f"{root} has {'/ and '.join(parts.values())}/ but no train/ to learn from: add it, or rename it"
        )
    classes = _classes(root)
    if inner := _inner_parts(root, classes):
        owned_inside = {
            part: {name: classes[name] / names[part] for name, names in inner.items() if part in names}
            for part in PARTS
            if any(part in names for names in inner.values())
        }
        if "train" in owned_inside:
            refuse_whole_sets(root, _folders_inside(owned_inside["train"]))
        usual = {part: next(names[part] for names in inner.values() if part in names) for part in owned_inside}
        return _of_parts(root, owned_inside, {part: f"*/{name}" for part, name in usual.items()})
    refuse_whole_sets(root, _folders_inside(classes))
    return _of_parts(root, {"train": classes}, {"train": root.name})


def unused_files(root: Path, used: Iterable[Path]) -> str:
    """`10 .jpg in test/, 2 .txt`: the files of no use, pictures by where they lie; empty where there are none."""
    inner = _unwrapped(root)
    folders: dict[str, list[Path]] = {}
    for path in sorted(set(files_below(root)) - set(used)):
        beside = inner not in path.parents or path.parent == inner
        place = "no folder of a class" if beside else path.relative_to(inner).parts[0] + "/"
        folders.setdefault(place if is_picture(path) else "", []).append(path)
    others = folders.pop("", [])
    words = [f"{count_kinds(paths)} in {folder}" for folder, paths in folders.items()]
    return ", ".join(words + ([count_kinds(others)] if others else []))


def _unwrapped(root: Path) -> Path:
    """The folder itself, or the only one in it, which holds all."""
    names = sub_folders(root)
    while len(names) == 1 and _holds_all(root / names[0]):
        if any(map(is_picture, files_in(root))):
            break
        root = root / names[0]
        names = sub_folders(root)
    # train/train/cat, as some archives have it
    if len(names) == 1 and names[0] == root.name and sub_folders(root / names[0]):
        return root / names[0]
    return root


def _holds_all(folder: Path) -> bool:
    """Whether a folder, the only one there, is around a set and no part of it: by its name, by other words in it (such
    as `training photos`), or by the parts that it holds.
    """
    inside = sub_folders(folder)
    part, rest = _words(folder.name)
    parts = {_words(name)[0] for name in inside} - {""}
    return bool(inside) and (not part or (part == "train" and bool(rest)) or ("train" in parts and len(parts) > 1))


def _words(name: str) -> tuple[str, tuple[str, ...]]:
    """The part that a folder's name speaks of ("" for none), and its other words.

    >>> _words("training_set"), _words("Test1"), _words("cats")
    (('train', ('set',)), ('test', ()), ('', ('cats',)))
    """
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = tuple(re.sub(r"\d+", "", word) for word in re.split(r"[\W_]+", split.lower()))
    words = tuple(word for word in words if word)
    named = [(part, word) for word in words for part, known in PARTS.items() if word in known]
    if len(named) != 1:
        return "", words
    part, word = named[0]
    return part, tuple(other for other in words if other != word)


def _parts(root: Path) -> dict[str, str]:
    """Which folder holds which part. Two or more that differ in the word for the part alone are parts whatever else
    they are called; one alone has to be called just so, and to hold folders.
    """
    by_rest: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for name in sub_folders(root):
        part, rest = _words(name)
        if part:
            by_rest.setdefault(rest, {}).setdefault(part, []).append(name)
    found: dict[str, list[str]] = {}
    for rest, parts in by_rest.items():
        whole = {p: names for p, names in parts.items() if any(sub_folders(root / name) for name in names)}
        if "train" in parts and len(parts) > 1 and len(whole) < len(parts):
            flat = parts["train"][0]
            if "train" not in whole:
                raise _no_classes(root / flat)
        if ("train" in whole and (len(parts) > 1 or not rest)) or (whole and not rest):
            found = whole
            break
    for part, names in found.items():
        if len(names) > 1:
            raise UserError(f"{root} has {' and '.join(f'{name}/' for name in names)} for {part}: leave one of them")
    chosen = {part: names[0] for part, names in found.items()}
    beside = [name for name in sub_folders(root) if not _words(name)[0] and pictures_below(root / name)]
    if set(chosen) == {"train"} and beside:
        raise UserError(
            f"{root} has {chosen['train']}/, which holds folders, beside {beside[0]}/: if it is a class, move its "
            f"pictures out of their folders; if it is to train on, move {beside[0]}/ away"
        )
    return chosen if "train" in chosen or not beside else {}


def _classes(folder: Path, part: str = "train") -> dict[str, Path]:
    """The class folders in a folder. UserError where they cannot be the classes of pictures."""
    names = sub_folders(folder)
    kinds = {name.lower() for name in names}
    if kinds & set(NO_CLASSES) and kinds & set(ALL_IMAGES):
        odd = next(name for name in names if name.lower() in NO_CLASSES)
        raise UserError(
            f"{folder} has {'/ and '.join(names)}/, as sets for finding objects or outlines have: this tool tells "
            f"classes apart; make a folder of pictures for each class, and leave {odd}/ out"
        )
    if len(names) < (2 if part == "train" else 1) or not any(pictures_below(folder / name) for name in names):
        raise _no_classes(folder)
    for name in names:
        if not is_label(name):
            raise UserError(f"{folder}: {name!r} cannot be a class name; rename the folder to printable text")
    return {name: folder / name for name in names}


def _folders_inside(classes: dict[str, Path]) -> dict[str, set[str]]:
    """For each class, the names of the folders with pictures that it holds."""
    return {
        name: {inside for inside in sub_folders(path) if pictures_below(path / inside)}
        for name, path in classes.items()
    }


def _inner_parts(root: Path, classes: dict[str, Path]) -> dict[str, dict[str, str]]:
    """For each class, the folders in it that are parts of the set, where every class is cut so."""
    cut: dict[str, dict[str, str]] = {}
    for name, folder in classes.items():
        parts = {_words(inside)[0]: inside for inside in sub_folders(folder)}
        if "train" in parts and len(parts) > 1 and "" not in parts:
            cut[name] = parts
    whole = [name for name in classes if name not in cut or any(map(is_picture, files_in(classes[name])))]
    if cut and whole:
        inside = next(iter(cut.values()))
        raise UserError(
            f"{root}: {next(iter(cut))}/ is cut into {'/ and '.join(inside.values())}/, {whole[0]}/ is not wholly: cut "
            "all classes or none"
        )
    return cut


def _of_parts(root: Path, owned: dict[str, dict[str, Path]], folders: dict[str, str]) -> Layout:
    """The layout, once every part has the same classes and every class pictures in each."""
    names = tuple(sorted(owned["train"]))
    parts: dict[str, list[tuple[Path, int]]] = {}
    for part, classes in owned.items():
        odd = sorted(set(names) ^ set(classes))
        if odd:
            raise UserError(
                f"{root}: class {', '.join(map(repr, odd[:NAMED]))} is in one of {folders['train']}/ and "
                f"{folders[part]}/ only; give both the same classes"
            )
        parts[part] = []
        for label, name in enumerate(names):
            pictures = pictures_below(classes[name])
            if not pictures:
                raise UserError(f"{classes[name]} holds no pictures{_there(classes[name])}; add some or remove it")
            parts[part] += [(path, label) for path in pictures]
    return Layout(names, parts, folders)


def _no_classes(folder: Path) -> UserError:
    """What to say of a folder without class folders: what it has instead, and how to get at them."""
    names = sub_folders(folder)
    found = f"only {names[0]!r}" if len(names) == 1 else "none" if not names else "none with pictures"
    return UserError(
        f"{folder} needs a sub-folder of pictures for each of two or more classes; it has {found}"
        f"{_there(folder)}{_cure(folder)}"
    )


def _cure(folder: Path) -> str:
    """`; unpack them`: what to do about the files there are."""
    files = files_below(folder)
    pictures = [path for path in files if is_picture(path)]
    tables = [path.name for path in files if path.suffix.lower() in TABLES]
    begins = Counter(
        match[0] for path in pictures if (match := re.match(r"[^\W\d_]+(?=[._ -]*[\W\d_])", path.stem)) is not None
    )
    if 1 < len(begins) <= len(pictures) / 2 and sum(begins.values()) == len(pictures):
        kinds = [name for name, _ in begins.most_common()]
        few = ", ".join(kinds[:NAMED]) + (", ..." if len(kinds) > NAMED else "")
        return f"; the names of its pictures begin with {few}: move those of each into a folder of that name"
    if tables and pictures:
        return f"; if {tables[0]} says which picture is of which class, move those of each into a folder of its name"
    endings = Counter(path.suffix.lower() for path in files)
    return next((f"; {cure}" for ending, cure in CURES.items() if endings[ending] and not pictures), "")


def _there(folder: Path) -> str:
    """` (there are 5 .mp4)`."""
    files = files_below(folder)
    return f" (there are {count_kinds(files)})" if files else ""
