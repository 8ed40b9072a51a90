"""What a validation found: the record behind report.json, and nothing that computes or draws.

Three numbers that are never mixed: output bytes against the golden (`bytes_...`), agreement with Python's default
interpreter (`agreement`), and accuracy against the labels. `host/judging` makes it from a run, `host/report` shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinyproof.host.record.accuracies import Accuracy, Agreement, Classification
from tinyproof.host.record.explanation import Explanation
from tinyproof.host.record.parts import (
    Cost,
    DeviceResult,
    Diagnosis,
    Difference,
    Disagreement,
    Example,
    LineUse,
    Origin,
    Reference,
    Sampling,
    SelfTest,
)


@dataclass(frozen=True)
class Report:
    """One validation. Bytes are those of output tensors.

    `board`, `engine`, `cost` and `self_test` are those of the first device; `devices` has a line for each. `run_sha256`
    is over every sample's index (u32) and output in order: two runs with the same one got the same answers, each sample
    exactly once.
    """

    model: str
    model_sha256: str
    board: str
    engine: str
    samples: int
    bytes_compared: int
    bytes_different: int
    samples_different: int
    run_sha256: str
    reference: Reference
    sampling: Sampling
    agreement: Agreement | None  # None where Python's default interpreter refuses the model
    accuracy: Accuracy
    classification: Classification
    cost: Cost
    line: LineUse
    self_test: SelfTest
    devices: list[DeviceResult]
    differences: list[Difference]
    disagreements: list[Disagreement]
    diagnosis: Diagnosis
    examples: list[Example]
    origin: Origin
    explanation: Explanation | None = None  # None: nobody asked for it

    @property
    def verdict(self) -> str:
        """`equal`, `different`, or `unknown` where the reference in use does not decide."""
        if self.bytes_different == 0 and self.samples > 0:
            return "equal"
        return "different" if self.reference.golden_is_bit_exact and self.samples > 0 else "unknown"

    @property
    def exit_status(self) -> int:
        """0 equal, 1 different, 2 could not tell."""
        return {"equal": 0, "different": 1, "unknown": 2}[self.verdict]
