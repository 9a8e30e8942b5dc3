"""What the front answers itself."""
