"""The names that programs may rely on, what importing them costs, and the tree of errors."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pickle
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fingerprint
from fingerprint import errors
from fingerprint.errors import FingerprintError, ImageError, UnknownIdError

ROOT = Path(fingerprint.__file__).parents[1]
NAMES = {
    "AddReport",
    "Answer",
    "Config",
    "Explanation",
    "ImportReport",
    "Neighbour",
    "StoreInfo",
    "Collection",
    "Fingerprint",
    "FingerprintError",
    "ImageError",
    "Match",
    "Skipped",
    "Verification",
    "__version__",
    "compact_descriptor",
    "compare",
    "explain",
    "create_collection",
    "fingerprint_image",
    "open_collection",
}
ERRORS = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == errors.__name__
]


def loaded_by(statement: str) -> set[str]:
    """Modules that are loaded after a statement in a new interpreter."""
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


class TestNames:
    def test_all_is_exactly_this(self) -> None:
        assert set(fingerprint.__all__) == NAMES
        assert len(fingerprint.__all__) == len(NAMES)
        assert sorted(fingerprint.__all__) == list(fingerprint.__all__)

    def test_each_resolves_and_is_documented(self) -> None:
        for name in sorted(NAMES - {"__version__"}):
            value = getattr(fingerprint, name)
            doc = inspect.getdoc(value)
            assert doc, name
            if inspect.isclass(value):
                assert doc != inspect.getdoc(value.__base__), name
                if dataclasses.is_dataclass(value):
                    assert not doc.startswith(f"{name}("), f"{name}: the text that dataclass writes by itself"

    def test_public_methods_are_documented(self) -> None:
        for name in sorted(NAMES - {"__version__"}):
            value = getattr(fingerprint, name)
            for method_name, method in inspect.getmembers(
                value, lambda m: inspect.isfunction(m) or isinstance(m, property)
            ):
                if not method_name.startswith("_"):
                    assert inspect.getdoc(method), f"{name}.{method_name}"

    def test_version_is_one(self) -> None:
        assert re.fullmatch(r"\d+\.\d+\.\d+\S*", fingerprint.__version__)

    def test_every_name_is_offered_for_completion(self) -> None:
        assert set(dir(fingerprint)) >= NAMES

    def test_a_name_that_is_not_there_is_said_so(self) -> None:
        with pytest.raises(AttributeError, match="no attribute 'comparr'"):
            _ = fingerprint.comparr

    def test_star_import_gives_them_all(self) -> None:
        namespace: dict[str, object] = {}
        exec("from fingerprint import *", namespace)
        assert namespace.keys() >= NAMES


class TestLaziness:
    def test_importing_the_package_loads_none_of_its_parts(self) -> None:
        loaded = loaded_by("import fingerprint")
        assert not loaded & {"click", "numba", "cv2", "annoy", "scipy", "PIL", "numpy"}

    def test_the_library_never_loads_the_command_line(self) -> None:
        loaded = loaded_by("from fingerprint import *")
        assert "fingerprint.collection.collection" in loaded
        assert "click" not in loaded
        assert not any(name.startswith("fingerprint.cli") for name in loaded)

    def test_errors_and_values_come_without_the_heavy_parts(self) -> None:
        loaded = loaded_by("from fingerprint import FingerprintError, ImageError, Match, Verification")
        assert not loaded & {"cv2", "numba", "annoy", "scipy", "PIL", "click"}


class TestErrors:
    def test_each_has_the_root_and_stands_in_the_tree(self) -> None:
        for error in ERRORS:
            assert issubclass(error, FingerprintError), error
            assert error.__doc__, error
            assert re.search(rf"\b{error.__name__}\b", errors.__doc__ or ""), error

    def test_the_tree_names_the_builtin_that_it_also_is(self) -> None:
        for error in ERRORS:
            builtins = [base for base in error.__bases__ if base.__module__ == "builtins" and base is not Exception]
            told = re.search(rf"\b{error.__name__}(?: \((\w+)\))?", errors.__doc__ or "")
            assert told is not None, error
            assert told.group(1) == (builtins[0].__name__ if builtins else None), error

    def test_leaves_are_also_builtins(self) -> None:
        leaves = [e for e in ERRORS if not any(other is not e and issubclass(other, e) for other in ERRORS)]
        assert len(leaves) >= 9
        for leaf in leaves:
            assert any(b.__module__ == "builtins" for b in leaf.__bases__), leaf

    def test_the_tree_names_nothing_else(self) -> None:
        names = set(re.findall(r"\b(\w+Error)\b", errors.__doc__ or ""))
        builtin_names = {base.__name__ for error in ERRORS for base in error.__mro__}
        assert names <= {e.__name__ for e in ERRORS} | builtin_names

    def test_all_errors_of_the_package_live_there(self) -> None:
        for module in pkgutil.walk_packages(fingerprint.__path__, "fingerprint."):
            if module.name.startswith(("fingerprint.cli", "fingerprint.__main__")):
                continue
            for value in vars(importlib.import_module(module.name)).values():
                if inspect.isclass(value) and issubclass(value, FingerprintError):
                    assert value in ERRORS

    def test_an_image_error_keeps_path_and_reason_through_pickling(self) -> None:
        """It travels between processes."""
        error = pickle.loads(pickle.dumps(ImageError("a/b.jpg", "torn")))
        assert (type(error), error.path, error.reason, str(error)) == (ImageError, "a/b.jpg", "torn", "a/b.jpg: torn")

    def test_an_unknown_id_prints_as_a_sentence(self) -> None:
        assert str(UnknownIdError("x: no such id")) == "x: no such id"
        assert str(UnknownIdError()) == ""
