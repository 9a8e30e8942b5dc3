"""HSDS data packages: version 3 CSV tables, and those of version 2 and the Ohana API as far as they map. The tables are
staged on disk and joined there; services are read one at a time."""

from directory.files.imports.package.reader import open_package

__all__ = ["open_package"]
