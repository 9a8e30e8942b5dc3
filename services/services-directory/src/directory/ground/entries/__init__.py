"""The common parts of all records: ids, states, history and the result of a write."""
