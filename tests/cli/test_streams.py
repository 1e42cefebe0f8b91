"""Standard streams that are closed or full."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from fingerprint.types import U8


@pytest.fixture(scope="module")
def picture(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("streams") / "coffee.png"
    Image.fromarray(photos["coffee"]).resize((160, 120)).save(path)
    return path


def shell(command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a shell's command with `fingerprint` in place of F, and arguments as $1, $2, ..."""
    line = command.replace("F ", f"{sys.executable} -m fingerprint ")
    return subprocess.run(
        ["sh", "-c", line, "sh", *map(str, arguments)], capture_output=True, check=False, text=True, timeout=300
    )


def test_without_stderr_results_are_the_same(picture: Path, tmp_path: Path) -> None:
    usual = shell('F hash "$1"', picture)
    closed = shell('F hash "$1" 2>&-', picture)
    assert (closed.returncode, closed.stdout, closed.stderr) == (0, usual.stdout, "")
    (tmp_path / "bad.png").write_bytes(b"")
    assert shell('F hash "$1" 2>&-', tmp_path / "bad.png").returncode == 1
    assert shell('F hash "$1" 0<&- 2>&-', picture).stdout == usual.stdout


def test_without_stderr_a_collection_is_sound(picture: Path, tmp_path: Path) -> None:
    made = shell('F index create "$1" "$2" <&- 2>&-', tmp_path / "c.fp", picture)
    assert made.returncode == 0
    assert "1 added" in made.stdout
    assert shell('F index check "$1"', tmp_path / "c.fp").returncode == 0


@pytest.mark.parametrize("arguments", ['hash "$1"', 'hash --json "$1"', "--help", "--version", "hash --help"])
@pytest.mark.parametrize("to", [">&-", ">/dev/full"])
def test_results_that_cannot_be_written(arguments: str, to: str, picture: Path) -> None:
    if to == ">/dev/full" and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    done = shell(f"F {arguments} {to}", picture)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("fingerprint: error: ")
    assert done.stderr.count("\n") == 1
    assert ("is closed" if to == ">&-" else "no space left") in done.stderr


def test_a_list_on_stdin_that_is_closed(picture: Path, tmp_path: Path) -> None:
    done = shell('F hash-list match - "$1" <&-', picture)
    assert done.returncode == 2
    assert "the list of hashes cannot be read: the stream is closed" in done.stderr
    assert shell('F index create "$1" <&-', tmp_path / "c.fp").returncode == 0
    done = shell('F index add "$1" - <&-', tmp_path / "c.fp")
    assert done.returncode == 2
    assert "closed" in done.stderr
