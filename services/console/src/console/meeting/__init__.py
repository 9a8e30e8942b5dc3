"""The meeting pack: figures, gaps, late organisations and decisions of a period on one page to print."""
