"""Opens a package (zip of CSV tables), stages its tables and yields its services one by one."""

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast
from zipfile import ZipFile

from directory.files.imports.errors import HEADERS_MISSING, TOO_MANY_LINES, UNREADABLE_FILE
from directory.files.imports.options import Options
from directory.files.imports.outcomes.fidelity import Fate, Fidelity, Outcome
from directory.files.imports.outcomes.mapped import Mapped
from directory.files.imports.outcomes.notes import Note, note
from directory.files.imports.package.assembly import Assembly
from directory.files.imports.package.fields import NESTED, tables
from directory.files.imports.package.older import (
    FILE,
    LOST,
    is_older,
    left_out,
    modern,
    said,
    table_of,
)
from directory.files.imports.package.staging import Staging
from directory.files.imports.publishers.space import Space
from directory.files.imports.reading.archive import archive
from directory.files.imports.reading.delimited import read_cells
from directory.files.imports.source import SAMPLE, Source

DEFAULT_VISIBILITY = "partners"
_PIECE = 1 << 20
_LISTED_AS = {
    table: frozenset(name for name, kind in NESTED["service"].items() if kind == table)
    for table in NESTED["service"].values()
} | {"attribute": frozenset({"attributes"}), "metadata": frozenset({"metadata"})}
"""The names under which a service contains the rows of a table."""


@contextmanager
def open_package(path: Path, options: Options) -> Iterator[Source]:
    """Open a package. Staging happens here; `rows` then reads the staged tables."""
    with tempfile.TemporaryDirectory(prefix="ruta-package-") as folder:
        staging = Staging(Path(folder))
        try:
            with archive(path) as opened:
                _check_lines(opened, options.most_lines)
                fidelity = Fidelity()
                notes, of_services = _stage(opened, staging, fidelity)
            visibility = options.visibility or DEFAULT_VISIBILITY
            if options.visibility is not None:
                of_services |= {"visibility"}
            else:
                notes.append(note("visibility_assumed", after=visibility))
            source = Source(iter(()), notes, Space(options.source), fidelity=fidelity)
            source.left_behind = lambda: _left_behind(staging, fidelity)
            source.rows = _services(staging, source, visibility, of_services)
            source.ids = staging.uuids
            source.holds = lambda given: staging.holds("service", given)
            source.sampled = lambda: _sample(staging, source, visibility)
            yield source
        finally:
            staging.close()


def check_package(path: Path, most_lines: int) -> None:
    """Raise 422 unless it is a safe archive with one table of services and not too many lines."""
    with archive(path) as opened:
        _check_lines(opened, most_lines)
        tables = [name for name in _tables_in(opened) if table_of(name, ()) == "service"]
        if not tables:
            raise HEADERS_MISSING.because("package_has_no_services_csv")
        if len(tables) > 1:
            raise UNREADABLE_FILE.because(
                "package_has_more_than_one_table_of", ", ".join(tables[:5])
            )


def rows_in(path: Path, most_lines: int) -> int:
    """Count the organisations and services without storing any. Raises the errors of any table."""
    found = 0
    check_package(path, most_lines)
    with archive(path) as opened:
        for name in _tables_in(opened):
            with opened.open(name) as content:
                rows = read_cells(_buffered(content))
                _, header, _ = next(rows, (0, [], False))
                table = table_of(name, (cell.strip().lower() for cell in header))
                held = sum(1 for _, cells, _ in rows if "".join(cells).strip())
                found += held if table in ("organization", "service") else 0
    return found


def _buffered(content: Any) -> BufferedReader:
    return BufferedReader(cast("Any", content), _PIECE)


def _tables_in(opened: ZipFile) -> list[str]:
    names = sorted(opened.namelist())
    return [name for name in names if name.lower().endswith(".csv") and "__MACOSX" not in name]


def _check_lines(opened: ZipFile, most: int) -> None:
    """Count lines while unpacking in pieces, before any of it is stored."""
    lines = 0
    for name in _tables_in(opened):
        with opened.open(name) as content:
            while piece := content.read(_PIECE):
                lines += piece.count(b"\n")
                if lines > most:
                    raise TOO_MANY_LINES.because(
                        "tables_of_package_may_have_lines_together", f"{most:,}", name
                    )


def _sample(staging: Staging, source: Source, visibility: str) -> list[Mapped]:
    assembly = Assembly(staging, source.space, visibility)
    return [assembly.service(staged) for staged in staging.some_services(SAMPLE)]


def _services(
    staging: Staging, source: Source, visibility: str, of_services: frozenset[str]
) -> Iterator[Mapped]:
    assembly = Assembly(staging, source.space, visibility, of_services)
    known: set[str] = set()
    for staged, serves in staging.organizations():
        if staged.row["id"] not in known:
            yield assembly.organization(staged, alone=not serves)
        known.add(staged.row["id"])
    seen: dict[str, int] = {}
    for staged in staging.services():
        mapped = assembly.service(staged)
        key = staged.row["id"]
        if key in seen:
            mapped.notes.append(note("duplicate_id", "services.csv id", key, seen[key]))
        seen.setdefault(key, staged.line)
        yield mapped


def _left_behind(staging: Staging, fidelity: Fidelity) -> None:
    """Count the values of rows that no service used."""
    for staged in staging.others(fidelity.has):
        reason = "link_dangling" if staged.link else "left_behind"
        if staged.table == "meta_table_description":
            reason = "describes_package"
        file = tables()[staged.table].file
        lost = {name: Fate(file, name, Outcome.LEFT_OUT, reason) for name in staged.cells}
        for fate in staged.named(lost).values():
            fidelity.count(fate)


def _stage(
    opened: ZipFile, staging: Staging, fidelity: Fidelity
) -> tuple[list[Note], frozenset[str]]:
    """Stage the tables; return notes on the package, and the service fields for which it has columns."""
    notes: list[Note] = []
    names: set[str] = set()
    found: set[str] = set()
    additions: list[tuple[str, dict[str, str], dict[str, str]]] = []
    for name in _tables_in(opened):
        with opened.open(name) as content:
            table = _stage_table(
                _buffered(content),
                name,
                staging,
                notes,
                additions,
                names,
                fidelity,
            )
        if table is None:
            notes.append(note("table_skipped", before=name))
        else:
            found.add(table)
    if "service" not in found:
        raise HEADERS_MISSING.because("package_has_no_services_csv")
    staging.index()
    for file, given, row in additions:
        lost = staging.add_to("service", row.pop("id"), row)
        _count_merged(fidelity, file, given, lost)
    older = any(is_older(table) for table in found)
    notes.insert(0, note("version_read", after="HSDS 2.x / Ohana" if older else "HSDS 3.x"))
    notes.extend(staging.dangling())
    notes.extend(staging.unused())
    return notes, frozenset(names)


def _count(fidelity: Fidelity, file: str, names: Iterable[str], reason: str) -> None:
    for name in filter(None, names):
        fidelity.count(Fate(file, name, Outcome.LEFT_OUT, reason))


def _count_merged(fidelity: Fidelity, file: str, given: Mapping[str, str], lost: str) -> None:
    """Count the values of a row that was merged into its service; `lost`: the reason if it was dropped."""
    for name in (name for name, value in given.items() if value):
        if lost:
            fidelity.count(Fate(file, name, Outcome.LEFT_OUT, lost))
        elif name == "eligibility":
            fidelity.count(Fate(file, name))
        else:
            fidelity.count(Fate(file, name, Outcome.CHANGED, "row_merged"))


_Rows = Iterator[tuple[int, list[str], bool]]


def _count_unread(name: str, header: list[str], rows: _Rows, fidelity: Fidelity) -> None:
    for _, cells, _ in rows:
        for key, cell in zip(header, cells, strict=False):
            if cell.strip():
                fidelity.count(Fate(name, key, Outcome.LEFT_OUT, "table_skipped"))


def _stage_table(
    content: BinaryIO,
    name: str,
    staging: Staging,
    notes: list[Note],
    additions: list[tuple[str, dict[str, str], dict[str, str]]],
    names: set[str],
    fidelity: Fidelity,
) -> str | None:
    rows = read_cells(content)
    _, first, _ = next(rows, (0, [], False))
    header = [cell.strip().lower() for cell in first]
    table = table_of(name, header)
    if table is None:
        _count_unread(name, header, rows, fidelity)
        return None
    names |= said(table, header)
    unknown: set[str] = set()
    seen: defaultdict[str, set[str]] = defaultdict(set)
    placeless = [key for key in header if left_out(table, key)]
    for number, cells, _ in rows:
        given = dict(zip(header, map(str.strip, cells), strict=False))
        given.pop("", None)
        if not any(given.values()):
            continue
        if without_place := {key for key in placeless if given.get(key)}:
            unknown |= without_place
            _count(fidelity, name, without_place, "field_no_place")
        for placed, modern_row in modern(table, given, number):
            if placed == "service:addition":
                additions.append((name, given, modern_row))
                continue
            if LOST in modern_row:
                _count(fidelity, name, modern_row.pop(LOST).split(","), "values_disagree")
            if name != tables()[placed].file:
                modern_row[FILE] = name
            staging.add(placed, number, modern_row)
            seen[placed].update(modern_row)
    for placed, fields in seen.items():
        unknown |= {each for each in fields if each[0] != "~"} - tables()[placed].by_name.keys()
        names |= _LISTED_AS.get(placed, frozenset())
    notes.extend(note("field_unknown", f"{name} {field}") for field in sorted(unknown))
    return table
