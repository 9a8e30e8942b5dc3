"""The transports to a person, behind one interface: handed over, or to be tried again."""
