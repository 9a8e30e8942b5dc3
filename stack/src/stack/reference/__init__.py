"""Pages and packages generated from the code: a typed client, and the pages of settings and alerts."""
