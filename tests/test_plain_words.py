"""Pages and texts follow the part of CONTRIBUTING's checklist that a program can check."""

import re
from pathlib import Path

import pytest

from tests.support.reference import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
]
TEXTS = [
    *ROOT.glob("*/src/**/texts.json"),
    *ROOT.glob("services/*/src/**/texts.json"),
    *ROOT.glob("services/*/src/**/languages/en/*.po"),
    ROOT / "libs/common/src/common/words/data/details.csv",
]
LONGEST = 45
"""Words of a sentence. Twenty are the rule; a list of parts may need more."""
_WITHOUT_NOUN = re.compile(
    r"\b(whoever|that which|the former one|the latter|asked anew|has its turn|stands beneath)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"```.*?```|`[^`]*`|\"[^\"]*\"|\([^()]*\)", re.DOTALL)


def prose(page: Path) -> str:
    """Return the page without code, quotations, links, tables and titles."""
    lines = _QUOTED.sub("", page.read_text(encoding="utf-8")).splitlines()
    return "\n".join(line for line in lines if not line.startswith(("|", "#")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_things_by_nouns(page: Path) -> None:
    text = _QUOTED.sub("", page.read_text(encoding="utf-8"))
    assert _WITHOUT_NOUN.findall(text) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_no_endless_sentence(page: Path) -> None:
    sentences = re.split(r"(?<=[.!?:;])\s+|\n\n|\n *(?:-|\d\.) ", prose(page))
    assert [one for one in sentences if len(one.split()) > LONGEST] == []


def test_texts_for_people_name_things_by_nouns() -> None:
    assert len(TEXTS) > 12
    found = {
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in TEXTS
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.startswith(("#", "msgid")) and _WITHOUT_NOUN.search(line)
    }
    assert found == set()
