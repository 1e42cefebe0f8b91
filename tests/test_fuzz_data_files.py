"""A few files of the fuzzer; ``make fuzz`` reads more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fingerprint

ROOT = Path(fingerprint.__file__).parents[1]


def test_changed_files_end_as_an_answer_or_as_an_error_with_a_name() -> None:
    program = Path(__file__).with_name("fuzz_data_files.py")
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(program), "--files", "86", "--seed", "1"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "86 changed files" in done.stdout
