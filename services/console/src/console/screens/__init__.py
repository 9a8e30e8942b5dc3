"""How every page is requested, checked and rendered: the common part of all screens."""
