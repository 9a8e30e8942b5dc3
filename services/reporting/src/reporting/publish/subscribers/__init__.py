"""Subscribers of bulletins by mail: a sealed address and a language, nothing else."""
