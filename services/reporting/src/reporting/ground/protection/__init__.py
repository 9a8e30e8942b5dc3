"""Protection of counts, and the intervals of published counts: pure."""
