"""What this directory is, for whoever reads its API description."""
