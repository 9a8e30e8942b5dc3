"""Texts for people follow docs/glossary.md, which lists words to avoid."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_READ_BY_PEOPLE = re.compile(
    r"(libs|services|gateway)/.*src/.*\.(csv|json|toml|html|j2|po|typ|es\.md)|docs/.*\.md|README\.md"
)
# Words that people may type, and the pages that list those words.
_SYNONYMS = frozenset(
    {
        "docs/glossary.md",
        "docs/glossary.es.md",
        "services/services-directory/src/directory/find/search/data/thesaurus.csv",
        "services/reporting/src/reporting/count/activities/data/terms.csv",
    }
)


def rows(page: str) -> list[list[str]]:
    """Return each term: its name in both languages, its meaning, and the words to avoid."""
    lines = (ROOT / "docs" / page).read_text("utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if len(row) == 4 and not row[0].startswith("---")][1:]


def ruled_out() -> list[str]:
    return [word.strip() for row in rows("glossary.md") for word in row[3].split(",")]


def catalogues() -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for name in listed.splitlines():
        if _READ_BY_PEOPLE.fullmatch(name) and name not in _SYNONYMS:
            yield ROOT / name


def test_catalogues_use_no_word_that_the_glossary_rules_out() -> None:
    words = ruled_out()
    assert len(words) > 15
    asked = re.compile(rf"\b({'|'.join(map(re.escape, words))})\b", re.IGNORECASE)
    read = list(catalogues())
    assert len(read) > 50
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in read
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (match := asked.search(line))
    ]
    assert found == []


def test_both_pages_say_of_the_same_things_what_they_are() -> None:
    english, spanish = rows("glossary.md"), rows("glossary.es.md")
    assert [(word, palabra, words) for word, palabra, _, words in english] == [
        (word, palabra, words) for palabra, word, _, words in spanish
    ]
    assert all(cell for row in english + spanish for cell in row)
    meanings = [row[2] for row in english + spanish]
    assert len(set(meanings)) == len(meanings), "each in the language of its page"
