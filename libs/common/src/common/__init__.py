"""Code that every Ruta service shares: settings, database, events, auth, errors, telemetry."""
