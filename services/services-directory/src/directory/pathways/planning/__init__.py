"""The steps of one person's plan, in order, with who can help at each."""
