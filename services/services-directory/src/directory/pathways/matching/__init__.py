"""Which services fit a need of a person: read, judged, ranked."""
