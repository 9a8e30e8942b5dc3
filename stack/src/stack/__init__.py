"""The embedded stack and the `ruta` command line."""
