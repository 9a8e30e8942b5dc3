"""The language of a response."""

import pytest
from common.words.languages import page_language, preferred


@pytest.mark.parametrize(
    ("header", "codes"),
    [
        (None, []),
        ("", []),
        ("*", []),
        ("es-VE,es;q=0.9,en;q=0.8", ["es", "es", "en"]),
        ("en;q=0.2, wba ; q=0.9, ES", ["es", "wba", "en"]),
        ("en;q=0, es;q=0.1", ["es"]),
        ("en;q=much, es", ["es"]),
        ("x-klingon, e5, english, en", ["en"]),
    ],
)
def test_what_is_preferred_comes_first(header: str | None, codes: list[str]) -> None:
    assert preferred(header) == codes


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        (None, None, "es"),
        ("en", "es", "en"),
        ("pt", "en-US,en;q=0.9", "en"),
        ("pt-BR en-GB", "es", "en"),
        ("nonsense", None, "es"),
        (None, "es;q=0.3,en;q=0.7", "en"),
        (None, "pt,en;q=0.5,es;q=0.4", "en"),
        (None, "en;q=0,pt", "es"),
    ],
)
def test_a_page_is_in_what_was_asked_for_then_in_what_the_browser_prefers(
    asked: str | None, accepted: str | None, language: str
) -> None:
    assert page_language(asked, accepted) == language
