"""Information-sharing protocols: which organisation pairs may refer across a border."""
