"""Protection of counts, and the intervals of published counts. Pure."""
