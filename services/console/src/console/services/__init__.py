"""Own services and their capacity."""
