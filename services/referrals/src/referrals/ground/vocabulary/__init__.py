"""Terms that every capability uses: who may decide, what can be shared, places and codes. Pure."""
