"""How much may be asked, by whom and at once."""
