"""Code that every Ruta service shares: settings, database, events, auth, errors, telemetry."""

EMBEDDED_MARK = "embedded-only-"
"""Marks each secret of the embedded stack. It is defined here, so that the supervisor does not load the settings
library."""
