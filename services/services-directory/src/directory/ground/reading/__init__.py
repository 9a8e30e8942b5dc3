"""How stored documents are read and answered: statements, parameters, envelopes, the log of restricted
reads."""
