"""Terms used by every capability: who may decide, what can be shared, places and codes. Pure."""
