"""Which language somebody is answered in: what they ask for, before what their browser prefers. Pure."""

from typing import Literal

PageLanguage = Literal["es", "en"]


def preferred(header: str | None) -> list[str]:
    """The codes (two or three letters) of an Accept-Language, the most wanted first; those that are
    refused by a weight of 0 are left out."""
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


def page_language(asked: str | None, accept_language: str | None) -> PageLanguage:
    """The language of a page: of those asked for (`es`, or `en-GB es`), else of those preferred, the
    first that pages exist in; Spanish where none is named."""
    for code in (*preferred((asked or "").replace(" ", ",")), *preferred(accept_language)):
        if code in ("es", "en"):
            return "en" if code == "en" else "es"
    return "es"
