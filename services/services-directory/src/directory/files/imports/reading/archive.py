"""Opens archives (zip, XLSX) that senders uploaded. A broken archive or a zip bomb is refused with 422."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.tables_io import archives

from directory.files.imports.errors import ARCHIVE_REFUSED, UNREADABLE_FILE


@contextmanager
def archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Check the archive's directory, and yield the opened archive."""
    try:
        with archives.archive(str(path)) as opened:
            yield opened
    except archives.UnreadableArchiveError as error:
        raise UNREADABLE_FILE.because(error.said) from error
    except archives.UnsafeArchiveError as error:
        raise ARCHIVE_REFUSED.because(error.said) from error
