"""Signs that a report was not written by a person in need. Pure.

A sign never refuses anything: the report is kept and put apart, and a person looks at it. Nothing
here knows who sends: no address, no cookie, no puzzle that tracks.
"""

import re
from datetime import datetime, timedelta

QUICKEST = timedelta(seconds=3)
SAME_TEXT_WITHIN = timedelta(days=2)
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
_MOST_LINKS = 2
_LONG_ENOUGH = 40


def signs(
    text: str, *, trap: str, issued_at: datetime, now: datetime, same_text_before: bool
) -> list[str]:
    """Codes of what is odd, in a fixed order; `trap` is a field that people cannot see."""
    found = {
        "trap_filled": bool(trap.strip()),
        "too_quick": now - issued_at < QUICKEST,
        "many_links": len(_LINK.findall(text)) > _MOST_LINKS,
        # Many people may write no more than "help".
        "same_text": same_text_before and len(text) >= _LONG_ENOUGH,
    }
    return [code for code, odd in found.items() if odd]
