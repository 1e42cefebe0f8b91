"""``fingerprint doctor``: what is installed, and what is in its way."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fingerprint.cli import doctor, main
from fingerprint.images import formats
from fingerprint.models import load_models
from fingerprint.version import __version__


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(main, ["doctor", "--json", *arguments])
    return result.exit_code, json.loads(result.stdout)


def test_names_what_is_installed() -> None:
    code, facts = run()
    assert (code, facts["problems"]) == (0, [])
    assert facts["copyprint"]["version"] == __version__
    assert {"numpy", "numba", "annoy", "pillow"} <= facts["packages"].keys()
    assert facts["machine"]["cores"] >= 1
    assert Path(facts["kernels"]["kept in"]).is_dir()


def test_formats_are_named_with_what_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run()[1]["formats"]
    assert {"JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"} <= set(found["Pillow"])
    monkeypatch.setattr(formats, "find_spec", lambda _: None)
    assert run()[1]["formats"]["HEIC"] == "not read; pip install 'copyprint[heif]'"


def test_models_are_named_by_their_digests() -> None:
    models = load_models()
    found = run()[1]["models"]
    assert (found["model"], found["calibration"]) == (models.model_id, models.calibration_id)
    data = resources.files("fingerprint.models").joinpath("models.npz").read_bytes()
    assert found["SHA-256 models.npz"] == hashlib.sha256(data).hexdigest()


def test_text_has_the_same_facts() -> None:
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0
    assert load_models().model_id in result.stdout
    assert result.stdout.endswith("no problems found\n")


def test_damaged_models_are_a_problem_and_the_rest_is_told(tmp_path: Path) -> None:
    (tmp_path / "MODELS.json").write_text("{")
    code, facts = run("--models", str(tmp_path))
    assert code == 1
    assert str(tmp_path) in facts["problems"][0]
    assert facts["models"] == {}
    assert facts["disk"]
    result = CliRunner().invoke(main, ["doctor", "--models", str(tmp_path)])
    assert result.stdout.splitlines()[-1].startswith("problem: ")


def test_a_full_disk_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_LEAST_FREE", 1 << 62)
    code, facts = run()
    assert code == 1
    assert all("MB are free" in problem for problem in facts["problems"])


def test_kernels_are_compiled_before_they_are_needed() -> None:
    code, facts = run("--warm")
    assert (code, facts["problems"]) == (0, [])
    assert facts["warm"]["seconds"] > 0
    assert int(run()[1]["kernels"]["compiled"].split()[0]) > 60  # parts of kernels are not kept by themselves
