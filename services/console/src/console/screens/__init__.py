"""Code that all screens share: requesting, checking and rendering a page."""
