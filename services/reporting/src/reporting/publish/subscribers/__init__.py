"""E-mail subscribers of bulletins: a sealed address and a language, nothing else."""
