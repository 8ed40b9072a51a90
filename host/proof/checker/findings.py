"""How a check ends early."""

from __future__ import annotations


class Refused(Exception):
    """Something is not as the certificate has it, or does not follow: what, and where."""


class NotCovered(Exception):
    """No lemma here speaks of it: the verdict names it, and why."""


def require(holds: bool, otherwise: str) -> None:
    """Refuse what does not hold."""
    if not holds:
        raise Refused(otherwise)
