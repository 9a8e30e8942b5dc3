"""Signs that nobody sees and that turn the order of what follows: a number behind them is read another way than it is
dialled. They come along with what is copied from a message.

What joins letters or keeps them apart (U+200C, U+200D) is part of names, of words and of emoji, and stays; so do
the marks of one direction (U+200E, U+200F), which turn nothing but what has no direction of its own.

Whoever typed into a page, or sends a form of somebody else's, cannot see them: they are left out there. A system that
sends them to the API is told where they are (`common.http.Strict`).
"""

import re

TURNING = r"\u202a-\u202e\u2066-\u2069"
"""For a class of characters in a pattern."""
_TURNING = re.compile(f"[{TURNING}]")


def turns(text: str) -> bool:
    return _TURNING.search(text) is not None


def without_turning(text: str) -> str:
    return _TURNING.sub("", text)
