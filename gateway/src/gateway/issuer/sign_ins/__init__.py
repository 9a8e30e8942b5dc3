"""Sign-ins: one row for each, with its authorization code and its refresh tokens."""
