"""Fixtures of several modules about decoding in processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fingerprint.images.decoder_pool import POOL
from fingerprint.images.limits import GATE


@pytest.fixture
def pool() -> Iterator[None]:
    """Begin and end without any process; nothing is left reserved."""
    POOL.close()
    POOL.n_started = 0
    yield
    POOL.close()
    assert GATE.used == 0
