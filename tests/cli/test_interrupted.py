"""Ctrl-C ends the program quietly, however early."""

from __future__ import annotations

import subprocess
import sys

import pytest

_CODE = """
import os, signal, sys

at_import, handling, *words = sys.argv[1:]

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == at_import:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
signal.signal(signal.SIGINT, signal.SIG_IGN if handling == "ignored" else signal.default_int_handler)
from fingerprint.__main__ import run
sys.argv = ["fingerprint", *words]
run()
"""


def interrupted(at_import: str, handling: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command that is interrupted when it imports a module."""
    command = [sys.executable, "-c", _CODE, at_import, handling, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("at_import", "words"),
    [
        ("click", ("--version",)),
        ("fingerprint.cli.search", ("--version",)),
        ("fingerprint.images.decode", ("hash", __file__)),
    ],
)
def test_quiet_with_its_own_exit_code(at_import: str, words: tuple[str, ...]) -> None:
    result = interrupted(at_import, "default", *words)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "\nfingerprint: interrupted\n")


def test_a_background_job_goes_on() -> None:
    result = interrupted("fingerprint.cli.search", "ignored", "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert "Usage" in result.stdout
