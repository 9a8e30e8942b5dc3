"""Code that every Ruta service shares: settings, database, events, auth, errors, telemetry."""

EMBEDDED_MARK = "embedded-only-"
"""Each secret of the embedded stack carries it. It stands here so that the supervisor loads no library of settings."""
