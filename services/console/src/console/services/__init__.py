"""Own services: their capacity."""
