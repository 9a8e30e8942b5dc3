"""Checks of `./ruta check` beside ruff, mypy and the import contracts."""
