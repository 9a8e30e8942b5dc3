"""Pages and packages generated from the code: a typed client, and the pages about settings and alerts."""
