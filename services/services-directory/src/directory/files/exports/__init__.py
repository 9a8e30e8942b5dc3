"""Writes services to files: HSDS data package, workbook, CSV, HXL list, GeoJSON. A file contains only entries and
details that the caller may see."""
