"""Versions of this tool and of what it works with, for provenance headers, manifests and records of what was made."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, distribution, metadata, version


def tool_version() -> str:
    """`tinyproof 0.1.0`; `tinyproof` alone where the package is not installed."""
    return f"tinyproof {package_version('tinyproof')}".rstrip()


def package_version(name: str) -> str:
    """The version of an installed package; empty where there is none. Does not import it."""
    try:
        return version(name) if name else ""
    except PackageNotFoundError:
        return ""


def package_page(name: str) -> str:
    """The address of an installed package's home page; empty where it names none. Does not import it."""
    try:
        addresses: list[str] = metadata(name).get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    return dict(entry.split(", ", 1) for entry in addresses).get("Homepage", "")


def package_license(name: str) -> str:
    """The text of an installed package's licence; empty where it came without. Does not import it."""
    try:
        return distribution(name).read_text("licenses/LICENSE") or ""
    except PackageNotFoundError:
        return ""


def package_versions(*names: str) -> str:
    """Of Python and those packages, in a line."""
    return ", ".join([f"python {platform.python_version()}", *(f"{name} {package_version(name)}" for name in names)])
