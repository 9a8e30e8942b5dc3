"""The front's own pages for people, in each language."""
