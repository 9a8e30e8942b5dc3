"""Finds unsourced numbers in typed texts: only adjacent numbers and dates are allowed. Pure."""

import re
from collections.abc import Iterable, Iterator

from common.words.conventions import month_names

CONTACT = re.compile(r"\S+@\S+|https?://\S+|\+?\d[\d ().-]{5,}\d")


def loose_numbers(
    text: str, language: str, *, written: Iterable[str] = (), contacts: bool = False
) -> list[tuple[int, str]]:
    """Return each unsourced number with its position from 0. Skip numbers in `written` (exactly as printed, with the
    interval), dates with the month in words and, with `contacts`, telephone numbers and addresses."""
    longest_first = sorted(set(written), key=len, reverse=True)
    patterns = [
        *([CONTACT] if contacts else []),
        *(_as_typed(each) for each in longest_first if any(sign.isnumeric() for sign in each)),
        _date(language),
    ]
    for pattern in patterns:
        text = pattern.sub(lambda match: " " * len(match.group()), text)
    return list(_runs(text))


def _runs(text: str) -> Iterator[tuple[int, str]]:
    for match in re.finditer(r"[^\s;:!?()\[\]«»\"]+", text):
        if any(sign.isnumeric() for sign in match.group()):
            yield match.start(), match.group()


def _as_typed(written: str) -> re.Pattern[str]:
    """Return a pattern that matches the number with any spaces and dashes, but not inside another number."""
    parts = (
        "[-–]" if sign in "-–" else r"\s*" if sign.isspace() else re.escape(sign)
        for sign in written
    )
    return re.compile(r"(?<![\w.,–-])" + "".join(parts) + r"(?![\w%]|[.,–-]\w| ?\(\d)")


def _date(language: str) -> re.Pattern[str]:
    months = "|".join(month_names(language))
    return re.compile(
        rf"(?<!\w)(?:\d{{1,2}} (?:de )?)?(?:{months})(?: (?:de )?\d{{4}})?(?!\w)", re.IGNORECASE
    )
