"""Why a whole file is turned away before any row is read. Rows have notes instead."""

from common.errors import ProblemType

UNREADABLE_FILE = ProblemType(
    "unreadable_file",
    422,
    "The file cannot be read",
    "Save it again as XLSX, CSV in UTF-8, GeoJSON or a zip of CSV tables.",
)
ARCHIVE_REFUSED = ProblemType(
    "archive_refused",
    422,
    "The archive is not safe to open",
    "Send the tables of one data package, not compressed beyond what text normally allows.",
)
UNKNOWN_FORMAT = ProblemType(
    "unknown_format",
    415,
    "The format is not known",
    "Send a workbook, CSV, GeoJSON, HXL list or HSDS data package, or name it with ?format=.",
)
HEADERS_MISSING = ProblemType(
    "headers_missing",
    422,
    "The column headers were not found",
    "Use the headers of the template: GET /directory/v1/imports/template.",
)
EMPTY_FILE = ProblemType("empty_file", 422, "The file has no rows")
TOO_MANY_LINES = ProblemType(
    "too_many_lines",
    422,
    "The tables of the package have too many lines",
    "Send it in parts, each with whole services and what belongs to them.",
)
PACKAGE_SHRUNK = ProblemType(
    "package_shrunk",
    422,
    "Many entries of this publisher are missing from this file",
    "See which entries with ?dry_run=true; if the file is whole, send it again with ?shrunk=true."
    " They stay as they are unless ?vanished= says otherwise.",
)
IMPORT_REFUSED = ProblemType(
    "import_refused",
    422,
    "Nothing was imported",
    "Repair the rows that the report refuses, or import the others with ?mode=skip-bad.",
)
