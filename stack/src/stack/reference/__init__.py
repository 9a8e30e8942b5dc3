"""What is made from the code: a typed client, the pages of settings and alerts."""
