"""How stored documents are asked for and answered: the reader, parameters, envelopes, the log of
restricted reads."""
