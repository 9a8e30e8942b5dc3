"""Messages to people outside Ruta, and their delivery by one relay and one SMS gateway."""
