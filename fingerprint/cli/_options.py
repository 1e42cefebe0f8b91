"""Options that several commands share, and their callbacks."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fingerprint.cli._compiling import QUIET
from fingerprint.cli._output import STRICT, shown
from fingerprint.config import DEFAULT_LIMITS, DEFAULT_PROFILE, PROFILES, ReadLimits
from fingerprint.errors import ConfigError
from fingerprint.images.frame_paths import frame_path, split_frame
from fingerprint.locations import Url, location

if TYPE_CHECKING:
    from fingerprint.models import Models

Command = TypeVar("Command", bound=Callable[..., Any])
Number = TypeVar("Number", float, float | None)


class PathOrUrl(click.Path):
    """A path of this machine, checked as `click.Path` does, or a URL, which is checked when it is read."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a `pathlib.Path` or a `Url`. Of the path of a frame, the file is checked."""
        found = location(value)
        if isinstance(found, Url):
            return found
        file, frame = split_frame(found)
        if frame == 0:
            return super().convert(value, param, ctx)
        return frame_path(Path(os.fsdecode(super().convert(os.fspath(file), param, ctx))), frame)


class LocalPath(click.Path):
    """A path of this machine, for what acts on files."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a `pathlib.Path`."""
        if isinstance(location(value), Url):
            self.fail(f"{location(value)} is a URL, and this acts on files of this machine: give a path", param, ctx)
        return super().convert(value, param, ctx)


#: Image files and folders of images. One that is not there or may not be read is a skipped file, as in a folder.
IMAGES = PathOrUrl(readable=False, path_type=Path)
#: The same, of this machine.
LOCAL_IMAGES = LocalPath(readable=False, path_type=Path)
#: The same as `IMAGES`, or - for a list on stdin.
IMAGES_OR_STDIN = PathOrUrl(readable=False, path_type=Path, allow_dash=True)
EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EXISTING_FILE_OR_URL = PathOrUrl(exists=True, dir_okay=False, path_type=Path)
EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
EXISTING_FOLDER_OR_URL = PathOrUrl(exists=True, file_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
#: Largest number of things that an option may ask for.
MOST_COUNT = (1 << 31) - 1


class NewFile(click.Path):
    """A file to write, in an existing folder; checked before the work, not after it."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check the file's folder besides what `click.Path` checks."""
        path: Path = super().convert(value, param, ctx)  # type: ignore[assignment] # as path_type says
        folder = path.parent
        if not folder.is_dir():
            self.fail(f"the folder {shown(folder)} does not exist; make it first", param, ctx)
        if not os.access(folder, os.W_OK):
            self.fail(f"no permission to write in {shown(folder)}; choose another folder", param, ctx)
        return path


class Count(click.IntRange):
    """A number of things, from `min` on; one that no machine can hold is refused, where it would overflow."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        number = int(super().convert(value, param, ctx))
        if number > MOST_COUNT:
            self.fail(f"{number} is more than {MOST_COUNT:,}", param, ctx)
        return number


class AlgorithmName(click.ParamType):  # type: ignore[type-arg] # generic in some versions of click only
    """The name of a hash algorithm; case, hyphens and underscores do not matter."""

    name = "algorithm"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name as it is written in files."""
        from fingerprint.hashes.algorithms import algorithm_named

        try:
            return algorithm_named(value).name
        except ConfigError as error:
            self.fail(str(error), param, ctx)


def not_nan(what: str) -> Callable[[click.Context, click.Parameter, Number], Number]:
    """Return a callback that refuses NaN, which click accepts in any range; `what` is the error message."""

    def check(_ctx: click.Context, _param: click.Parameter, value: Number) -> Number:
        if value is not None and math.isnan(value):
            raise click.BadParameter(what)
        return value

    return check


def json_option(shape: str) -> Callable[[Command], Command]:
    """Return the option ``--json``; `shape` says what is printed."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print {shape} instead of text.")


def message_options(command: Command) -> Command:
    """Add ``--quiet`` and ``--verbose``."""
    quiet = click.option(
        "-q",
        "--quiet",
        is_flag=True,
        callback=_keep_quiet,
        help="No progress bars and no notes; skipped files are still listed.",
    )
    return quiet(verbose_option(command))


def _keep_quiet(ctx: click.Context, _param: click.Parameter, value: bool) -> bool:
    ctx.meta[QUIET] = value
    return value


def verbose_option(command: Command) -> Command:
    """Add ``--verbose``."""
    return click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=_set_up_logging,
        help="Print more on stderr; give it twice for everything.",
    )(command)


def models_option(command: Command) -> Command:
    """Add ``--models``."""
    return click.option(
        "--models",
        "models_folder",
        metavar="DIR",
        type=EXISTING_FOLDER,
        help="Models that 'fingerprint train' made.  [default: those of the package]",
    )(command)


def profile_option(command: Command) -> Command:
    """Add ``--profile``."""
    return click.option(
        "--profile",
        type=click.Choice(tuple(PROFILES)),
        default=DEFAULT_PROFILE,
        show_default=True,
        help="How closely queries are looked at: 'fast' once; 'thorough' takes longer and finds some more.",
    )(command)


def workers_option(command: Command) -> Command:
    """Add ``--workers``."""
    return click.option(
        "--workers",
        "n_workers",
        metavar="N",
        type=Count(min=1),
        callback=_share_cores,
        help="Pictures processed at the same time; results do not depend on it.  [default: one for each core]",
    )(command)


_LIMITS = f"{__name__}.limits"  # key in the context's meta


def reading_options(command: Command) -> Command:
    """Add ``--max-pixels``, ``--timeout`` and ``--strict``; see `chosen_limits`. Commands end with `finish`."""
    return limit_options(
        click.option(
            "--strict",
            is_flag=True,
            expose_value=False,
            callback=_keep_strict,
            help="Exit with code 2 if any file was skipped.",
        )(command)
    )


def limit_options(command: Command) -> Command:
    """Add ``--max-pixels`` and ``--timeout``; see `chosen_limits`."""
    pixels = click.option(
        "--max-pixels",
        metavar="N",
        type=click.IntRange(min=1),
        default=DEFAULT_LIMITS.max_pixels,
        show_default=True,
        expose_value=False,
        callback=_keep_limit,
        help="Skip images with more pixels, by what their headers say.",
    )
    timeout = click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.FloatRange(min=0, min_open=True),
        default=DEFAULT_LIMITS.timeout,
        show_default=True,
        expose_value=False,
        callback=_keep_limit,
        help="Skip an image that takes longer to decode, by the clock. Plain JPEG, PNG and WebP are not timed.",
    )
    return pixels(timeout(command))


def chosen_limits() -> ReadLimits:
    """Return the limits that ``--max-pixels`` and ``--timeout`` give."""
    limits: ReadLimits = click.get_current_context().meta.get(_LIMITS, DEFAULT_LIMITS)
    return limits


def _keep_limit(ctx: click.Context, param: click.Parameter, value: float) -> None:
    if not math.isfinite(value):
        raise click.BadParameter("a time is a number of seconds")
    ctx.meta[_LIMITS] = replace(ctx.meta.get(_LIMITS, DEFAULT_LIMITS), **{str(param.name): value})


def _keep_strict(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    ctx.meta[STRICT] = value


def engine_options(command: Command) -> Command:
    """Add ``--models``, ``--workers``, ``--quiet``, ``--verbose`` and the options of reading."""
    return models_option(workers_option(reading_options(message_options(command))))


def frames_option(command: Command) -> Command:
    """Add ``--frames``."""
    return click.option(
        "--frames",
        "n_frames",
        metavar="N",
        type=Count(min=1),
        default=1,
        show_default=True,
        help="Of animations and files of several pages, take up to N frames, spread evenly, each as a picture.",
    )(command)


def chosen_models(folder: Path | None) -> Models:
    """Return the models that ``--models`` names."""
    from fingerprint.models import load_models

    return load_models(folder)


def _share_cores(_ctx: click.Context, _param: click.Parameter, n_workers: int | None) -> int | None:
    """Keep OpenCV from starting threads within each of our threads. The process runs only this command."""
    if (n_workers or os.cpu_count() or 1) > 1:
        import cv2

        cv2.setNumThreads(1)
    return n_workers


class _StderrHandler(logging.Handler):
    """Writes to the current stderr, which may have been replaced since the handler was made."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"fingerprint: {record.levelname.lower()}: {shown(record.getMessage())}", err=True)


def _set_up_logging(_ctx: click.Context, _param: click.Parameter, verbose: int) -> None:
    logger = logging.getLogger("fingerprint")
    logger.setLevel((logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)])
    if not any(isinstance(handler, _StderrHandler) for handler in logger.handlers):
        logger.addHandler(_StderrHandler())
