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


@pytest.mark.parametrize("name", LIBRARY)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # an example may write files
    module = importlib.import_module(name)
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    said: list[str] = []
    for test in finder.find(module, name):
        if test.examples:
            runner.run(test, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    with_examples = [n for n in LIBRARY if any(t.examples for t in finder.find(importlib.import_module(n), n))]
    assert {
        "fingerprint",
        "fingerprint.images.decode",
        "fingerprint.collection.collection",
        "fingerprint.edits.chain",
    } <= set(with_examples)
