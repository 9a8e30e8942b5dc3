"""Opens a package (a zip of CSV tables or JSON, or a JSON file), stages it and yields its services one by one."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from zipfile import is_zipfile

from directory.files.imports.errors import HEADERS_MISSING, TOO_MANY_LINES, UNREADABLE_FILE
from directory.files.imports.options import Options
from directory.files.imports.outcomes.fidelity import Fate, Fidelity, Outcome
from directory.files.imports.outcomes.mapped import Mapped
from directory.files.imports.outcomes.notes import Note, note
from directory.files.imports.package import nested
from directory.files.imports.package.assembly import Assembly
from directory.files.imports.package.fields import tables
from directory.files.imports.package.loader import JSON, PIECE, Filling, buffered, tables_in
from directory.files.imports.package.older import FILE, is_older, table_of
from directory.files.imports.package.staging import Staging
from directory.files.imports.publishers.space import Space
from directory.files.imports.reading.archive import archive
from directory.files.imports.reading.delimited import read_cells
from directory.files.imports.source import SAMPLE, Source

DEFAULT_VISIBILITY = "partners"


@contextmanager
def open_package(path: Path, options: Options) -> Iterator[Source]:
    """Open a package. This stages the tables; `rows` then reads the staged tables."""
    with tempfile.TemporaryDirectory(prefix="ruta-package-") as folder:
        staging = Staging(Path(folder))
        try:
            _check_lines(path, options.most_lines)
            fidelity = Fidelity()
            notes, of_services = _stage(path, staging, fidelity, options.most_lines)
            visibility = options.visibility or DEFAULT_VISIBILITY
            if options.visibility is not None:
                of_services |= {"visibility"}
            else:
                notes.append(note("visibility_assumed", after=visibility))
            source = Source(iter(()), notes, Space(options.source), fidelity=fidelity)
            source.left_behind = lambda: _left_behind(staging, fidelity)
            source.rows = _services(staging, source, visibility, of_services)
            source.ids = staging.uuids
            source.whole = is_zipfile(path)
            source.expected = staging.count_services
            source.holds = lambda given: staging.holds("service", given)
            source.sampled = lambda: _sample(staging, source, visibility)
            yield source
        finally:
            staging.close()


def check_package(path: Path, most_lines: int) -> None:
    """Raise 422 unless the file is a safe archive with one table of services and not too many lines, or JSON."""
    _check_lines(path, most_lines)
    names = [name for name, _ in _contents(path)]
    if all(name.lower().endswith(JSON) for name in names):
        return
    tables = [name for name in names if table_of(name, ()) == "service"]
    if not tables:
        raise HEADERS_MISSING.because("package_has_no_services_csv")
    if len(tables) > 1:
        raise UNREADABLE_FILE.because("package_has_more_than_one_table_of", ", ".join(tables[:5]))


def rows_in(path: Path, most_lines: int) -> int:
    """Count the organisations and services without storing them. Raise the errors of any table."""
    found = 0
    check_package(path, most_lines)
    for name, content in _contents(path):
        if name.lower().endswith(JSON):
            rows = nested.rows_in(content, name)
            ids = {(row.kind, row.given["id"]) for row in rows}
            found += sum(1 for kind, _ in ids if kind in ("organization", "service"))
        else:
            cells = read_cells(content)
            _, header, _ = next(cells, (0, [], False))
            table = table_of(name, (cell.strip().lower() for cell in header))
            held = sum(1 for _, each, _ in cells if "".join(each).strip())
            found += held if table in ("organization", "service") else 0
    return found


def _contents(path: Path) -> Iterator[tuple[str, BinaryIO]]:
    """Yield each file in a package with its name; a bare JSON file is a package with one file."""
    if not is_zipfile(path):
        with path.open("rb") as content:
            yield "upload.json", content
        return
    with archive(path) as opened:
        for name in tables_in(opened):
            with opened.open(name) as content:
                yield name, buffered(content)


def _check_lines(path: Path, most: int) -> None:
    """Count lines while unpacking in pieces, before anything is stored."""
    lines = 0
    for name, content in _contents(path):
        while piece := content.read(PIECE):
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
            file = staged.row.get(FILE, "services.csv")
            mapped.notes.append(note("duplicate_id", f"{file} id", key, seen[key]))
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
    path: Path, staging: Staging, fidelity: Fidelity, most: int
) -> tuple[list[Note], frozenset[str]]:
    """Stage the tables. Return notes on the package, and the service fields for which it has columns."""
    filling = Filling(staging, fidelity, most)
    names = []
    for name, content in _contents(path):
        names.append(name)
        filling.take(name, content)
    if "service" not in filling.found:
        tables = any(table.lower().endswith(".csv") for table in names)
        raise HEADERS_MISSING.because(
            "package_has_no_services_csv" if tables else "json_has_no_services"
        )
    filling.finish()
    older = any(is_older(table) for table in filling.found)
    version = note("version_read", after="HSDS 2.x / Ohana" if older else "HSDS 3.x")
    notes = [version, *filling.notes, *staging.dangling(), *staging.unused()]
    return notes, frozenset(filling.names)
