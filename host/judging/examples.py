"""Which samples a person should look at: those that differ from the golden, then those that a party misclassifies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.host.record.parts import Example

EXAMPLES = 24
Scores = NDArray[np.int8]


def choose_examples(
    golden: Scores,
    interpreter: Scores | None,
    device: Scores,
    labels: NDArray[np.integer] | None,
    float_scores: NDArray[np.floating] | None = None,
) -> list[Example]:
    """At most EXAMPLES samples; every argument has a row for each sample, (N, outputs) or, the labels, (N,).

    First those that differ from the golden, then those that some party sees otherwise than another, then the device's
    most certain errors.
    """
    chosen = list(np.flatnonzero((golden != device).any(axis=1)))
    if labels is not None:
        chosen += _misclassified(device, [party for party in (interpreter, float_scores) if party is not None], labels)
    return [
        Example(
            sample=int(i),
            label=int(labels[i]) if labels is not None else None,
            golden=golden[i].tolist(),
            interpreter=interpreter[i].tolist() if interpreter is not None else None,
            device=device[i].tolist(),
            float=float_scores[i].tolist() if float_scores is not None else None,
        )
        for i in list(dict.fromkeys(chosen))[:EXAMPLES]
    ]


def _misclassified(device: Scores, others: list[NDArray[Any]], labels: NDArray[np.integer]) -> list[np.intp]:
    """Rows that the device, or another party, classifies otherwise than labelled; where they disagree comes first."""
    classes = np.stack([party.argmax(axis=1) for party in (device, *others)])
    wrong = (classes != labels).any(axis=0)
    disagree = (classes != classes[0]).any(axis=0)
    certainty = device.max(axis=1).astype(int) - device[np.arange(len(labels)), labels]
    order = np.lexsort((-certainty, ~disagree))
    return list(order[wrong[order]])
