"""The examples in the docstrings run and print what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import fingerprint

MODULES = ["fingerprint", *(m.name for m in pkgutil.walk_packages(fingerprint.__path__, "fingerprint."))]
LIBRARY = [name for name in MODULES if not name.startswith("fingerprint.__main__")]


def test_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    with_examples: set[str] = set()
    failures: dict[str, str] = {}
    for name in LIBRARY:
        folder = tmp_path / name  # an example may write files
        folder.mkdir()
        monkeypatch.chdir(folder)
        for test in finder.find(importlib.import_module(name), name):
            said: list[str] = []
            if test.examples:
                with_examples.add(name)
                if runner.run(test, out=said.append).failed:
                    failures[test.name] = "".join(said)
    assert failures == {}
    assert {
        "fingerprint",
        "fingerprint.images.decode",
        "fingerprint.collection.collection",
        "fingerprint.edits.chain",
    } <= with_examples
