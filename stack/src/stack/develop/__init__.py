"""What `./ruta check` runs beside ruff, mypy and the import contracts."""
