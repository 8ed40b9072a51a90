"""What may help where int8 loses much of a float network's answers: names, and what each does, in words.

How each is done: `export.conversion.remedied`. Needs no TensorFlow.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinyproof.fidelity import Fidelity

CLIP, EQUALIZE, BOTH, FINETUNE = "clip", "equalize", "both", "finetune"
REMEDIES = {
    EQUALIZE: "channels of a layer brought to one size, and the next layer's weights against it",
    CLIP: "a layer's range without the rarest values, which take the steps from all others",
    BOTH: "the one, then the other",
    FINETUNE: "and then weights and ranges trained to be rounded; measured on a fourth of the pictures, kept out of it",
}
TRY = "try"  # all of them, and take none
NONE = "none"  # what an earlier export took is not taken again
LEAST_GAIN = 0.01  # of what `kept` says
TRIALS_FILE = "trials.json"
TRYING = "trying remedies"  # the stage of the conversion


@dataclass(frozen=True)
class Trials:
    """What became of each remedy; those that the converter does not get over are not among them."""

    tried: list[Fidelity]


def kept(fidelity: Fidelity) -> float:
    """What an int8 model keeps of float: the share of right answers, else of equal ones, else a hundredth of the dB."""
    shares = (fidelity.accuracy_int8, fidelity.agreement)
    return next((share for share in shares if share is not None), fidelity.output_snr_db / 100)


def best(base: Fidelity, trials: Trials) -> Fidelity | None:
    """The simplest of those that help most; None where none is clearly better than `base`, which had none."""
    most = max(map(kept, trials.tried), default=0.0)
    if most < kept(base) + LEAST_GAIN:
        return None
    return next(one for one in trials.tried if kept(one) > most - LEAST_GAIN)
