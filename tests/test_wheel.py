"""The wheel has the package and its models, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIMIT = 25 * 2**20


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("source")
    tracked = ["pyproject.toml", "README.md", "LICENSE", "cli.py"]
    tracked += [str(p.relative_to(ROOT)) for p in (ROOT / "fingerprint").rglob("*") if p.is_file()]
    for name in tracked:
        if "__pycache__" not in name:
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    out = tmp_path_factory.mktemp("dist")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", str(out)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(copy)], check=True)
    (found,) = out.glob("*.whl")
    return found


def test_it_is_called_copyprint_and_stays_small(wheel: Path) -> None:
    assert wheel.name.startswith("copyprint-")
    assert wheel.stat().st_size < LIMIT


def test_it_has_every_module_the_models_and_their_card(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    modules = {str(p.relative_to(ROOT)) for p in (ROOT / "fingerprint").rglob("*.py")}
    data = {f"fingerprint/models/{name}" for name in ("models.npz", "MODELS.json", "MODEL_CARD.md")}
    data |= {str(p.relative_to(ROOT)) for p in (ROOT / "fingerprint" / "report" / "template").iterdir()}
    assert modules | data | {"fingerprint/py.typed"} <= names


def test_it_has_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        entry_points = next(name for name in names if name.endswith("entry_points.txt"))
        assert "fingerprint = fingerprint.__main__:run" in archive.read(entry_points).decode()
    strangers = [n for n in names if not n.startswith("fingerprint/") and ".dist-info/" not in n]
    assert strangers == []
    assert [n for n in names if n.endswith((".jpg", ".png", ".pkl"))] == []
