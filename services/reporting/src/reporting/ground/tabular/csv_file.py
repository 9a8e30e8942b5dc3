"""Tables as CSV, plain or with the HXL tag row (HXL 1.1), in UTF-8.

A byte order mark comes first, because Excel reads Spanish letters wrongly without one; HXL files
go to machines and have none.
"""

import io

from common.tables_io.cells import GuardedCsv

from reporting.ground.tabular.tables import Table


def as_csv(table: Table) -> bytes:
    """Machine names in the first row; decimals with a point, dates as YYYY-MM-DD."""
    return b"\xef\xbb\xbf" + _written(table, [[column.key for column in table.columns]])


def as_hxl(table: Table, language: str) -> bytes:
    """Labels for people in the first row, HXL tags in the second."""
    labels = [column.label[language] for column in table.columns]
    return _written(table, [labels, [column.hxl for column in table.columns]])


def _written(table: Table, headers: list[list[str]]) -> bytes:
    sheet = io.StringIO()
    writer = GuardedCsv(sheet)
    writer.rows(headers)
    writer.rows(table.rows)
    return sheet.getvalue().encode()
