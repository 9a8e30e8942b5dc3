"""Sign-ins: one row per time that a person signed in, with its code and its refresh tokens."""
