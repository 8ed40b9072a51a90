"""Which device computes which sample: taken one at a time, given back when a device dies, counted when answered.

Each device takes the next sample when it has room for one, so a slow device does not hold up the others and a dead one
loses nothing. Every sample is in exactly one state: waiting, taken, or done.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable


class Share:
    """The samples of a run that are still to be computed, in order. Its methods may be called from any thread."""

    def __init__(self, samples: Iterable[int]) -> None:
        self._waiting = deque(samples)
        self._taken: set[int] = set()
        self._changed = threading.Condition()
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether nothing more is to be taken."""
        return self._stopped

    @property
    def goes_on(self) -> bool:
        """Whether there may still be something to take."""
        return not self._stopped and self.left > 0

    @property
    def left(self) -> int:
        """Samples that are not answered yet."""
        with self._changed:
            return len(self._waiting) + len(self._taken)

    def take(self) -> int | None:
        """The next sample to compute; None when there is none to take at the moment."""
        with self._changed:
            if self._stopped or not self._waiting:
                return None
            sample = self._waiting.popleft()
            self._taken.add(sample)
            return sample

    def done(self, sample: int) -> None:
        """The sample was answered, and the answer recorded."""
        with self._changed:
            self._taken.remove(sample)
            if not self._taken:
                self._changed.notify_all()

    def give_back(self, samples: Iterable[int]) -> None:
        """Those samples, taken before, will not be answered by whoever took them."""
        with self._changed:
            returned = sorted(samples)
            self._taken.difference_update(returned)
            self._waiting.extendleft(reversed(returned))
            self._changed.notify_all()

    def stop(self) -> None:
        """Let nothing more be taken: the run is over, or has to end."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def wait(self) -> bool:
        """Block until there is a sample to take (True), or none will come any more (False)."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._waiting or not self._taken)
            return bool(self._waiting) and not self._stopped
