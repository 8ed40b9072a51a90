"""Which samples a person should look at: those that differ from the golden, then those that a party misclassifies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from host.report import Example

EXAMPLES = 24
Scores = NDArray[np.int8]


def choose_examples(
    golden: Scores,
    interpreter: Scores,
    device: Scores,
    labels: NDArray[np.integer] | None,
    float_scores: NDArray[np.floating] | None = None,
) -> list[Example]:
    """At most EXAMPLES samples; every argument has a row for each sample, (N, outputs) or, the labels, (N,)."""
    chosen = list(np.flatnonzero((golden != device).any(axis=1)))
    if labels is not None:
        parties = [device, interpreter] + ([float_scores] if float_scores is not None else [])
        wrong = np.stack([party.argmax(axis=1) != labels for party in parties])
        chosen += list(np.flatnonzero(wrong.any(axis=0)))
    return [
        Example(
            sample=int(i),
            label=int(labels[i]) if labels is not None else None,
            golden=golden[i].tolist(),
            interpreter=interpreter[i].tolist(),
            device=device[i].tolist(),
            float=float_scores[i].tolist() if float_scores is not None else None,
        )
        for i in list(dict.fromkeys(chosen))[:EXAMPLES]
    ]
