"""Who may import whom, what only one room may do, and how large a room may be."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import fingerprint

PACKAGE = Path(fingerprint.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def relative(path: Path) -> str:
    """Return the path of a module within the package."""
    return path.relative_to(PACKAGE).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def imports(path: Path) -> set[str]:
    """Top-level names of everything that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@cache
def dotted_calls(path: Path) -> list[tuple[str, int]]:
    """Names of what is called, as written, with the line."""
    return [(ast.unparse(node.func), node.lineno) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]


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


#: Who may import what: the one place for this rule. Rooms are folders, or single modules where one is enough.
ROOMS = {
    "annoy": ("index/annoy_trees.py",),
    "augly": ("bench/augly_edits.py",),
    "click": ("cli/",),
    "cv2": (
        *(
            "bench/",
            "edits/",
            "features/",
            "cli/_options.py",
            "cli/doctor.py",
            "hashes/compute.py",
            "report/picture.py",
        ),
    ),
    "fcntl": ("files/locks.py",),
    "fsspec": ("images/remote.py",),
    "h5py": ("challenge/descriptors.py", "challenge/halves.py", "hdf5/reading.py"),
    "imagecodecs": ("images/jxl.py",),
    "imagehash": ("hashes/interchange.py",),
    "jinja2": ("report/page.py",),
    "markupsafe": ("report/page.py",),
    "matplotlib": ("bench/plots.py",),
    "mmap": ("index/segment.py",),
    "numba": ("kernels/",),
    "onnxruntime": ("bench/methods/onnx.py",),
    "PIL": (
        *(
            "bench/",
            "edits/",
            "images/convert.py",
            "images/damage.py",
            "images/decode",
            "images/depth.py",
            "images/extra_image.py",
        ),
        *(
            "images/formats.py",
            "images/given.py",
            "images/ground.py",
            "images/identity.py",
            "images/heif.py",
            "images/jxl.py",
            "images/orientation.py",
        ),
        *("images/raw.py", "images/stream.py", "images/webp_damage.py"),
        *("images/limits.py", "images/tiff_samples.py", "report/", "cli/compare.py", "cli/doctor.py"),
        *("hashes/compute.py", "hashes/interchange.py", "hashes/luma.py", "types.py"),
    ),
    "pillow_heif": ("images/heif.py",),
    "rawpy": ("images/raw.py",),
    "scipy": (
        *("features/global_cues.py", "features/insets.py", "train/boosting.py", "train/fitting.py"),
        "verify/score.py",
    ),
    "simplejpeg": ("images/jpeg_damage.py",),
    "multiprocessing": ("cluster/connecting.py",),  # only so that its processes leave Ctrl-C to the command
    "signal": (
        *("__main__.py", "cli/_boundary.py", "cluster/connecting.py"),
        *("images/decoder.py", "images/decoder_pool.py", "images/sandbox.py"),
    ),
    "socket": ("files/locks.py",),
    "sqlite3": ("cli/_boundary.py", "index/catalogue.py", "index/database.py", "index/guest.py", "index/upgrade.py"),
    "subprocess": (
        "hdf5/process.py",
        "images/decoder_pool.py",
    ),  # run this package's own code, where a file can crash a library
    "threading": (
        *("workers.py", "cluster/", "images/decoder_pool.py", "images/limits.py", "images/sandbox.py", "index/"),
        "cli/_compiling.py",
    ),
    "concurrent": ("workers.py",),
    "zipfile": ("files/datafiles.py", "models/files.py", "vectorfiles/npz.py"),
    "pickle": ("kernels/compiled.py",),  # for the name of an error of Numba's cache
    # Nobody: no code out of data, no network, no libraries that only tests and benchmarks need.
    **dict.fromkeys(("ctypes", "marshal", "shelve"), ()),
    **dict.fromkeys(("asyncio", "ftplib", "http", "requests", "socketserver", "ssl", "urllib"), ()),
    **dict.fromkeys(("faiss", "hypothesis", "pdqhash", "pytest", "skimage"), ()),
}


@pytest.mark.parametrize("library", ROOMS)
def test_a_library_is_known_in_its_rooms_only(library: str) -> None:
    users = [relative(path) for path in MODULES if library in imports(path)]
    strangers = [user for user in users if not user.startswith(ROOMS[library])]
    assert not strangers, f"only {ROOMS[library] or 'nobody'} may import {library}"
    unused = [room for room in ROOMS[library] if not any(user.startswith(room) for user in users)]
    assert not unused, f"they no longer import {library}: take them out of ROOMS"


@pytest.mark.parametrize("path", [p for p in MODULES if relative(p) != "images/decode.py"], ids=relative)
def test_only_the_one_door_opens_images(path: Path) -> None:
    forbidden = ("Image.open", "imread", "imreadmulti", "VideoCapture", "np.fromfile")
    assert [(called, line) for called, line in dotted_calls(path) if called.endswith(forbidden)] == []
    assert not [taken for taken in imported_names(path) if taken.endswith((".imread", "Image.open"))]


@pytest.mark.parametrize("path", [p for p in MODULES if not relative(p).startswith("cli/")], ids=relative)
def test_the_library_does_not_print(path: Path) -> None:
    spoken = ("print", "sys.stdout.write", "sys.stderr.write", "pprint", "traceback.print_exc", "logging.basicConfig")
    assert [(called, line) for called, line in dotted_calls(path) if called in spoken] == []


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_nothing_loads_code_from_data(path: Path) -> None:
    called = dict(dotted_calls(path))
    assert not called.keys() & {"eval", "exec", "pickle.load", "pickle.loads", "os.system", "marshal.loads"}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.load", "np.save", "numpy.load", "numpy.save"):
            settings = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert settings.get("allow_pickle") == "False", f"line {node.lineno}"


COMPILER = ("kernels/compiled.py", "kernels/pipeline.py")
KERNELS = [p for p in MODULES if relative(p).startswith("kernels/") and relative(p) not in COMPILER]


@pytest.mark.parametrize("path", KERNELS, ids=relative)
def test_kernels_are_compiled_the_same_way(path: Path) -> None:
    """Cached, without the interpreter's lock, and never parallel: that would abort a host that uses threads."""
    for function in compiled_functions(tree(path)):
        (decorator,) = function.decorator_list
        assert isinstance(decorator, ast.Call), f"{function.name}: njit without settings"
        settings = {keyword.arg: ast.unparse(keyword.value) for keyword in decorator.keywords}
        assert settings.get("cache") == "True", function.name
        assert settings.get("nogil") == "True", function.name
        assert settings.get("parallel", "False") == "False", function.name
        assert settings.get("fastmath", "False") == "False", function.name


def test_only_kernels_call_private_kernels() -> None:
    """They are compiled without what takes Python's objects apart: called from Python, they end the process."""
    private = {
        f"fingerprint.kernels.{path.stem}.{function.name}"
        for path in KERNELS
        for function in compiled_functions(tree(path))
        if function.name.startswith("_")
    }
    callers = [path for path in (*MODULES, *Path(__file__).parent.rglob("*.py")) if path not in KERNELS]
    assert {path.name: used for path in callers if (used := imported_names(path) & private)} == {}


def compiled_functions(module: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in module.body if isinstance(node, ast.FunctionDef) and node.decorator_list]


def kernel_faults(module: ast.Module) -> list[str]:
    """Return what does not belong into a module of kernels.

    Allowed are its docstring, imports of NumPy, Numba, ``math``, types and other kernels, constants, functions that
    are decorated with ``njit`` alone, and private plain functions that are called for a constant and nowhere else.
    """
    faults = []
    for number, node in enumerate(module.body):
        match node:
            case ast.Expr(ast.Constant(str())) if number == 0:
                pass
            case ast.ImportFrom(module=str(source)):
                if source not in ("__future__", "fingerprint.types") and not source.startswith("fingerprint.kernels."):
                    faults.append(f"line {node.lineno}: imports {source}")
            case ast.Import(names):
                faults += [f"line {node.lineno}: imports {n.name}" for n in names if n.name not in ("math", "numpy")]
            case ast.Assign() | ast.AnnAssign():
                pass
            case ast.FunctionDef(name=function, decorator_list=[]):
                faults += plain_function_faults(module, function)
            case ast.FunctionDef(name=function, decorator_list=decorators):
                if [ast.unparse(d).partition("(")[0] for d in decorators] != ["njit"]:
                    faults.append(f"{function} is decorated with something else than njit alone")
            case _:
                faults.append(
                    f"line {node.lineno}: {type(node).__name__}, where only constants and functions may stand"
                )
    return faults


def plain_function_faults(module: ast.Module, function: str) -> list[str]:
    """Return what is wrong with a function that is not compiled: it may only help to make a constant."""
    if not function.startswith("_"):
        return [f"{function} is public and has no njit"]
    users = [node for node in module.body if any(isinstance(n, ast.Name) and n.id == function for n in ast.walk(node))]
    if not users or not all(isinstance(node, ast.Assign | ast.AnnAssign) for node in users):
        return [f"{function} has no njit and does more, or less, than to make a constant of the module"]
    return []


@pytest.mark.parametrize("path", KERNELS, ids=relative)
def test_kernels_hold_njit_functions_only(path: Path) -> None:
    """Checks, choices and classes belong into the rooms that call kernels."""
    assert kernel_faults(tree(path)) == []


@pytest.mark.parametrize(
    ("addition", "fault"),
    [
        ("class Plan:\n    pass", "ClassDef"),
        ("def plan(a):\n    return a", "plan is public and has no njit"),
        ("def _plan(a):\n    return a", "_plan has no njit"),
        ("def _one():\n    return 1\n@njit(cache=True)\ndef two():\n    return _one() + 1", "_one has no njit"),
        ("@lru_cache\ndef plan(a):\n    return a", "plan is decorated"),
        ("@lru_cache\n@njit(cache=True)\ndef plan(a):\n    return a", "plan is decorated"),
        ("async def plan(a):\n    return a", "AsyncFunctionDef"),
        ("for i in range(3):\n    print(i)", "For"),
        ("import os", "imports os"),
        ("from fingerprint.config import DEFAULT_CONFIG", "imports fingerprint.config"),
    ],
)
def test_what_does_not_belong_into_kernels_is_noticed(addition: str, fault: str) -> None:
    allowed = '"""Sums."""\nimport numpy as np\nfrom fingerprint.kernels.compiled import njit\n\n_ONE = np.uint64(1)\n'
    allowed += "def _squares():\n    return np.arange(9) ** 2\n_SQUARES = _squares()\n"
    allowed += "@njit(cache=True, nogil=True)\ndef total(a):\n    return a.sum() + _ONE + _SQUARES[0]\n"
    assert kernel_faults(ast.parse(allowed)) == []
    (found,) = kernel_faults(ast.parse(allowed + addition))
    assert fault in found


@pytest.mark.parametrize("path", [p for p in MODULES if not relative(p).startswith("cli/")], ids=relative)
def test_chance_is_passed_in(path: Path) -> None:
    """No state of the process: neither NumPy's global generator nor the standard library's."""
    assert "random" not in imports(path)
    used = {called for called, _ in dotted_calls(path) if re.fullmatch(r"(np|numpy)\.random\.\w+", called)}
    assert used <= {"np.random.default_rng", "np.random.SeedSequence"}


@pytest.mark.parametrize("path", [p for p in MODULES if not relative(p).startswith("cli/")], ids=relative)
def test_the_state_of_the_process_is_left_alone(path: Path) -> None:
    forbidden = ("cv2.setNumThreads", "numba.set_num_threads", "np.seterr", "os.chdir", "os.environ.update")
    assert [called for called, _ in dotted_calls(path) if called in forbidden] == []
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
    assert {relative(path): code_lines(path) for path in MODULES if code_lines(path) > 400} == {}


def test_the_middle_module_is_under_200_lines() -> None:
    lengths = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES)
    assert lengths[len(lengths) // 2] < 200


@pytest.mark.parametrize("path", MODULES, ids=relative)
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
