"""The meeting pack: a period's figures, gaps, late organisations and decisions, on one printable page."""
