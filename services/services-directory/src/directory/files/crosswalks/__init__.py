"""Crosswalks: which of our categories a publisher's own terms stand for, decided by a person."""
