"""A few pictures of the fuzzer; ``make fuzz`` reads more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fingerprint

ROOT = Path(fingerprint.__file__).parents[1]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the fuzzer forks, and reads memory from /proc")
def test_changed_pictures_are_read_or_skipped_with_a_reason() -> None:
    program = Path(__file__).with_name("fuzz_pictures.py")
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(program), "--files", "90", "--seed", "1"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "90 changed pictures" in done.stdout
    assert "0 did not end as they should" in done.stdout
