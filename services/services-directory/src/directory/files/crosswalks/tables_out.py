"""A crosswalk as a CSV table to fill in and import, with one line per term. Pure."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from common.errors import INVALID, FieldError
from common.tables_io.cells import GuardedCsv, unguarded
from common.words.details import Detail

from directory.files.crosswalks.suggestions import suggested
from directory.files.crosswalks.terms import Term, is_known, term_of

HEADER = ("taxonomy", "term", "name", "services", "categories", "suggested")
NONE_OF_OURS = "-"
MOST_LINES = 20_000
_MOST_ERRORS = 20


def written(rows: Iterable[Any]) -> str:
    """Write the table. An empty `categories` cell means undecided; `-` means none of ours. The `suggested` column is
    only for information."""
    out = io.StringIO()
    table = GuardedCsv(out)
    table.row(HEADER)
    for row in rows:
        chosen = "" if row.categories is None else ";".join(row.categories) or NONE_OF_OURS
        offered = "" if chosen else ";".join(each.category for each in suggested(row.name))
        table.row((row.taxonomy, row.term, row.name, row.services, chosen, offered))
    return out.getvalue()


def read(content: bytes) -> Mapping[Term, Sequence[str]]:
    """Return a table's decisions, skipping lines without one. For an unreadable line, raise 422 with the line and the
    remedy, and apply no decision."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise INVALID.because("save_table_as_csv_in_utf_8", pointer="/") from None
    separator = (
        ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    )
    lines = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    lacking = {"taxonomy", "name", "categories"} - set(lines.fieldnames or ())
    if lacking:
        raise INVALID.because(
            "first_line_lacks_column_export_crosswalk",
            min(lacking),
            pointer="/1",
        )
    found: dict[tuple[str, str], tuple[Term, list[str]]] = {}
    errors: list[FieldError] = []
    for row in _rows(lines):
        cell = unguarded((row["categories"] or "").strip())
        name = unguarded((row["name"] or "").strip())
        if not cell or not name:
            continue
        codes = [] if cell == NONE_OF_OURS else _codes(cell)
        errors += [
            FieldError.of(
                f"/{lines.line_num}", Detail.of("no_category_has_code", repr(code[:40])), "unknown"
            )
            for code in codes
            if not is_known(code)
        ]
        term = term_of(unguarded(row["taxonomy"] or ""), unguarded(row.get("term") or ""), name)
        before = found.setdefault(term.key, (term, codes))[1]
        if sorted(before) != sorted(codes):
            why = Detail("same_term_has_other_categories_above")
            errors.append(FieldError.of(f"/{lines.line_num}", why, "repeated"))
    if errors:
        raise INVALID.listing(errors[:_MOST_ERRORS])
    return dict(found.values())


def _rows(lines: "csv.DictReader[str]") -> Iterable[dict[str, str]]:
    try:
        for row in lines:
            if lines.line_num > MOST_LINES:
                raise INVALID.because("at_most_lines_at_once", MOST_LINES, pointer=f"/{MOST_LINES}")
            yield row
    except csv.Error as error:
        raise INVALID.because("is_no_csv", error, pointer=f"/{lines.line_num}") from None


def _codes(cell: str) -> list[str]:
    return list(dict.fromkeys(filter(None, (each.strip() for each in cell.split(";")))))
