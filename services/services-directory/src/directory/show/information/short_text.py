"""Text messages: their length, and how to split a text. Pure. The GSM 7-bit alphabet (3GPP TS 23.038) has é, ñ and ü
but not á, í, ó, ú. A single character outside the alphabet halves the length of the whole message, so those four lose
their accent."""

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
    """Return the text in the GSM alphabet; other characters lose their accent or are dropped."""
    return "".join(_plain(character) for character in unicodedata.normalize("NFC", text))


def _plain(character: str) -> str:
    if character in _GSM:
        return character
    if character in _INSTEAD:
        return _INSTEAD[character]
    base = unicodedata.normalize("NFKD", character)[0]
    return base if base in _GSM else ""


def messages(text: str, most: int = 3) -> list[str]:
    """Return the text as at most `most` messages, split at spaces. If text is missing, the last message says so."""
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
