"""Bulletins: counted numbers, and the texts that people write beside them."""
