"""API descriptions of releases, and checks for changes that break clients."""
