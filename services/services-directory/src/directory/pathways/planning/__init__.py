"""Plans the steps of one person, in order, with the services that can help at each step."""
