"""Folders of pictures made for tests, and the training command run in this process."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result
from PIL import Image

from tinyproof.training.commands import train as command_line

BLACK, GREY, RED = (0, 0, 0), (90, 90, 90), (200, 30, 30)


def run(*arguments: str) -> Result:
    """`tinyproof train` for a board without limits: no firmware is linked."""
    return CliRunner().invoke(command_line.command, ["--board", "interpreter", *arguments])


def picture(
    path: Path, color: tuple[int, ...] = GREY, mode: str = "RGB", size: tuple[int, int] = (20, 12), number: int = 0
) -> Path:
    """Save a picture of one colour, but for a spot whose place is the number: other numbers give no copies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB" if len(color) == 3 else "RGBA", size, color)
    if number:
        image.putpixel((number % size[0], number // size[0]), (*(number,) * 3, 255)[: len(color)])
    image.convert(mode).save(path)
    return path


def pictures(root: Path, counts: dict[str, int], color: tuple[int, ...] = GREY, mode: str = "RGB") -> Path:
    """Fill a folder for each class with as many pictures; returns `root`. Class folders differ in their spots too."""
    for place, (name, count) in enumerate(counts.items()):
        for number in range(count):
            picture(root / name / f"{number}.png", color, mode, number=80 * place + number + 1)
    return root


def assert_one_line(result: Result, *says: str) -> None:
    """Assert that a command ended in one line of error that holds these words, and in status 2."""
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1, result.stderr
    for words in says:
        assert words in result.stderr
