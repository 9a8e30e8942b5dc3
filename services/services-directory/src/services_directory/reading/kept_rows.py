"""Rows of questions that were asked before, kept by the moment of the newest change.

A directory changes some times an hour and is asked the same thing by many: the services of a need in a town,
page after page, by every partner's system. What was found is given again only after the database has
said, for this very request, that nothing changed since.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 16 * 2**20
MOST_QUESTIONS = 4_096
_OF_A_ROW = 400
"""Bytes that a row takes beside its stored bodies, roughly."""


@dataclass(slots=True)
class _Kept:
    """`newest` is None until the question comes a second time."""

    newest: str | None = None
    made: Any = None
    size: int = 0


class KeptRows:
    """The questions that came last, and what was found for those that came more than once."""

    def __init__(self, most_bytes: int = MOST_BYTES, most: int = MOST_QUESTIONS) -> None:
        self._most_bytes, self._most = most_bytes, most
        self._questions: OrderedDict[bytes, _Kept] = OrderedDict()
        self.size = 0

    def asked_before(self, question: bytes) -> bool:
        """Whether it is worth keeping: a question that comes once would only push others out."""
        if question in self._questions:
            self._questions.move_to_end(question)
            return True
        self._questions[question] = _Kept()
        self._bound()
        return False

    def holds(self, question: bytes) -> bool:
        found = self._questions.get(question)
        return found is not None and found.newest is not None

    def get(self, question: bytes, newest: str) -> Any:
        """What was made of what was found; None if something changed since, and then it is forgotten."""
        found = self._questions.get(question)
        if found is None or found.newest is None:
            return None
        if found.newest != newest:
            self._empty(found)
            return None
        return found.made

    def keep(self, question: bytes, newest: str, made: Any, size: int) -> None:
        """`made`: of what was found, given again as it is; `size`: the bytes that it may come to take."""
        found = self._questions.get(question)
        if found is None or size > self._most_bytes // 4:
            return
        self._empty(found)
        found.newest, found.made, found.size = newest, made, size
        self.size += size
        self._bound()

    def forget_all(self) -> None:
        self._questions.clear()
        self.size = 0

    def _empty(self, kept: _Kept) -> None:
        self.size -= kept.size
        kept.newest, kept.made, kept.size = None, None, 0

    def _bound(self) -> None:
        while self.size > self._most_bytes or len(self._questions) > self._most:
            _, oldest = self._questions.popitem(last=False)
            self.size -= oldest.size


def settled(newest: str | None, oldest_running: str) -> str | None:
    """The moment under which rows and totals may be kept, or None while a writer older than the newest change is
    running: its change would not raise the newest."""
    if newest is None:
        return "none"
    return newest if int(newest) < int(oldest_running) else None


def size_of(rows: Sequence[Any]) -> int:
    """The bytes that rows take, roughly."""
    bodies = (value for row in rows for value in row.values() if isinstance(value, bytes))
    return _OF_A_ROW * len(rows) + sum(map(len, bodies))
