"""Words, names, numbers and dates, drawn at random: any number of texts that read like texts."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import cache

import numpy as np

from fingerprint.edits.graphics.faces import Face
from fingerprint.edits.graphics.families import Rng

_COMMON_TEXT = (
    "the of and to in is that for it as was with be by on not he his but at are this have from or had an they which "
    "one you were her all she there would their we him been has when who will more no if out so said what up its "
    "about into than them can only other new some could time these two may then do first any my now such like our "
    "over man me even most made after also did many before must through back years where much your way well down "
    "should because each just those people how too little state good very make world still own see men work long "
    "get here between both life being under never day same another know while last might us great old year off "
    "come since against go came right used take three house water city light school table paper river order field"
)
_COMMON = tuple(_COMMON_TEXT.split())
_SHARES = 1 / (np.arange(len(_COMMON)) + 6.0)
_CUMULATED = np.cumsum(_SHARES / _SHARES.sum())
_ONSETS = "b br c ch cl d dr f fl g gr h j k l m n p pl pr qu r s sc sh sl st t th tr v w z"
_VOWELS = "a e i o u a e i o ai ea ee ou"
_CODAS = ("", "", "", "n", "r", "l", "s", "t", "m", "nd", "st", "ck", "x", "ng")
_FIRST_NAMES = (
    "Anna Ben Clara David Emma Felix Greta Hugo Ida Jan Kim Lena Max Nora Otto Paula Quinn Rosa Sam Tina Ugo Vera Will "
    "Yara Zoe Ali Mei Ivan Olga Pablo Ines Marta Noah Lucy Tom Aisha Raj Yuki Leo Sara"
)
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


def pick(rng: Rng, values: Sequence[str]) -> str:
    """Return one of some texts, or one of the words of a text."""
    choices = _words_in(values) if isinstance(values, str) else values
    return choices[int(rng.integers(len(choices)))]


@cache
def _words_in(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def made_word(rng: Rng, syllables: int | None = None) -> str:
    """Make up a word of one to four syllables."""
    count = syllables or int(rng.integers(1, 5))
    return "".join(pick(rng, _ONSETS) + pick(rng, _VOWELS) for _ in range(count)) + pick(rng, _CODAS)


def word(rng: Rng) -> str:
    """Return a common word, or in one of three cases a made-up one."""
    if rng.random() < 0.33:
        return made_word(rng, int(rng.integers(2, 4)))
    return _COMMON[min(int(np.searchsorted(_CUMULATED, rng.random())), len(_COMMON) - 1)]


def words(rng: Rng, low: int, high: int) -> str:
    """Return `low` to `high` words."""
    return " ".join(word(rng) for _ in range(int(rng.integers(low, high + 1))))


def title(rng: Rng, low: int = 1, high: int = 4) -> str:
    """Return a few words with capitals."""
    return " ".join(
        made_word(rng) if rng.random() < 0.4 else word(rng) for _ in range(int(rng.integers(low, high + 1)))
    ).title()


def slogan(rng: Rng, low: int = 2, high: int = 5) -> str:
    """Return a few words in capitals."""
    return words(rng, low, high).upper()


def person(rng: Rng) -> str:
    """Return a first name and a family name."""
    return f"{pick(rng, _FIRST_NAMES)} {made_word(rng, int(rng.integers(1, 4))).title()}"


def handle(rng: Rng) -> str:
    """Return a name as accounts have it."""
    ending = str(int(rng.integers(100))) if rng.random() < 0.5 else f"_{made_word(rng, 1)}"
    return f"@{made_word(rng, 2)}{ending}"


def domain(rng: Rng) -> str:
    """Return the address of a site."""
    return f"www.{made_word(rng, int(rng.integers(2, 4)))}.{pick(rng, 'com org net io shop info')}"


def digits(rng: Rng, count: int) -> str:
    """Return digits."""
    return "".join(str(digit) for digit in rng.integers(0, 10, count))


def amount(rng: Rng, most: float = 500) -> str:
    """Return an amount of money, without a currency."""
    return f"{float(rng.uniform(0.5, most)):,.2f}"


def clock(rng: Rng) -> str:
    """Return a time of day."""
    return f"{int(rng.integers(24)):02d}:{int(rng.integers(60)):02d}"


def date(rng: Rng) -> str:
    """Return a date."""
    return f"{int(rng.integers(1, 29))} {pick(rng, MONTHS)[:3]} {int(rng.integers(1990, 2030))}"


def phone(rng: Rng) -> str:
    """Return a telephone number."""
    return f"0{digits(rng, 3)} {digits(rng, 3)} {digits(rng, 4)}"


def wrapped(text: str, n_lines: int) -> list[str]:
    """Return a text in at most `n_lines` lines of about the same length."""
    return textwrap.wrap(text, max(8, -(-len(text) // n_lines) + 4))


def filled(rng: Rng, face: Face, size: float, width: float, n_lines: int, *, ragged: float = 0.0) -> list[str]:
    """Return lines of running text that fill a column.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    face, size : Face and float
        The text's face, and its size in pixels.
    width : float
        Width of the column in pixels.
    n_lines : int
        Number of lines.
    ragged : float
        Chance that a paragraph ends after a line.

    Returns
    -------
    list of str
        As many lines as asked for; sentences begin with a capital and end with a stop.
    """
    lines: list[str] = []
    blank = face.measure(" ", size)
    begins = True
    pending = ""
    while len(lines) < n_lines:
        line, used = pending, face.measure(pending, size) if pending else 0.0
        while True:
            new = word(rng)
            new, begins = (new.title() if begins else new), False
            if rng.random() < 0.1:
                new, begins = f"{new}.", True
            elif rng.random() < 0.06:
                new += ","
            length = face.measure(new, size)
            if used + blank + length > width:
                break
            line, used = f"{line} {new}" if line else new, used + blank + length
        pending = new
        lines.append(line or new[:3])
        if rng.random() < ragged:
            cut = lines[-1].split()
            lines[-1] = " ".join(cut[: max(1, len(cut) // 2)]).rstrip(".,") + "."
            pending, begins = "", True
    return lines
