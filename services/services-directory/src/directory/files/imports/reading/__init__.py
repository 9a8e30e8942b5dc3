"""From files to raw rows, one at a time: CSV, XLSX, GeoJSON, archives. Blocking; run in a thread."""
