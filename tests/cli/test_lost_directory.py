"""A current directory that was deleted is named as what is in the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.effect_noise((64, 64), 60).save(path)
    return path


def in_lost_directory(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a directory that is deleted before it starts."""
    lost = tmp_path / "lost"
    lost.mkdir()
    code = "import os, sys; os.rmdir(os.getcwd()); from fingerprint.__main__ import run; run()"
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, cwd=lost, capture_output=True, text=True, timeout=300, check=False)


def test_relative_paths_lead_nowhere(tmp_path: Path, picture: Path) -> None:
    result = in_lost_directory(tmp_path, "index", "create", "photos.fp", str(picture))
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.endswith("; the current directory was deleted or moved: change to another (cd)\n")


def test_absolute_paths_do_not_need_it(tmp_path: Path, picture: Path) -> None:
    result = in_lost_directory(tmp_path, "hash", str(picture))
    assert (result.returncode, result.stderr) == (0, "")
