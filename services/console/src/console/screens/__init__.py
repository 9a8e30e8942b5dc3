"""How every page is asked for, checked and drawn: what all screens have in common."""
