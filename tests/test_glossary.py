"""What a person reads keeps to the glossary: docs/glossary.md names the words that are not used."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_READ_BY_PEOPLE = re.compile(
    r"(libs|services|gateway)/.*src/.*\.(csv|json|toml|html|j2|po|typ|es\.md)|docs/.*\.md|README\.md"
)
# What people may type, and the page that names the words.
_SYNONYMS = frozenset(
    {
        "docs/glossary.md",
        "services/services-directory/src/services_directory/search/data/thesaurus.csv",
        "services/reporting/src/reporting/activities/data/terms.csv",
    }
)


def ruled_out() -> list[str]:
    rows = (ROOT / "docs/glossary.md").read_text("utf-8").splitlines()
    cells = [row.strip("| ").split("|") for row in rows if row.startswith("| ")]
    return [word.strip() for row in cells[1:] for word in row[3].split(",")]


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


def test_both_languages_name_every_thing() -> None:
    rows = (ROOT / "docs/glossary.md").read_text("utf-8").splitlines()
    for row in [row for row in rows if row.startswith("| ")]:
        english, spanish, meaning, _ = (cell.strip() for cell in row.strip("|").split("|"))
        assert english
        assert spanish
        assert " · " in meaning
