"""`prove` and `check-certificate` as a user runs them, and what reports say of a certificate."""

from __future__ import annotations

import time
from pathlib import Path

from rich.markup import escape

from tinyproof import advice
from tinyproof.boards import BOARDS
from tinyproof.claim import claim
from tinyproof.console import UserError, console, no_room, write_atomically
from tinyproof.host.proof import checker
from tinyproof.host.proof.checker.check import Verdict
from tinyproof.host.proof.checker.findings import Refused
from tinyproof.host.proof.checker.folder import CERTIFICATE_FILE, check_folder, read_folder
from tinyproof.host.proof.prove import make_certificate
from tinyproof.host.record.report import Report
from tinyproof.manifest import load_manifest


def prove(model: Path) -> int:
    """Write the certificate of a model's folder and check it; returns the exit status, as `check_certificate` does."""
    manifest = load_manifest(model)
    if not manifest.compiled:
        raise UserError(
            f"{model}: there is nothing to prove, the compiled engine refuses it: {manifest.compiled_refusal}"
        )
    claim(model)
    path = model / CERTIFICATE_FILE
    path.unlink(missing_ok=True)
    try:
        content = make_certificate(read_folder(model))
    except Refused as refusal:
        raise UserError(f"{model}: {refusal}; export it again") from None
    try:
        write_atomically(path, content)
    except OSError as error:
        raise no_room(model, error, "model") from None
    return check_certificate(model)


def check_certificate(folder: Path) -> int:
    """Check a folder's certificate, and say what it proves. Returns 0 where that is everything, 1 where it is a part;
    UserError where the certificate is refused.
    """
    start = time.perf_counter()
    verdict = _checked(folder)
    seconds = time.perf_counter() - start
    for line in _grounds(verdict):
        console.print(escape(line))
    console.print(f"{folder / CERTIFICATE_FILE}: {verdict.calls} kernel calls checked in {seconds:.1f} s", markup=False)
    color = "green" if verdict.proved else "yellow"
    console.print(f"[bold {color}]{escape(verdict.line)}[/]")
    return 0 if verdict.proved else 1


def _checked(folder: Path) -> Verdict:
    if not (folder / CERTIFICATE_FILE).is_file():
        raise UserError(
            f"{folder / CERTIFICATE_FILE} does not exist: run `{advice.command('prove', model=folder)}` first"
        )
    try:
        return check_folder(folder)
    except Refused as refusal:
        raise UserError(f"{folder / CERTIFICATE_FILE} is refused: {refusal}") from None


def _grounds(verdict: Verdict) -> list[str]:
    """What a proof rests on."""
    files = sorted(Path(checker.__file__).parent.glob("*.py"))
    lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)
    rest = [] if verdict.proved else ["What is not proved is no fault: its bytes rest on tests, for want of a lemma."]
    return [
        *rest,
        f"It rests on the C compiler, the chip, and {lines:,} lines of checker with Python and numpy under them;",
        f"and on these kernels, which are tested and not proved: {', '.join(verdict.kernels)}.",
    ]


def proof_line(report: Report, folder: Path) -> str:
    """What stands beside a verdict: "Proved for every input ..." where a certificate in the folder of the report is one
    of what the device ran, else on how many inputs it was tested.
    """
    tested = f"Tested on {report.samples:,} input{'' if report.samples == 1 else 's'}"
    if report.verdict != "equal" or report.engine != "compiled" or not (folder / CERTIFICATE_FILE).is_file():
        return tested
    try:
        verdict = check_folder(folder, BOARDS[report.board].core.name)
    except (KeyError, Refused):
        return tested
    if verdict.model_sha256 != report.model_sha256:
        return tested
    return verdict.line if verdict.proved else f"{verdict.line}. {tested}"
