"""The clock by which the cost of a method is measured."""

from __future__ import annotations

import time

from fingerprint.kernels.compiled import seconds_compiling


def processor_seconds() -> float:
    """Return the processor time of this process, all threads together, without what compiling kernels took.

    Kernels are compiled once after installing; a first run would be charged with it, and a second one not.
    """
    return time.process_time() - seconds_compiling()
