"""The methods by name: those of the bench, and those that installed packages add."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType

from fingerprint.bench.base import DescribingMethod, MatchingMethod, Method
from fingerprint.bench.sets import BenchSet
from fingerprint.config import PROFILES
from fingerprint.errors import ConfigError, FingerprintError
from fingerprint.models import Models, load_models

#: The entry points of this group are methods: classes, or functions that return a method.
GROUP = "copyprint.bench"

_MATCHING = "matching-track"


@dataclass(frozen=True, slots=True)
class Request:
    """What a method is made for.

    Attributes
    ----------
    argument : str
        What follows the method's name and a colon.
    bench_set : BenchSet
    models : Models, optional
        Of this package's methods; those that ship with it by default.
    """

    argument: str
    bench_set: BenchSet
    models: Models | None


def _phash(_: Request) -> Method:
    from fingerprint.bench.methods.phash import PHash

    return PHash()


def _dhash(_: Request) -> Method:
    from fingerprint.bench.methods.dhash import DHash

    return DHash()


def _pdq(_: Request) -> Method:
    from fingerprint.bench.methods.pdq import Pdq

    return Pdq()


def _gist(_: Request) -> Method:
    from fingerprint.bench.methods.gist import Gist256

    return Gist256()


def _vlad(_: Request) -> Method:
    from fingerprint.bench.methods.vlad import SingleVlad

    return SingleVlad()


def _ratio(_: Request) -> Method:
    from fingerprint.bench.methods.ratio import SiftRatio

    return SiftRatio()


def _asmk(_: Request) -> Method:
    from fingerprint.bench.methods.asmk import SiftAsmk

    return SiftAsmk()


def _descriptor_track(request: Request) -> Method:
    from fingerprint.bench.methods.descriptor_track import DescriptorTrack

    return DescriptorTrack(request.models or load_models())


def _matching_track(profile: str) -> Callable[[Request], Method]:
    def make(request: Request) -> Method:
        from fingerprint.bench.methods.matching_track import MatchingTrack

        return MatchingTrack(request.models or load_models(), profile)

    return make


def _onnx(request: Request) -> Method:
    from fingerprint.bench.methods.onnx import OnnxMethod

    return OnnxMethod(Path(request.argument))


def _vectors(request: Request) -> Method:
    from fingerprint.bench.methods.vectors import VectorsMethod

    names = request.argument.split(",")
    if "" in names:
        raise ConfigError(f"vectors:{request.argument}: no file before or after a comma")
    return VectorsMethod([Path(name) for name in names], request.bench_set)


#: Methods that are a name only.
PLAIN: Mapping[str, Callable[[Request], Method]] = MappingProxyType(
    {
        "phash": _phash,
        "dhash": _dhash,
        "pdq": _pdq,
        "gist256": _gist,
        "vlad": _vlad,
        "sift-ratio": _ratio,
        "sift-asmk": _asmk,
        "descriptor-track": _descriptor_track,
        **{f"{_MATCHING}-{profile}": _matching_track(profile) for profile in PROFILES},
    }
)
#: Methods that need a file, as ``onnx:sscd.toml``.
WITH_FILE: Mapping[str, Callable[[Request], Method]] = MappingProxyType({"onnx": _onnx, "vectors": _vectors})


def added() -> Mapping[str, EntryPoint]:
    """Return the methods of installed packages, by name."""
    return {point.name: point for point in entry_points(group=GROUP)}


def short_name(spec: str) -> str:
    """Return the name of a method's folder and row.

    Examples
    --------
    >>> short_name("phash"), short_name("onnx:models/sscd.toml")
    ('phash', 'onnx-sscd')
    """
    name, colon, argument = spec.partition(":")
    return f"{name}-{Path(argument.split(',')[0]).stem}" if colon else name


def make_method(spec: str, bench_set: BenchSet, models: Models | None = None) -> Method:
    """Make a method.

    Parameters
    ----------
    spec : str
        A name; with a colon and an argument, for those that take one.
    bench_set : BenchSet
    models : Models, optional
        Of this package's methods.

    Raises
    ------
    ConfigError
        If there is no such method, or its argument is missing or wrong.
    """
    name, colon, argument = spec.partition(":")
    others = added()
    request = Request(argument, bench_set, models)
    if name in others and (name in PLAIN or name in WITH_FILE):
        raise ConfigError(
            f"{others[name].value}: a package adds it as {name!r}, which is here already: rename it there"
        )
    if name in PLAIN and not colon:
        return PLAIN[name](request)
    if name in WITH_FILE:
        if not argument:
            raise ConfigError(f"{name} needs a file: write {name}:FILE")
        return WITH_FILE[name](request)
    if name in others:
        return _made(others[name], argument)
    if name in PLAIN:
        raise ConfigError(f"{name} takes no argument: write {name} without ':{argument}'")
    known = ", ".join((*PLAIN, *(f"{name}:FILE" for name in WITH_FILE), *others))
    raise ConfigError(f"no method is called {name!r}: choose from {known}")


def _made(point: EntryPoint, argument: str) -> Method:
    doing = "imported"
    try:
        factory = point.load()
        doing = f"made from {argument!r}" if argument else "made"
        method = factory(argument) if argument else factory()
    except Exception as error:
        what = str(error) if isinstance(error, FingerprintError) else f"{type(error).__name__}: {error}"
        raise ConfigError(f"the method {point.name!r}, {point.value}, cannot be {doing}: {what}") from error
    if not isinstance(method, DescribingMethod | MatchingMethod):
        raise ConfigError(
            f"the method {point.name!r}, {point.value}, is neither a DescribingMethod nor a MatchingMethod"
        )
    return method
