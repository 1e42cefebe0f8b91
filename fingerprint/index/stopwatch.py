"""How long the stages of a search take."""

from __future__ import annotations

from time import perf_counter


class Stopwatch:
    """Measures wall clock from one lap to the next."""

    def __init__(self) -> None:
        self._since = perf_counter()

    def lap(self) -> float:
        """Return the milliseconds since the last lap, or since the start."""
        now = perf_counter()
        spent, self._since = (now - self._since) * 1000, now
        return spent
