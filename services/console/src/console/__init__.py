"""Pages for the people who work with Ruta. The console calls the API as its visitor and stores nothing."""
