"""Places: one that several services share is kept once."""
