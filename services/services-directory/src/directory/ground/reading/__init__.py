"""How stored documents are read and sent: statements, parameters, envelopes, the log of restricted reads."""
