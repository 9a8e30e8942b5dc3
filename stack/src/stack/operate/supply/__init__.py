"""The bundle for a field office without internet: one signed file that holds all that runs Ruta."""
