"""The anonymous line: reports without an account, opened again only by their receipt."""
