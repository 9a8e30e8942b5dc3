"""How stored documents are read and sent: statements, parameters, envelopes, and the log of restricted reads."""
