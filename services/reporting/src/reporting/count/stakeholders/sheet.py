"""The stakeholder table as a file that users can edit and upload again. Pure. Each row contains the `version` of its
download, so that an old sheet cannot overwrite newer changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.tables_io.cells import is_formula, unguarded
from common.words.codelists import organisation_types, pathways
from common.words.languages import LANGUAGES
from common.words.places import Places, folded
from common.words.tables import rows as rows_of
from pydantic import ValidationError

from reporting.count.stakeholders.rules import flaws
from reporting.count.stakeholders.schemas import StakeholderBody
from reporting.ground.language import of_details, text
from reporting.ground.tabular.csv_reader import CellFlaw, UnreadableTableError, csv_rows
from reporting.ground.tabular.tables import Cell, Table, columns_of

MOST_ROWS = 2000
_YES, _NO = ("yes", "si", "true", "1", "x"), ("", "no", "false", "0")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A sheet row; `version` None means a new entry."""

    number: int
    version: int | None
    body: StakeholderBody


_COLUMNS = columns_of(__package__)
_HOW = {
    row["key"]: {language: row[f"how_{language}"] for language in LANGUAGES}
    for row in rows_of(__package__, "data/columns")
} | {
    name: {
        lang: separator.join(f"{c} ({codes.label(c, lang)})" for c in codes) for lang in LANGUAGES
    }
    for name, codes, separator in (
        ("type", organisation_types(), ", "),
        ("sectors", pathways(), "; "),
    )
}
_SOUGHT = frozenset(
    ["code", "type", "sectors", "mandate_es", "mandate_en", "does_es", "does_en", "source", "as_of"]
)


def table(entries: Iterable[tuple[int, StakeholderBody]]) -> Table:
    """Return a table of the entries with their versions."""
    return Table(
        "stakeholders",
        text("Actores", "Stakeholders"),
        _COLUMNS,
        [_cells(version, body) for version, body in entries],
    )


def _cells(version: int, body: StakeholderBody) -> tuple[Cell, ...]:
    contact = body.contact
    values: dict[str, Cell] = {
        "code": body.code,
        "version": str(version),
        "organisation_id": str(body.organisation_id) if body.organisation_id else None,
        "type": body.type,
        "sectors": "; ".join(body.sectors),
        "presence": "; ".join(body.presence or ()) or None,
        "email": contact.email if contact else None,
        "phone": contact.phone if contact else None,
        "url": contact.url if contact else None,
        "source": body.source,
        "as_of": body.as_of.isoformat(),
        "in_bulletin": "yes" if body.in_bulletin else "no",
    }
    told = {"name": body.name, "mandate": body.mandate, "does": body.does}
    told["function"] = contact.function if contact else None
    for field, each in told.items():
        for language in LANGUAGES:
            values[f"{field}_{language}"] = getattr(each, language) if each else None
    return tuple(values[column.key] for column in _COLUMNS)


def rows(content: bytes, places: Places) -> list[SheetRow]:
    """Return every row. Raise UnreadableTableError with all errors by row and column."""
    sheet = csv_rows(content)
    columns = _columns(sheet)
    found: list[CellFlaw] = []
    read: list[SheetRow] = []
    for number, cells in enumerate(sheet[1:], start=2):
        # A second header row contains the HXL tags of a download.
        if not any(cell.strip() for cell in cells) or cells[columns["code"]].startswith("#"):
            continue
        row = _row(number, cells, columns, places)
        if isinstance(row, list):
            found += row
        else:
            read.append(row)
    seen: dict[str, int] = {}
    for row in read:
        if row.body.code in seen:
            found.append(_flaw(row.number, "code"))
        seen.setdefault(row.body.code, row.number)
    if not read and not found:
        found.append(CellFlaw.of(0, "", "file_has_no_rows"))
    if len(read) > MOST_ROWS:
        found.append(CellFlaw.of(0, "", "more_than_rows", MOST_ROWS))
    if found:
        raise UnreadableTableError(sorted(found, key=lambda each: each.row))
    return read


def stale(row: SheetRow) -> CellFlaw:
    """Return the error for an entry that has changed since the download."""
    return _flaw(row.number, "version")


def _columns(sheet: Sequence[Sequence[str]]) -> dict[str, int]:
    labels = {
        folded(word): column.key
        for column in _COLUMNS
        for word in (column.key, *column.label.values())
    }
    heads = [labels.get(folded(cell)) for cell in sheet[0]] if sheet else []
    columns = {key: place for place, key in enumerate(heads) if key}
    lacking = sorted(_SOUGHT - set(columns))
    if lacking:
        raise UnreadableTableError(
            [CellFlaw.of(1, key, "this_column_is_missing") for key in lacking]
        )
    return columns


def _row(
    number: int, cells: Sequence[str], columns: Mapping[str, int], places: Places
) -> SheetRow | list[CellFlaw]:
    given = {
        key: cells[place].strip() if place < len(cells) else "" for key, place in columns.items()
    }
    formulas = [key for key, cell in given.items() if is_formula(cell) and key != "phone"]
    if formulas:
        return [CellFlaw.of(number, key, "is_formula_write_value") for key in formulas]
    given = {key: unguarded(cell) for key, cell in given.items()}
    version = given.get("version", "")
    if version and not (version.isdecimal() and len(version) < 9):
        return [_flaw(number, "version")]
    if folded(given.get("in_bulletin", "")) not in _YES + _NO:
        return [_flaw(number, "in_bulletin")]
    try:
        body = StakeholderBody.model_validate(_values(given))
    except ValidationError as error:
        return [_flaw(number, _column(each["loc"])) for each in error.errors()]
    wrong = flaws(body, places)
    if wrong:
        return [
            CellFlaw.of(number, each.field.replace("/", "_"), each.said.code, *each.said.params)
            for each in wrong
        ]
    return SheetRow(number, int(version) if version else None, body)


def _values(given: Mapping[str, str]) -> dict[str, Any]:
    def told(field: str) -> dict[str, str] | None:
        both = {lang: given.get(f"{field}_{lang}", "") for lang in LANGUAGES}
        return both if any(both.values()) else None

    def listed(key: str) -> list[str]:
        return [part.strip() for part in given.get(key, "").split(";") if part.strip()]

    function = told("function")
    channels = {key: given.get(key) or None for key in ("email", "phone", "url")}
    contact = {"function": function, **channels} if function or any(channels.values()) else None
    return {
        "code": given["code"],
        "organisation_id": given.get("organisation_id") or None,
        "name": told("name"),
        "type": given["type"],
        "sectors": listed("sectors"),
        "mandate": told("mandate"),
        "does": told("does"),
        "presence": listed("presence") or None,
        "contact": contact,
        "source": given["source"],
        "as_of": given["as_of"],
        "in_bulletin": folded(given.get("in_bulletin", "")) in _YES,
    }


def _column(place: Sequence[int | str]) -> str:
    """Return the column for a path in the body: `("contact", "function", "es")` is `function_es`."""
    names = [str(each) for each in place if not isinstance(each, int)]
    if names[0] == "contact":
        names = names[1:] or ["email"]
    if len(names) == 1 and f"{names[0]}_es" in _HOW:
        names.append("es")
    return "_".join(names[:2]) if "_".join(names[:2]) in _HOW else names[0]


def _flaw(number: int, column: str) -> CellFlaw:
    how = _HOW.get(column, {})
    return CellFlaw(
        number,
        column,
        how if how.get("en") else of_details("write_it_in_both_as_long_as_it_may_be"),
    )
