"""Bulletins: what the machine counted, and what people say beside it."""
