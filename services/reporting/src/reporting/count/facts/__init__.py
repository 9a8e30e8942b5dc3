"""Facts from events, stored so that late, repeated and reordered events produce the same rows."""
