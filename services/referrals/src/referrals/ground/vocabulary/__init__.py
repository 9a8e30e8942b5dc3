"""Words that every capability speaks: who may decide, what can be shared, places and codes. Pure."""
