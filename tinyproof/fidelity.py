"""`fidelity.json`: how near the int8 model comes to the float network it was made of, as the quantization measured it.

Written beside model.tflite, shown by the export and in the report.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tinyproof.console import UserError
from tinyproof.json_files import read_json, write_json
from tinyproof.statistics import Interval

FIDELITY_FILE = "fidelity.json"
FLOAT_FILE = "float.tflite"  # the float network, for Python's interpreter
NUMBERS = "numbers"  # in the place of a range of pixels: the network gets samples as they are
LEAST_AGREEMENT = 0.9  # share of calibration pictures to which int8 gives the float network's answer
MOST_ACCURACY_LOST = 0.05  # of labelled pictures
LEAST_OUTPUT_SNR_DB = 10.0  # where outputs are no classes


@dataclass(frozen=True)
class LayerFidelity:
    """One tensor of int8 against the same of float, over some calibration pictures.

    `range_used`: the share of the int8 range that 99.9 % of the float values take; small where an outlier eats it.
    """

    name: str
    op: str
    snr_db: float
    cosine: float
    range_used: float


@dataclass(frozen=True)
class Fidelity:
    """Int8 against float. Shares are 0..1; None where there are no classes, or no labels."""

    model_sha256: str
    pixels: str
    why_pixels: str
    images: int
    agreement: float | None
    agreement_interval: Interval | None
    output_snr_db: float
    labelled: int
    accuracy_float: float | None
    accuracy_float_interval: Interval | None
    accuracy_int8: float | None
    accuracy_int8_interval: Interval | None
    layers: list[LayerFidelity]
    cautions: list[str]
    answers: str = ""  # what outputs are: `class`, `decisions` or `numbers`; empty: an earlier version did not say
    remedy: str = ""  # a name of export.remedies; empty: as the converter makes it

    @property
    def noun(self) -> str:
        """What was measured on: `pictures` or `samples`."""
        return "samples" if self.pixels == NUMBERS else "pictures"

    @property
    def loss(self) -> str:
        """What is lost beyond what is taken without a word, with both figures; empty where nothing is."""
        before, after = self.accuracy_float, self.accuracy_int8
        if before is not None and after is not None and before - after > MOST_ACCURACY_LOST:
            return (
                f"int8 is right on {after:.1%} of {self.labelled:,} labelled {self.noun} where float is on "
                f"{before:.1%} (limit: {MOST_ACCURACY_LOST:.0%} lost)"
            )
        if self.agreement is not None and self.agreement < LEAST_AGREEMENT:
            return (
                f"int8 gives float's answer on {self.agreement:.1%} of {self.images:,} calibration {self.noun} "
                f"(limit: {LEAST_AGREEMENT:.0%})"
            )
        if self.agreement is None and self.output_snr_db < LEAST_OUTPUT_SNR_DB:
            return f"int8's outputs are float's to {self.output_snr_db:.1f} dB (limit: {LEAST_OUTPUT_SNR_DB:g} dB)"
        return ""

    @property
    def worst_layers(self) -> list[LayerFidelity]:
        """The layers in order of what they lose, the worst first."""
        return sorted(self.layers, key=lambda layer: layer.snr_db)


def save_fidelity(model: Path, fidelity: Fidelity) -> None:
    """Write `fidelity.json` into the model's folder."""
    write_json(model / FIDELITY_FILE, fidelity)


def load_fidelity(model: Path, model_sha256: str) -> Fidelity | None:
    """Read it; None where there is none, or one of another model."""
    try:
        fidelity = read_json(model / FIDELITY_FILE, Fidelity, "export")
    except UserError:
        return None
    return fidelity if fidelity.model_sha256 == model_sha256 else None
