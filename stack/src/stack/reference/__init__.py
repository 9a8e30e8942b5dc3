"""Pages and clients made from the code: a typed client, the pages of settings and alerts."""
