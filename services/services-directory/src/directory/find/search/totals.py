"""How many entries match, remembered until a change at one of the levels that were asked.

A total is only kept when no transaction older than the newest change was still running: only then
does every later change raise the newest transaction id, which is what the memory is keyed by.
"""

from collections import OrderedDict

_KEPT = 4_096


class Totals:
    """Counts by (audience and filters); exact at all times."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[str, int]] = OrderedDict()

    def get(self, key: str, newest: str) -> int | None:
        found = self._known.get(key)
        if found is None or found[0] != newest:
            return None
        self._known.move_to_end(key)
        return found[1]

    def knows(self, key: str) -> bool:
        """Whether it was counted, be it before the newest change."""
        return key in self._known

    def keep(self, key: str, newest: str, total: int) -> None:
        self._known[key] = (newest, total)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)

    def forget(self) -> None:
        self._known.clear()


TOTALS = Totals()


def settled(newest: str | None, oldest_running: str) -> str | None:
    """The key under which a total may be kept; None while a writer older than the newest change is running,
    because its change would not raise the newest."""
    if newest is None:
        return "none"
    return newest if int(newest) < int(oldest_running) else None
