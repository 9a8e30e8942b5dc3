"""HSDS data packages: CSV tables of version 3, and of version 2 and the Ohana API as far as they map. The tables are
staged on disk and joined there; services are read one at a time."""

from directory.files.imports.package.reader import open_package

__all__ = ["open_package"]
