"""Reads raw rows from files, one at a time: CSV, XLSX, GeoJSON, archives. Blocking; run in a thread."""
