"""The common parts of all records: ids, states, history and the write result."""
