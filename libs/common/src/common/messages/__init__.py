"""Messages to people outside Ruta, delivered through one mail relay and one SMS gateway."""
