"""What a weak model confuses, and what to do."""

from __future__ import annotations

from tinyproof.host.report.remedies import Remedies
from tinyproof.page import Section, bullets


def add_todo(section: Section, found: Remedies) -> None:
    """Both lists."""
    section.add(bullets(found.confused))
    if found.advice:
        section.sub("What to do")
        section.add(bullets(found.advice))
