"""Pathways: which services can help a person, in which order, and where nobody can."""
