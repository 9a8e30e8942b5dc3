"""Subscribers of bulletins by mail: a sealed address, a language, and nothing else."""
