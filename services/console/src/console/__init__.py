"""Pages for the people who work with Ruta. The console calls the API on behalf of its visitor and stores nothing."""
