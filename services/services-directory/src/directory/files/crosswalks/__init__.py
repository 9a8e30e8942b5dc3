"""Crosswalks: a person decides which of our categories a publisher's terms mean."""
