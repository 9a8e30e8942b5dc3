"""Invisible characters that reverse the order of the following text. They may be part of text that was copied from a
message. A number after them is displayed in a different order from the one that is dialled.

Characters that join or separate letters (U+200C, U+200D) remain, because they are part of names, words and emoji.
Directional marks (U+200E, U+200F) also remain, because they affect only neutral characters.

People cannot see these characters in a form, so pages remove them. The API refuses them and reports their position
(`common.http.Strict`).
"""

import re

TURNING = r"\u202a-\u202e\u2066-\u2069"
"""The body of a character class in a pattern."""
_TURNING = re.compile(f"[{TURNING}]")


def turns(text: str) -> bool:
    return _TURNING.search(text) is not None


def without_turning(text: str) -> str:
    return _TURNING.sub("", text)
