"""How a check ends early."""

from __future__ import annotations

from dataclasses import dataclass


class Refused(Exception):
    """Something is not as the certificate has it, or does not follow: what, and where."""


class NotCovered(Exception):
    """No lemma here speaks of it: the verdict names it, and why."""


class Follows(NotCovered):
    """What reads the output of an op that no lemma speaks of: which op, and why none does."""

    def __init__(self, op: str, reason: str) -> None:
        super().__init__(reason)
        self.op = op


@dataclass(frozen=True)
class Unproved:
    """A call of an op, or the output (without a kernel): not proved for a reason of its own, or of `root`'s."""

    op: str
    kernel: str
    reason: str
    root: str = ""


def causes(unproved: tuple[Unproved, ...]) -> str:
    """In a line: each kernel and reason once with its ops, then all that merely follows from them."""
    named = {each.op for each in unproved if not each.root}
    of: dict[str, dict[str, None]] = {}
    for each in unproved:
        if not each.root:
            of.setdefault(f" by {each.kernel}: {each.reason}", {})[each.op] = None
        elif each.root not in named:
            of.setdefault(f": {each.reason}", {})[each.root] = None
    line = "; ".join(f"not {', '.join(ops)}{cause}" for cause, ops in of.items())
    after = dict.fromkeys(each.op for each in unproved if each.op not in named)
    return f"{line}; nor what follows: {', '.join(after)}" if after else line


def require(holds: bool, otherwise: str) -> None:
    """Refuse what does not hold."""
    if not holds:
        raise Refused(otherwise)
