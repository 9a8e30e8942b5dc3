"""External ids: the entries that ids in other people's files stand for."""
