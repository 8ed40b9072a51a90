"""How long to wait for a device: limits that a caller may choose, and the pace of answers within them."""

from __future__ import annotations

import time
from dataclasses import dataclass

PATIENCE_S = 60.0  # for a device to come back
LONGEST_BACKOFF = 6  # doublings


@dataclass(frozen=True)
class Patience:
    """How long the host waits, in seconds, and how often it asks."""

    hello_interval_s: float = 0.25
    answer_s: float = 5.0  # before a request is sent again, at first; then a multiple of what answers took
    shortest_answer_s: float = 0.5
    silence_s: float = 25.0  # without any answer, before the device counts as lost
    attempts: int = 100  # of one request, while others are answered


class Pace:
    """How long answers take, and so how long to wait for one (as RFC 6298, with twice the mean: what is lost
    is mostly seen earlier, because a later answer overtakes it, and asking too early costs the line a whole frame).

    Time that passes between `wait_begins` and the wait before it counts for nothing.
    """

    def __init__(self, patience: Patience) -> None:
        self.overdue = 0  # answers since the last that came
        self._patience = patience
        self._mean_s: float | None = None
        self._deviation_s = 0.0
        self._waiting_since = 0.0
        self._heard_at = 0.0

    def wait_begins(self) -> None:
        """Whoever takes the results may have been away meanwhile."""
        self._waiting_since = self._heard_at = time.monotonic()

    def answered(self, sent_at: float, repeated: bool) -> None:
        """A request sent at `sent_at` was answered just now; `repeated` when it was sent more than once."""
        now = time.monotonic()
        took = now - max(sent_at, self._waiting_since)
        self._waiting_since = self._heard_at = now
        self.overdue = 0
        if repeated:  # which of its copies was answered is not known
            return
        if self._mean_s is None:
            self._mean_s, self._deviation_s = took, took / 2
        else:
            self._deviation_s += (abs(took - self._mean_s) - self._deviation_s) / 4
            self._mean_s += (took - self._mean_s) / 8

    def deadline(self, sent_at: float) -> float:
        """When the answer to a request sent at `sent_at` is overdue."""
        limit = self._patience.answer_s
        usual = limit if self._mean_s is None else 2 * self._mean_s + 4 * self._deviation_s
        wait = max(usual, self._patience.shortest_answer_s) * (1 << min(self.overdue, LONGEST_BACKOFF))
        return max(sent_at, self._waiting_since) + min(wait, limit)

    def silent(self) -> bool:
        """Whether the device has not answered for too long."""
        return time.monotonic() - self._heard_at > self._patience.silence_s
