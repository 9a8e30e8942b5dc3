"""Plans one person's steps, in order, with the services that can help at each step."""
