"""`--sure`: ends a run once the share of samples that differ from the golden is bounded.

Two strata. The samples whose golden answer is least certain (the smallest margin between its two largest outputs) all
run first: a device that computes wrongly changes its mind there first. Being chosen, they say nothing about the others.
The rest runs in random order, and the bound is for what has not run: it assumes nothing about margins, devices or the
kind of fault, only that the order of the rest was drawn without looking at the device. It speaks of the samples of this
run and of no other images.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from math import lgamma, log

import numpy as np
from numpy.typing import NDArray

from tinyproof.host.record.parts import Sure
from tinyproof.statistics import Interval

RATE_LIMIT = 0.005
CONFIDENCE = 0.99
LOW_MARGIN_SHARE = 0.02  # of all samples run first because their answers are the least certain
ORDER_SEED = 1
# The prior over how many samples differ: with one half none at all, else a beta-binomial with a mean of 1 %. It decides
# how soon the bound is reached and cannot make it wrong.
NONE_DIFFERS = 0.5
PRIOR_A, PRIOR_B = 1.0, 99.0
CHECK_EVERY = 10  # samples


def margins(outputs: NDArray[np.int8]) -> NDArray[np.int64]:
    """Steps between the two largest outputs of each row (N, output bytes); 0 where there is only one output."""
    if outputs.shape[1] < 2:
        return np.zeros(len(outputs), np.int64)
    top = np.partition(outputs.astype(np.int64), -2, axis=1)[:, -2:]
    return top[:, 1] - top[:, 0]


def confidence_bounds(population: int, drawn: int, different: int, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """The fewest and most of `population` samples that may differ, after `different` of `drawn` random ones did.

    Valid at every number of draws at once, so looking after each one and stopping when pleased is allowed. Drawing is
    without replacement. A number D is excluded once prior(D) / posterior(D) reaches 1 / (1 - confidence): at the true D
    that ratio is a non-negative martingale that starts at 1, and Ville's inequality bounds how often it gets there.
    Source: Waudby-Smith and Ramdas, Confidence sequences for sampling without replacement, NeurIPS 2020, section 2
    (the prior-posterior ratio).
    """
    limit = _log_evidence(drawn, different) - log(1 / (1 - confidence))
    most_likely = min(population, round(population * different / drawn)) if drawn else 0

    def kept(total: int) -> bool:
        return _log_likelihood(population, total, drawn, different) > limit

    # The likelihood falls on both sides of the most likely total, so what is kept is an interval.
    low, high = different, population - (drawn - different)
    most_likely = min(max(most_likely, low), high)
    return _last_kept(kept, most_likely, low), _last_kept(kept, most_likely, high)


def _last_kept(kept: Callable[[int], bool], inside: int, end: int) -> int:
    """The farthest number from `inside` towards `end` that is kept, by bisection."""
    if kept(end):
        return end
    while abs(end - inside) > 1:
        middle = (inside + end) // 2
        inside, end = (middle, end) if kept(middle) else (inside, middle)
    return inside


def _log_likelihood(population: int, total: int, drawn: int, different: int) -> float:
    """Of one order of draws from `population` samples of which `total` differ; the total must be possible."""
    return (
        _log_falling(total, different)
        + _log_falling(population - total, drawn - different)
        - _log_falling(population, drawn)
    )


def _log_falling(number: int, count: int) -> float:
    """log of number * (number - 1) * ... of `count` factors."""
    return lgamma(number + 1) - lgamma(number - count + 1)


def _log_evidence(drawn: int, different: int) -> float:
    """Of one order of draws under the prior. Draws from a beta-binomial population are exchangeable Bernoulli draws."""
    smooth = _log_beta(PRIOR_A + different, PRIOR_B + drawn - different) - _log_beta(PRIOR_A, PRIOR_B)
    smooth += log(1 - NONE_DIFFERS)
    return float(np.logaddexp(log(NONE_DIFFERS), smooth)) if different == 0 else smooth


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


class StoppingRule:
    """The order of a run, and when it may end. `observe` may be called from any thread."""

    def __init__(
        self, golden: NDArray[np.int8], rate_limit: float = RATE_LIMIT, confidence: float = CONFIDENCE
    ) -> None:
        self._golden = golden
        self._rate_limit = rate_limit
        self._confidence = confidence
        by_margin = np.argsort(margins(golden), kind="stable")
        self._low_margin = int(np.ceil(LOW_MARGIN_SHARE * len(golden)))
        rest = np.random.default_rng(ORDER_SEED).permutation(by_margin[self._low_margin :])
        self.order = [int(sample) for sample in (*by_margin[: self._low_margin], *rest)]
        # Only the beginning of the order without a gap counts: which answers come late may depend on the device.
        self._differs: dict[int, bool] = {}
        self._counted = 0
        self._different = [0, 0]  # in the two strata
        self._lock = threading.Lock()
        self._high = len(golden)

    def observe(self, sample: int, output: bytes) -> bool:
        """Take an answer; whether the run may end now."""
        with self._lock:
            self._differs[sample] = output != self._golden[sample].tobytes()
            while self._counted < len(self.order) and self.order[self._counted] in self._differs:
                differs = self._differs[self.order[self._counted]]
                self._different[self._counted >= self._low_margin] += differs
                self._counted += 1
                if self._counted % CHECK_EVERY == 0 or self._counted == len(self.order):
                    self._high = self._bounds()[1]
            return self._high < self._rate_limit * len(self.order)

    def weights(self, samples: Sequence[int]) -> NDArray[np.float64]:
        """How many of all samples each of those that ran stands for: the least certain ones for themselves alone."""
        certain = np.isin(samples, self.order[self._low_margin :])
        return np.where(certain, (len(self.order) - self._low_margin) / max(1, certain.sum()), 1.0)

    def result(self) -> Sure:
        """What may be claimed now."""
        with self._lock:
            low, high = self._bounds()
            population = len(self.order)
            return Sure(
                rate_limit=self._rate_limit,
                confidence=self._confidence,
                population=population,
                low_margin=min(self._counted, self._low_margin),
                low_margin_different=self._different[0],
                drawn=max(0, self._counted - self._low_margin),
                drawn_different=self._different[1],
                rate=Interval(low / population, high / population),
                reached=high < self._rate_limit * population,
            )

    def _bounds(self) -> tuple[int, int]:
        """The fewest and most of all samples that may differ: counted in the first stratum, bounded in the rest."""
        ran = min(self._counted, self._low_margin)
        drawn = self._counted - ran
        low, high = confidence_bounds(len(self.order) - self._low_margin, drawn, self._different[1], self._confidence)
        return self._different[0] + low, self._different[0] + high + (self._low_margin - ran)
