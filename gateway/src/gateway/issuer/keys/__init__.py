"""Keys that sign access tokens, and the documents that publish them."""
