"""Reading and listing by URL, with fsspec, which is loaded when the first URL is read.

A URL is followed where the caller gives it as a picture, or as a folder of pictures. Servers (``http``, ``https``) have
files only: a page is never read for the links in it. A URL that is made of several, with ``::``, is refused, as it can
lead to files that it does not name first.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Callable, Iterator
from typing import IO, Any

from fingerprint.config import ReadLimits
from fingerprint.errors import ImageError
from fingerprint.images.limits import NO_SUCH_FILE, check_bytes
from fingerprint.locations import BUCKET_SCHEMES, Url, scrubbed

_log = logging.getLogger(__name__)

_EXTRA = "distributed"
_NOT_IN_URL = "credentials are not taken from such a URL; leave them to the environment or the store's own settings"
_SEVERAL = "URLs made of several, with '::', are not read; give the URL of the file itself"
_AS_CODES = ", and write '::' in a name as '%3A%3A'"
_NOT_IN_NAMES = ", under a name without '::'"
_IPV6 = re.compile(r"(\w+://(?:[^/?#@]*@)?\[)([0-9A-Fa-f:.]+)(?=\])")
_PIECE = 1 << 22  # bytes that are read at a time
_SERVERS = ("http", "https")
#: Packages that fsspec reads with, by the scheme.
_PACKAGES = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("abfs", "abfss", "az", "adl"), "adlfs"),
    **dict.fromkeys(_SERVERS, "aiohttp"),
    **dict.fromkeys(("sftp", "ssh"), "paramiko"),
    **dict.fromkeys(("smb",), "smbprotocol"),
    **dict.fromkeys(("hf",), "huggingface_hub"),
}


def read_remote(url: Url, limits: ReadLimits) -> bytes:
    """Return the bytes of the file that a URL names; no more of it is read than the limits allow.

    Raises
    ------
    ImageError
        If there is no such file, it is larger than the limits allow, it cannot be read, or a package is missing.
    """
    try:
        system, path = _opened(url)
        system.invalidate_cache(path)  # it may know the size that the file had when its folder was listed
        facts = system.info(path)
        if facts["type"] != "file":
            raise ImageError(
                str(url), "a folder, not an image" if facts["type"] == "directory" else "not a regular file"
            )
        size = facts.get("size")
        if size is not None:
            check_bytes(size, str(url), limits)
        if size is None or url.scheme in _SERVERS:  # what a server says of the size need not be so
            with system.open(path, "rb", **({"block_size": 0, "size": size} if url.scheme in _SERVERS else {})) as file:
                return _read(file, url, limits)
        return bytes(system.cat_file(path, start=0, end=size)) if size else b""
    except ImageError:
        raise
    except Exception as error:  # each package has errors of its own
        raise ImageError(str(url), _reason(error, url)) from error


def walk_remote(url: Url, unread: Callable[[Url], object]) -> Iterator[tuple[Url, list[str], list[str]]] | None:
    """Yield folder, names of folders in it and names of files of a folder and of those in it, as ``os.walk`` does.

    Parameters
    ----------
    url : Url
    unread : callable
        Called with a folder that cannot be listed.

    Returns
    -------
    iterator, or None
        None if the URL names no folder, or it cannot be found out: reading it then says why.
    """
    if url.scheme in _SERVERS:
        return None
    try:
        system, path = _opened(url)
        system.invalidate_cache(path)
        if not system.isdir(path):
            return None
    except Exception as error:  # noqa: BLE001 - as above; reading the URL says it to the user
        _log.info("%s: %s", url, _reason(error, url))
        return None
    return _walked(system, path, url, unread)


def _walked(
    system: Any, path: str, url: Url, unread: Callable[[Url], object]
) -> Iterator[tuple[Url, list[str], list[str]]]:
    inner: dict[str, str] = {}
    files = []
    try:
        for entry in system.ls(path, detail=True):
            whole = entry["name"].rstrip("/")
            name = whole.rpartition("/")[2]
            if not name or whole.strip("/") == path.strip("/"):  # an object that stands for the folder itself
                continue
            if entry["type"] == "directory":
                inner[name] = whole
            else:
                files.append(name)
    except Exception as error:  # noqa: BLE001 - as above
        _log.warning("%s: %s", url, _reason(error, url))
        unread(url / "")
        return
    chosen = list(inner)
    yield url, chosen, files
    for name in chosen:
        yield from _walked(system, inner[name], url / name, unread)


def _opened(url: Url) -> tuple[Any, str]:
    """Return the file system of a URL, and the path in it."""
    whole = _with_whole_address(url)
    if "::" in whole:
        raise ImageError(str(url), _SEVERAL + (_AS_CODES if url.scheme in _SERVERS else _NOT_IN_NAMES))
    if url.scheme in BUCKET_SCHEMES and str(url) != url.whole:
        raise ImageError(str(url), _NOT_IN_URL)
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise ImageError(str(url), f"URLs need fsspec: pip install 'copyprint[{_EXTRA}]'") from error
    try:
        system, path = url_to_fs(whole)
    except ImportError as error:
        package = _PACKAGES.get(url.scheme)
        advice = f"needs {package}: pip install {package}" if package else f"needs another package: {error}"
        raise ImageError(str(url), f"{url.scheme}:// {advice}") from error
    return system, path


def _with_whole_address(url: Url) -> str:
    """Return a URL with the IPv6 address of its server in full, as fsspec takes the ``::`` in it for that of a chain.

    Raises
    ------
    ImageError
        If it is no such address.
    """
    found = _IPV6.match(url.whole) if url.scheme in _SERVERS else None
    if found is None:
        return url.whole
    try:
        return found[1] + ipaddress.IPv6Address(found[2]).exploded + url.whole[found.end() :]
    except ValueError as error:
        raise ImageError(str(url), f"[{found[2]}] is no IPv6 address: {error}") from error


def _read(file: IO[bytes], url: Url, limits: ReadLimits) -> bytes:
    """Return all bytes of a file, of which there may be more than was said before."""
    parts = []
    n_bytes = 0
    while part := file.read(min(_PIECE, limits.max_bytes + 1 - n_bytes)):
        parts.append(part)
        n_bytes += len(part)
        check_bytes(n_bytes, str(url), limits)
    return b"".join(parts)


def _reason(error: Exception, url: Url) -> str:
    """Return in words why a URL cannot be read, without the credentials in it."""
    cause = error.__cause__
    if isinstance(error, FileNotFoundError) and cause is not None and getattr(cause, "status", 404) != 404:
        error = cause if isinstance(cause, Exception) else error
    elif (
        isinstance(error, FileNotFoundError) and isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError)
    ):
        error = cause  # fsspec says it of a server that is not there, too
    status = getattr(error, "status", None)
    if isinstance(error, FileNotFoundError) or status == 404:
        return NO_SUCH_FILE
    if isinstance(error, PermissionError) or status in (401, 403):
        return "no permission to read it"
    words = scrubbed(" ".join(str(error).split()), url.whole)
    return f"cannot be read: {words or type(error).__name__}"
