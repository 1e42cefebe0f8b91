"""Where a picture lies: a path of this machine, or a URL, which a `pathlib.Path` cannot hold: it makes ``/`` of ``//``.

A URL is a scheme of two letters or more, ``://``, and names divided by ``/``; so ``C:/photos`` is none. Names stand in
it as they are: nothing is decoded, but for servers (``http``, ``https``), which do it themselves. Nothing here opens
anything: see `fingerprint.images.remote`, which refuses URLs that are made of several by ``::``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

#: The scheme of a URL; before it there may be others, of a URL that is made of several: ``simplecache::s3://``.
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*::)*([A-Za-z][A-Za-z0-9+.-]+)://")
_PARAMETERS = re.compile("[?#]")
_END_OF_HOST = re.compile("[/?#]")
_PORT = re.compile(r".*:[0-9]{0,5}|\[[^\]]*\]")
_LEFT_OVER = re.compile(r"[?&]+(?=#|$)")
_LONG_ENOUGH = 4  # characters of a user or a password, to be looked for by itself in a message
_SERVERS = ("http", "https")
_LOCAL = ("file", "local")
#: Schemes of which a URL begins with a bucket: it has no port, and the packages take no credentials from it.
BUCKET_SCHEMES = ("s3", "s3a", "gs", "gcs")
#: Names of parameters of a signed URL that let the one who has them read what it names.
_SECRET = re.compile(r"sig|token|credential|secret|passw|auth|accesskey|api_?key|^key$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Url(os.PathLike[str]):
    """A URL, with what the package asks of a `pathlib.Path`.

    Its text, also as ``os.fspath`` gives it, is without credentials; only `whole` has them.

    Attributes
    ----------
    whole : str
        As it was given.
    """

    whole: str

    def __str__(self) -> str:
        return without_credentials(self.whole)

    def __repr__(self) -> str:
        return f"Url({str(self)!r})"

    def __fspath__(self) -> str:
        return str(self)

    def __truediv__(self, name: str) -> Url:
        """Return the URL of a name in the folder that this one names."""
        scheme, names = _split(self.whole)
        return Url(f"{scheme}://{names.rstrip('/')}/{name}")

    @property
    def scheme(self) -> str:
        """What is before ``://``, in lower case."""
        return _split(self.whole)[0].lower()

    @property
    def name(self) -> str:
        """The last name; without the parameters for a server."""
        return _split(self.whole)[1].rstrip("/").rpartition("/")[2] or _split(self.whole)[1].rstrip("/")

    @property
    def suffix(self) -> str:
        """The ending of the last name, as ``.jpg``; nothing for a folder, whose URL ends with ``/``."""
        return "" if _split(self.whole)[1].endswith("/") else PurePosixPath(self.name).suffix

    @property
    def parent(self) -> Url:
        """The URL of the folder that the last name is in."""
        scheme, names = _split(self.whole)
        return Url(f"{scheme}://{names.rstrip('/').rpartition('/')[0]}")

    @property
    def parts(self) -> tuple[str, ...]:
        """The names, by which URLs are in the order of paths."""
        return tuple(str(self).split("/"))

    @property
    def local(self) -> Path | None:
        """The path of this machine that a URL of a file names; None for others."""
        found = local_name(str(self))
        return None if found == str(self) else Path(found)

    def absolute(self) -> Url:
        """Return the same: a URL begins nowhere else."""
        return self

    def relative_to(self, folder: str | os.PathLike[str]) -> PurePosixPath:
        """Return the names after those of a folder.

        Raises
        ------
        ValueError
            If it is not in that folder.
        """
        other = location(without_credentials(os.fspath(folder)))
        scheme, names = _split(str(self))
        start = _split(other.whole)[1].strip("/") if isinstance(other, Url) and other.scheme == scheme.lower() else None
        inner = names.strip("/")
        if start is None or (start and inner != start and not inner.startswith(f"{start}/")):
            raise ValueError(f"{self} is not in {other}")
        return PurePosixPath(inner[len(start) :].lstrip("/"))

    def is_dir(self) -> bool:
        """Return whether it is a folder of this machine, or ends with ``/``, which the URL of a folder does."""
        return _split(self.whole)[1].endswith("/") if self.local is None else self.local.is_dir()

    def is_file(self) -> bool:
        """Return whether it is a file of this machine; whether there are others is known when they are read."""
        return self.local is not None and self.local.is_file()

    def is_symlink(self) -> bool:
        """Return whether it is a link of this machine."""
        return self.local is not None and self.local.is_symlink()


#: Where a picture lies.
Location: TypeAlias = Path | Url


def is_url(text: str) -> bool:
    """Return whether a text is a URL.

    Examples
    --------
    >>> is_url("s3://bucket/a.jpg"), is_url("C:/a.jpg"), is_url("photos//a.jpg")
    (True, False, False)
    """
    return _SCHEME.match(text) is not None


def location(given: str | os.PathLike[str]) -> Location:
    """Return the path or the URL that a text is.

    Examples
    --------
    >>> location("memory://photos/a.jpg").name, location("photos//a.jpg").name
    ('a.jpg', 'a.jpg')
    """
    if isinstance(given, Url):
        return given
    return Url(given) if isinstance(given, str) and is_url(given) else Path(given)


def local_name(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """Return the path that the URL of a file of this machine names; anything else as it is.

    Examples
    --------
    >>> local_name("file:///photos/a.jpg"), local_name("s3://photos/a.jpg")
    ('/photos/a.jpg', 's3://photos/a.jpg')
    """
    text = os.fspath(path)
    found = _SCHEME.match(text)
    is_local = found is not None and found.start(1) == 0 and found[1].lower() in _LOCAL
    return text[found.end() :] if found is not None and is_local else path


def without_credentials(text: str) -> str:
    """Return a URL without user and password, and without what signs it; any other text as it is.

    Examples
    --------
    >>> without_credentials("https://user:password@host/a.jpg?width=9&X-Amz-Signature=ab")
    'https://host/a.jpg?width=9'
    """
    shown = text
    for secret in _secrets(text):
        shown = shown.replace(secret, "", 1)
    return shown if shown == text else _LEFT_OVER.sub("", shown)


def scrubbed(message: str, url: str) -> str:
    """Return a message of another package about a URL without the credentials in that."""
    for secret in _secrets(url):
        words = secret.rstrip("@&")
        values = words.split(":", 1) if secret.endswith("@") else [words.partition("=")[2]]
        hidden = [secret, words, *(value for value in values if len(value) >= _LONG_ENOUGH)]
        for word in (*hidden, *map(_unquoted, hidden)):
            message = message.replace(word, "")
    return message


def _unquoted(text: str) -> str:
    """Return a text with ``%2F`` and the like as the characters that they stand for."""
    quoted = re.compile("(?:%[0-9A-Fa-f]{2})+")
    return quoted.sub(lambda found: bytes.fromhex(found[0].replace("%", "")).decode(errors="replace"), text)


def _split(url: str) -> tuple[str, str]:
    """Return the scheme of a URL, and its host and names without the parameters for a server."""
    scheme, _, names = url.partition("://")
    return scheme, _PARAMETERS.split(names, maxsplit=1)[0] if scheme.lower() in _SERVERS else names


def _secrets(text: str) -> Iterator[str]:
    """Yield the parts of a URL that are credentials."""
    found = _SCHEME.match(text)
    if found is None:
        return
    rest = text[found.end() :]
    host = _END_OF_HOST.split(rest, maxsplit=1)[0]
    user, at, _ = host.rpartition("@")
    if at:  # without a password it may be needed, as the container in ``abfs://container@account``
        if ":" in user or found[1].lower() in _SERVERS:
            yield user + at
    elif ":" in host and "@" in rest and (found[1].lower() in BUCKET_SCHEMES or not _PORT.fullmatch(host)):
        yield rest.partition("@")[0] + "@"  # a password with a ``/`` in it
    for parameter in re.findall(r"[^?&#]+&?", _parameters(text)):
        if _SECRET.search(parameter.partition("=")[0]):
            yield parameter


def _parameters(text: str) -> str:
    """Return the parameters of a URL, with the ``?`` before them."""
    return text[text.index("?") :].partition("#")[0] if "?" in text else ""
