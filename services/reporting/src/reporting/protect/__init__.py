"""Protecting: closing a period once, and answering questions from what was closed.

Contents: releases (one joint table per population, rounded once, with intervals), closings (who closed,
signed and published).

A closed release never changes, and nothing in it leads back to a person.
Begin with `releases/service.py`.
"""
