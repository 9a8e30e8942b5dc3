"""Facts from events, stored so that late, repeated and reordered events give the same rows."""
