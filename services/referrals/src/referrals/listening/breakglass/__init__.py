"""Emergency reading of another organisation's case: a reason, a second person, a notice, one hour."""
