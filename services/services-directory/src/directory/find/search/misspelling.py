"""A word as it was probably meant: pure, and bounded by the length of words and of the vocabulary."""

from collections.abc import Collection


def nearest(word: str, vocabulary: Collection[str]) -> str | None:
    """The one word that is a slip or two away; None if there is none, or the word is too short."""
    allowed = 0 if len(word) < 5 else 1 if len(word) < 8 else 2
    if not allowed or len(word) > 30:
        return None
    first = word.removeprefix("h")[:1]
    found = [
        (slips, other)
        for other in vocabulary
        if len(other) > 3
        and abs(len(other) - len(word)) <= allowed
        and other.removeprefix("h")[:1] == first
        and (slips := _slips(word, other)) <= allowed
    ]
    return min(found)[1] if found else None


def _slips(one: str, other: str) -> int:
    """Letters left out, put in, taken for another or exchanged with the next (optimal string
    alignment)."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before, last = last, row
    return last[-1]
