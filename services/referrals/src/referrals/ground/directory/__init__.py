"""What this service knows of the directory, from its events only."""
