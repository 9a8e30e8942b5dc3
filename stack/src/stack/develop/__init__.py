"""Checks of `./ruta check`, besides ruff, mypy and the import contracts."""
