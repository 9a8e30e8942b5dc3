"""Emergency reading of another organisation's case: with a reason, a second person and a notice, for one hour."""
