r"""Names of files and pictures as text that a terminal shows safely and that is read back unchanged.

Most names are written as they are, also with the narrow spaces that macOS puts into the names of screenshots. A name
that holds a control character, a line separator, a sign that reverses the direction of the text around it, or bytes
that are no text is written as a JSON string: ``"a\nb.jpg"``, in quotation marks and with escapes.
"""

from __future__ import annotations

import re
import unicodedata

#: Signs that override the direction of other text. Marks of direction are not among them: they stand in honest names.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", '"': '\\"', "\\": "\\\\"}
_LONG = {short: sign for sign, short in _SHORT.items()}
_ESCAPE = re.compile(r'\\(?:u[0-9a-f]{4}|[nrtbf"\\])')


def is_safe(text: str) -> bool:
    """Return whether a text holds nothing that a terminal or a reader of lines could misunderstand."""
    return text.isprintable() or not any(map(_unsafe, text))


def escaped(text: str) -> str:
    r"""Return a message as one line for a terminal: what is not safe becomes an escape such as ``\n`` or ``\udcff``.

    The escapes cannot be read back, as a backslash is left as it is.

    Examples
    --------
    >>> print(escaped("no picture: a\nb.jpg"))
    no picture: a\nb.jpg
    """
    if is_safe(text):
        return text
    return "".join(_SHORT.get(sign, f"\\u{ord(sign):04x}") if _unsafe(sign) else sign for sign in text)


def written_name(name: str) -> str:
    r"""Return a name as it is if that is safe, else as a JSON string; `read_name` reads both.

    Examples
    --------
    >>> print(written_name("10.15 PM.jpg"), written_name("a\nb.jpg"))
    10.15 PM.jpg "a\nb.jpg"
    """
    if is_safe(name) and (name[:1] != '"' or read_name(name) == name):
        return name
    return '"' + "".join(_written(sign) for sign in name) + '"'


def read_name(text: str) -> str:
    r"""Return the name that `written_name` has written; any other text is returned as it is.

    Examples
    --------
    >>> read_name('"a\\nb.jpg"'), read_name('"quoted" for no reason')
    ('a\nb.jpg', '"quoted" for no reason')
    """
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    name = _ESCAPE.sub(_read, text[1:-1])
    needed = not is_safe(name) or (name[:1] == '"' and read_name(name) != name)
    return name if needed and '"' + "".join(map(_written, name)) + '"' == text else text


def _unsafe(sign: str) -> bool:
    return unicodedata.category(sign) in _UNSAFE_CATEGORIES or sign in _TURNING


def _written(sign: str) -> str:
    return _SHORT.get(sign) or (f"\\u{ord(sign):04x}" if _unsafe(sign) else sign)


def _read(found: re.Match[str]) -> str:
    return _LONG.get(found[0]) or chr(int(found[0][2:], 16))
