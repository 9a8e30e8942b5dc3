"""Emergency reading of another organisation's case. It needs a reason and a second person, sends a notice, and lasts
one hour."""
