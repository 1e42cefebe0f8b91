"""Who may import whom, what only one room may do, and how large a room may be."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import fingerprint

PACKAGE = Path(fingerprint.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> set[str]:
    """Top-level names of everything that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def dotted_calls(path: Path) -> Iterator[tuple[str, int]]:
    """Names of what is called, as written, with the line."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def imported_names(path: Path) -> set[str]:
    """Names taken out of modules: ``from a.b import c`` gives ``a.b.c``."""
    return {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_the_modules_are_found() -> None:
    assert len(MODULES) > 40


@pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="not in a checkout")
def test_import_contracts_hold() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("numba", ("kernels/",)),
        ("annoy", ("index/",)),
        ("click", ("cli/",)),
        ("sqlite3", ("index/", "cli/_boundary.py")),
        ("h5py", ("challenge/",)),
        ("imagehash", ("hashes/",)),
        ("PIL", ("images/", "hashes/", "edits/", "report/", "cli/")),
        ("pickle", ()),
        ("multiprocessing", ()),
        ("threading", ("workers.py",)),
        ("concurrent", ("workers.py",)),
    ],
)
def test_a_library_is_known_in_its_rooms_only(library: str, rooms: tuple[str, ...]) -> None:
    users = [place(path) for path in MODULES if library in imports(path)]
    assert [user for user in users if not user.startswith(rooms or ("nowhere",))] == []


@pytest.mark.parametrize("path", [p for p in MODULES if place(p) != "images/decode.py"], ids=place)
def test_only_the_one_door_opens_images(path: Path) -> None:
    forbidden = ("Image.open", "imread", "imreadmulti", "VideoCapture", "np.fromfile")
    assert [(name, line) for name, line in dotted_calls(path) if name.endswith(forbidden)] == []
    assert not [name for name in imported_names(path) if name.endswith((".imread", "Image.open"))]


@pytest.mark.parametrize("path", [p for p in MODULES if not place(p).startswith("cli/")], ids=place)
def test_the_library_does_not_print(path: Path) -> None:
    spoken = ("print", "sys.stdout.write", "sys.stderr.write", "pprint", "traceback.print_exc", "logging.basicConfig")
    assert [(name, line) for name, line in dotted_calls(path) if name in spoken] == []


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_nothing_loads_code_from_data(path: Path) -> None:
    called = dict(dotted_calls(path))
    assert not called.keys() & {"eval", "exec", "pickle.load", "pickle.loads", "os.system", "marshal.loads"}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.load", "np.save", "numpy.load", "numpy.save"):
            told = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert told.get("allow_pickle") == "False", f"line {node.lineno}"


@pytest.mark.parametrize("path", [p for p in MODULES if place(p).startswith("kernels/")], ids=place)
def test_kernels_are_compiled_the_same_way(path: Path) -> None:
    """Cached, without the interpreter's lock, and never parallel: that would abort a host that uses threads."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("__"):
            for decorator in node.decorator_list:
                assert isinstance(decorator, ast.Call), f"{node.name}: njit without settings"
                told = {keyword.arg: ast.unparse(keyword.value) for keyword in decorator.keywords}
                assert told.get("cache") == "True", node.name
                assert told.get("nogil") == "True", node.name
                assert told.get("parallel", "False") == "False", node.name
                assert told.get("fastmath", "False") == "False", node.name


@pytest.mark.parametrize("path", [p for p in MODULES if not place(p).startswith("cli/")], ids=place)
def test_chance_is_passed_in(path: Path) -> None:
    """No state of the process: neither NumPy's global generator nor the standard library's."""
    assert "random" not in imports(path)
    used = {name for name, _ in dotted_calls(path) if re.fullmatch(r"(np|numpy)\.random\.\w+", name)}
    assert used <= {"np.random.default_rng", "np.random.SeedSequence"}


@pytest.mark.parametrize("path", [p for p in MODULES if not place(p).startswith("cli/")], ids=place)
def test_the_state_of_the_process_is_left_alone(path: Path) -> None:
    forbidden = ("cv2.setNumThreads", "numba.set_num_threads", "np.seterr", "os.chdir", "os.environ.update")
    assert [name for name, _ in dotted_calls(path) if name in forbidden] == []
    assert "os.putenv" not in dict(dotted_calls(path))


def code_lines(path: Path) -> int:
    """Lines of a module, those of docstrings left out: a public class with many documented methods is one job."""
    total = len(path.read_text(encoding="utf-8").splitlines())
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            text = node.body[0]
            total -= (text.end_lineno or text.lineno) - text.lineno + 1
    return total


def test_no_module_is_longer_than_400_lines() -> None:
    assert {place(path): code_lines(path) for path in MODULES if code_lines(path) > 400} == {}


def test_the_middle_module_is_under_200_lines() -> None:
    lengths = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES)
    assert lengths[len(lengths) // 2] < 200


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(tree(path))


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.name)
def test_benchmarks_import_what_is_there(path: Path) -> None:
    """They run seldom, so a name that has moved would be missed for long."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("fingerprint"):
            module = importlib.import_module(node.module)
            missing = [alias.name for alias in node.names if not _has(module, alias.name)]
            assert not missing, f"{path.name}, line {node.lineno}: {node.module} has no {missing}"


def _has(module: ModuleType, name: str) -> bool:
    return hasattr(module, name) or importlib.util.find_spec(f"{module.__name__}.{name}") is not None
