"""Facts: what events say, kept so that late, repeated and reordered events end in the same rows."""
