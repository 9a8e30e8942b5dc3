"""Browser sessions: sign-in, renewal, sign-out."""
