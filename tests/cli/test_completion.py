"""Completion in the shell, as the page on installing describes it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-c", "from fingerprint.cli import main; main(prog_name='fingerprint')"]


def run(**environment: str) -> str:
    found = subprocess.run(
        PROGRAM, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True, timeout=60
    )
    return found.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_that_asks_the_program(shell: str) -> None:
    script = run(_FINGERPRINT_COMPLETE=f"{shell}_source")
    assert f"_FINGERPRINT_COMPLETE={shell}_complete" in script


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="no bash")
def test_the_script_is_valid_in_bash() -> None:
    subprocess.run(["/bin/bash", "-n"], input=run(_FINGERPRINT_COMPLETE="bash_source"), text=True, check=True)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("fingerprint ind", {"index"}),
        ("fingerprint index cre", {"create"}),
        ("fingerprint search --prof", {"--profile"}),
        ("fingerprint search --profile ", {"fast", "standard", "thorough"}),
    ],
)
def test_commands_options_and_values_are_completed(line: str, expected: set[str]) -> None:
    n_before = len(line.split(" ")) - 1
    found = run(_FINGERPRINT_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(n_before))
    assert {word.split(",", 1)[1] for word in found.split()} == expected
