"""The version of this tool, for provenance headers and manifests."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def tool_version() -> str:
    """`tinyproof 0.1.0`; `tinyproof` alone where the package is not installed."""
    try:
        return f"tinyproof {version('tinyproof')}"
    except PackageNotFoundError:
        return "tinyproof"
