"""The ways to a person, behind one interface: what was handed over, what is to be tried again."""
