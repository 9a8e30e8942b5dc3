"""How every page is requested, checked and rendered: the code that all screens share."""
