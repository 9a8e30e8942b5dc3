"""Information-sharing protocols: which pairs may refer across a border."""
