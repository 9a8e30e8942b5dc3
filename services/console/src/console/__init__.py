"""Pages for the people who work with Ruta. It calls the API as whoever looks, and keeps nothing."""
