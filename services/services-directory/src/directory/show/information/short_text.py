"""Text messages: what fits, and how a text is cut into them. Pure.

The GSM 7-bit alphabet (3GPP TS 23.038) has é, ñ and ü but not á, í, ó, ú; one character outside it
halves the room of the whole message. So those are written without accent.
"""

import unicodedata

ONE, PART = 160, 153
"""Characters of a single message, and of one of several."""
_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_INSTEAD = {"–": "-", "—": "-", "«": '"', "»": '"', "“": '"', "”": '"', "’": "'", "…": "...",
            "·": "-", "\u00a0": " ", "[": "(", "]": ")"}  # fmt: skip


def plain(text: str) -> str:
    """The text in the GSM alphabet; what has no letter there loses its accent or is dropped."""
    return "".join(_plain(character) for character in unicodedata.normalize("NFC", text))


def _plain(character: str) -> str:
    if character in _GSM:
        return character
    if character in _INSTEAD:
        return _INSTEAD[character]
    base = unicodedata.normalize("NFKD", character)[0]
    return base if base in _GSM else ""


def messages(text: str, most: int = 3) -> list[str]:
    """The text as at most that many messages, cut at spaces; the last one says if more was there."""
    words, short = plain(text).split(), " ".join(plain(text).split())
    if len(short) <= ONE:
        return [short] if short else []
    parts, current = [], ""
    for word in words:
        piece = word[:PART]
        if current and len(current) + 1 + len(piece) > PART:
            parts.append(current)
            current = piece
        else:
            current = f"{current} {piece}".strip()
    parts.append(current)
    if len(parts) > most:
        parts = parts[:most]
        parts[-1] = parts[-1][: PART - 3].rstrip() + "..."
    return parts
