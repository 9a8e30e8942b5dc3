"""Errors that reject a whole file before any row is read. Rows have notes instead."""

from common.errors import PROBLEMS

UNREADABLE_FILE = PROBLEMS["unreadable_file"]
ARCHIVE_REFUSED = PROBLEMS["archive_refused"]
UNKNOWN_FORMAT = PROBLEMS["unknown_format"]
HEADERS_MISSING = PROBLEMS["headers_missing"]
EMPTY_FILE = PROBLEMS["empty_file"]
TOO_MANY_LINES = PROBLEMS["too_many_lines"]
PACKAGE_SHRUNK = PROBLEMS["package_shrunk"]
IMPORT_REFUSED = PROBLEMS["import_refused"]
