"""HSDS data packages: CSV tables of version 3, of version 2 and of the Ohana API, as far as they
map. The tables are staged on disk, joined there, and come out as one service at a time."""

from directory.files.imports.package.reading import open_package

__all__ = ["open_package"]
