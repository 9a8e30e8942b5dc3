"""Everything that was withdrawn, in the one list that the front reads."""
