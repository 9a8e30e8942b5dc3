"""The rows of a package, from the first that is read to those that nobody took in. Memory stays small however
large the package is."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from operator import attrgetter
from pathlib import Path
from uuid import UUID

from directory.files.imports.outcomes.notes import Note, note
from directory.files.imports.package.fields import NESTED, tables
from directory.files.imports.package.in_memory import InMemory
from directory.files.imports.package.older import MADE, Row
from directory.files.imports.package.on_disk import OnDisk
from directory.files.imports.package.staged import ANY, Shape, Shapes, Staged, Store

_MOST_NOTES = 200
_AT_ONCE = 1_000
_PARENTS = 200
_MOST_NEAR = 20_000
_MOST_FOUND = 1_000
_MOST_HELD = 1_000
_MOST_IN_MEMORY = 44 * 2**20
"""Bytes: some 5,000 services with all that HSDS can say of them."""
_SEEN_WITH = ("id", "organization_id")
"""Rows that come with a service."""
MOST_CHILDREN = 501
"""One more than an object may have: a parent of millions is refused without being read."""
ENTRIES = ("organization", "location", "taxonomy", "taxonomy_term")
"""Tables whose rows are entries of the directory in their own right, beside services."""


Children = dict[str, list[Staged]]
_by_line = attrgetter("line", "key")


class Staging:
    """Rows wait in memory while there is room for them, else on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shapes = Shapes()
        held = InMemory(_MOST_IN_MEMORY)
        self._held: InMemory | None = held
        self._store: Store = held
        self._put = held.put
        self.has_dangling = True
        self.arrived: Callable[[list[Staged]], None] = lambda _: None
        """Told of rows that are read together, before anybody asks for one of them."""
        self._keys = 0
        self._near: set[str] = set()
        self._kept: dict[tuple[str, str], Children] = {}
        self._crowded: set[str] = set()
        self._leading: set[str] = set()
        """Tables on whose rows others hang."""
        # What many rows lead to is asked for once.
        self.find = lru_cache(maxsize=_MOST_FOUND)(self._find)
        self.holds = lru_cache(maxsize=_MOST_HELD)(self._holds)

    def close(self) -> None:
        self._store.close()

    @property
    def tables(self) -> set[str]:
        """Those that hold a row."""
        return self._shapes.tables

    def add(self, table: str, line: int, row: Row) -> None:
        self.put(self._shapes.of(table, row), line, tuple(row.values()))

    def shape_of(self, table: str, row: Row) -> Shape:
        return self._shapes.of(table, row)

    def put(self, shape: Shape, line: int, cells: tuple[str, ...]) -> None:
        """Adds a row as its cells, for who knows its shape."""
        self._keys += 1
        self._put(shape, line, cells)
        if self._held is not None and self._held.is_full:
            self._move()

    def _move(self) -> None:
        held, self._held = self._held, None
        self._store = store = OnDisk(self._folder, self._shapes)
        self._put = store.put
        for shape, line, cells in held.taken_out() if held is not None else ():
            store.put(shape, line, cells)

    def add_to(self, table: str, row_id: str, addition: Row) -> None:
        """Put fields into a row that is there already."""
        found = self.find(table, row_id)
        if found is None:
            return
        made = ",".join((found.row.get(MADE, ""), *(addition.keys() - found.row.keys())))
        merged = {**addition, **found.row, MADE: made}
        self._store.replace(table, row_id, self._shapes.of(table, merged), tuple(merged.values()))
        self.find.cache_clear()

    def index(self) -> None:
        """After the last row: indexes, then each row keeps its most exact link that leads
        somewhere."""
        while (joined := self._store.join(MOST_CHILDREN)) is None:  # there is no room for it
            self._move()
        self.has_dangling, self._crowded, self._leading = joined

    def dangling(self) -> list[Note]:
        """Links of child rows that lead nowhere; services are judged with their own rows."""
        notes = [
            note("link_dangling", f"{tables()[gap.table].file}:{gap.line} {gap.field}", gap.given)
            for gap in self._store.gaps(_MOST_NOTES)
        ]
        total = self._store.count_gaps()
        if total > _MOST_NOTES:
            notes.append(note("more_notes", before=total - _MOST_NOTES))
        return notes

    def unused(self) -> list[Note]:
        """Locations that neither a service nor an organisation leads to."""
        count = sum(
            "organization_id" not in each.row and not self.is_a_site(each.row["id"])
            for each in self._store.in_order("location")
        )
        return [note("unused_rows", tables()["location"].file, count)] if count else []

    def services(self) -> Iterator[Staged]:
        """In the order of the file."""
        rows = iter(self._store.in_order("service"))
        while some := list(islice(rows, _PARENTS)):
            self.arrived(some)
            self._bring_near_all(some)
            yield from some

    def organizations(self) -> Iterator[tuple[Staged, bool]]:
        """With whether a service here is theirs."""
        rows = iter(self._store.in_order("organization"))
        while some := list(islice(rows, _PARENTS)):
            self._bring_near([staged.row["id"] for staged in some])
            for staged in some:
                given = staged.row["id"]
                yield (
                    staged,
                    any(
                        self._store.names("organization_id", table, given)
                        for table in ("service", "location")
                    ),
                )

    def _bring_near_all(self, services: Iterable[Staged]) -> None:
        self._bring_near(
            [each.row[name] for each in services for name in _SEEN_WITH if name in each.row]
        )

    def _bring_near(self, parents: Iterable[str]) -> None:
        """Read all that hangs on these rows, and on what hangs on them, and so on, by a few questions
        instead of one for each. Memory stays small: of more than `_MOST_NEAR` rows, and of a row
        with a crowd of others, each is asked for when its turn comes."""
        self._near.clear()
        self._kept.clear()
        asked = {parent for parent in parents if parent not in self._crowded}
        room = _MOST_NEAR
        while asked:
            found = self._store.hanging_on(asked, room)
            if found is None:
                return
            room -= len(found)
            self._near |= asked
            asked = set()
            arrived = []
            for parent, parent_id, child in found:
                arrived.append(child)
                table = child.table
                children = self._kept.setdefault((parent, parent_id), {})
                children.setdefault(table, []).append(child)
                if table in self._leading:
                    asked.add(child.row["id"])
                if table == "service_at_location" and (place := child.row.get("location_id")):
                    asked.add(place)
            asked -= self._near | self._crowded
            self.arrived(arrived)
        for some in (each for children in self._kept.values() for each in children.values()):
            if len(some) > 1:
                some.sort(key=_by_line)

    def children_of(self, parent: str, parent_id: str) -> Children:
        """What hangs on a row, by table."""
        if parent not in self._leading:
            return {}
        if parent_id in self._near:
            own, any_of = self._kept.get((parent, parent_id)), self._kept.get((ANY, parent_id))
            return {**own, **any_of} if own and any_of else own or any_of or {}
        kinds = (*NESTED.get(parent, {}).values(), "attribute", "metadata")
        return {
            table: found
            for table in kinds
            if table in self.tables and (found := self.children(table, parent, parent_id))
        }

    def some_services(self, most: int) -> list[Staged]:
        """At most so many, from all over the file."""
        apart = max(1, -(-self._store.count("service") // most))
        some = list(islice(self._store.in_order("service"), None, None, apart))
        self._bring_near_all(some)
        return some

    def uuids(self) -> dict[str, dict[UUID, str]]:
        """The UUIDs of what services have beside themselves, with the names given."""
        found: dict[str, dict[UUID, str]] = {}
        for table in ENTRIES:
            ids = found[table] = {}
            for each in self._store.in_order(table):
                with suppress(ValueError):
                    ids[UUID(each.row["id"])] = each.row.get("name", "")
        return found

    def _find(self, table: str, row_id: str) -> Staged | None:
        """The first row with that id."""
        return self._store.first(table, row_id)

    def children(self, table: str, parent: str, parent_id: str) -> list[Staged]:
        return self._store.children(table, parent, parent_id, MOST_CHILDREN)

    def dangles(self, table: str, line: int, field: str) -> bool:
        """Whether this link of a child row leads nowhere."""
        return self.has_dangling and field in self._store.gaps_of(table, line)

    def _holds(self, table: str, row_id: str) -> bool:
        return self._store.holds(table, row_id)

    def others(self, not_taken: Callable[[int], Iterator[int]]) -> Iterator[Staged]:
        """Rows that nobody took in. `link`: one of theirs that leads nowhere."""
        left = not_taken(self._keys)
        while keys := list(islice(left, _AT_ONCE)):
            for staged in self._store.numbered(keys):
                gaps = self._store.gaps_of(staged.table, staged.line) if self.has_dangling else ()
                staged.link = gaps[0] if gaps else ""
                yield staged

    def is_a_site(self, location_id: str) -> bool:
        """Whether some service is given at this location."""
        return self._store.names("location_id", "service_at_location", location_id)
