"""The organisation's own services and their capacity."""
