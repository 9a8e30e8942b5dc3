"""Bulletins: computed figures, and the texts that people write for them."""
