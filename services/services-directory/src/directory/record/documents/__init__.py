"""Service documents: one stored document per visibility level, updated when its content changes."""
