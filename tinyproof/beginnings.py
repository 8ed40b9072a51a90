"""Whether a file is a web page or a Git LFS pointer in the place of what it is called, by its first bytes."""

from __future__ import annotations

WEB_PAGE = ("a web page", "download the file itself, not the page about it")
LFS_POINTER = ("a Git LFS pointer", "run `git lfs pull` where it comes from")


def stand_in(start: bytes) -> tuple[str, str] | None:
    """(what it is, what to do); None for anything else. `start` are some hundred bytes, or more.

    >>> stand_in(b"version https://git-lfs.github.com/spec/v1")
    ('a Git LFS pointer', 'run `git lfs pull` where it comes from')
    """
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<html", b"<head", b"<!doctype html")) or (text.startswith(b"<?xml") and b"<html" in text):
        return WEB_PAGE
    return LFS_POINTER if text.startswith(b"version https://git-lfs") else None
