"""The glossary is in order, its words are in use, and the words that it retires are not."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
RETIRED_HEADING = "## Words we do not use"
#: Retired words that have no other meaning here; the glossary's table also has some that are right elsewhere.
RETIRED_WORDS = frozenset({"anew", "assured", "thereof", "told", "visit", "visits", "whoever"})
RETIRED_NAMES = frozenset({"StoreReader", "VERSIONS", "VectorAccess", "measure_background", "n_assured", "visit_words"})


def without_history(path: Path) -> bool:
    """Return whether a page is written for today; decisions keep the words of their time."""
    return not {"decisions", "_build"} & set(path.parts)


def current_files() -> list[Path]:
    """Return all code and all pages that the glossary rules, itself included."""
    code = (ROOT / "fingerprint").rglob("*.py")
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    return sorted([*code, *(page for page in pages if page.exists() and without_history(page))])


def text_of(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return text.split(RETIRED_HEADING)[0] if path == GLOSSARY else text


def headwords() -> list[str]:
    return re.findall(r"^\*\*(.+?)\*\*", text_of(GLOSSARY), re.MULTILINE)


def words_of(text: str) -> str:
    """Return a text as words between single blanks, identifiers taken apart: ``n_words`` and ``WordTables`` too."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    words = re.findall(r"[^\W_]+", apart)
    return f" {' '.join(words).casefold()} "


def inflections(headword: str) -> str:
    """Return a pattern for a headword: its last word in any form that is regular."""
    words = words_of(headword).strip()
    stem = re.sub(r"(?<=[a-z]{3})e$", "", words)
    ending = "(?:e|ed|es|ing)" if stem != words else "(?:s|es|ed|ing)?"
    return f" {re.escape(stem)}{ending} "


def test_entries_are_in_alphabetical_order_and_unique() -> None:
    found = headwords()
    assert len(found) > 60
    assert found == sorted(found, key=str.casefold)
    assert len({word.casefold() for word in found}) == len(found)


def test_every_entry_says_something() -> None:
    body = text_of(GLOSSARY).split("\n\n")
    entries = [part for part in body if part.startswith("**")]
    assert [part for part in entries if not re.match(r"\*\*.+?\*\*(?: \([^)]+\))? — \S", part)] == []
    assert len(entries) == len(headwords())


def test_every_headword_is_used_outside_the_glossary() -> None:
    files = [path for path in current_files() if path != GLOSSARY and path != ROOT / "README.md"]
    used = words_of("\n".join(text_of(path) for path in files))
    assert [word for word in headwords() if not re.search(inflections(word), used)] == []


def test_words_have_the_inflections_that_are_looked_for() -> None:
    for headword, text in [("frame", "framed"), ("edit", "edits"), ("publish", "published"), ("row", "row_ids")]:
        assert re.search(inflections(headword), words_of(text))
    assert re.search(inflections("word assignment"), words_of("WordAssignments"))
    assert not re.search(inflections("cue"), words_of("current"))


def test_retired_words_are_in_the_glossary() -> None:
    table = GLOSSARY.read_text(encoding="utf-8").split(RETIRED_HEADING)[1]
    listed = words_of(" ".join(re.findall(r"^\|([^|]+)\|", table, re.MULTILINE)))
    assert [word for word in sorted(RETIRED_WORDS) if f" {word} " not in listed] == []
    assert not RETIRED_WORDS & {word.casefold() for word in headwords()}


def test_retired_words_and_names_are_not_used() -> None:
    found = []
    for path in current_files():
        for number, line in enumerate(text_of(path).splitlines(), start=1):
            words = RETIRED_WORDS & set(words_of(line).split())
            names = RETIRED_NAMES & set(re.findall(r"\w+", line))
            found += [f"{path.relative_to(ROOT)}:{number}: {word}" for word in sorted(words | names)]
    assert found == [], "\n".join(["docs/glossary.md says what to use instead:", *found])
