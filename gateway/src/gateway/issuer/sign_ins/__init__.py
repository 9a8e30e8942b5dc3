"""Sign-ins: one row for each, with its code and its refresh tokens."""
