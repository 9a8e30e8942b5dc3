"""The page languages, and the choice between them: the requested language first, then the browser's preference.
Pure."""

from functools import lru_cache
from typing import Literal, TypeGuard, get_args

PageLanguage = Literal["es", "en"]
LANGUAGES: tuple[str, ...] = get_args(PageLanguage)
FURTHER = tuple(code for code in LANGUAGES if code not in {"es", "en"})
"""Languages besides those in tables and modules; their texts are the catalogues `languages/CODE/*.po` of each
package."""


def preferred(header: str | None) -> list[str]:
    """Return the codes (two or three letters) of an Accept-Language header by descending weight, except those of weight
    0."""
    weighted: list[tuple[float, str]] = []
    for part in (header or "").split(","):
        name, _, weight = part.replace(" ", "").partition(";q=")
        code = name.split("-")[0].lower()
        try:
            value = float(weight or 1)
        except ValueError:
            continue
        if code.isalpha() and len(code) in {2, 3} and value > 0:
            weighted.append((value, code))
    return [code for _, code in sorted(weighted, key=lambda each: -each[0])]


@lru_cache(maxsize=256)
def page_language(asked: str | None, accept_language: str | None) -> PageLanguage:
    """Return the first available language out of those requested (`es`, or `en-GB es`) and those the browser prefers.
    The default is Spanish."""
    for code in (*preferred((asked or "").replace(" ", ",")), *preferred(accept_language)):
        if _is_read(code):
            return code
    return "es"


def next_language(language: str) -> str:
    """Return the language to which a page offers to switch. Repeated switching reaches all languages."""
    return LANGUAGES[(LANGUAGES.index(page_language(language, None)) + 1) % len(LANGUAGES)]


def _is_read(code: str) -> TypeGuard[PageLanguage]:
    return code in LANGUAGES
