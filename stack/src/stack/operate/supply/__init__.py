"""The bundle for a field office without internet: one signed file with everything that Ruta needs."""
