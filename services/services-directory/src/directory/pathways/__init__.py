"""Pathways: which services can help a person, in which order, and where nobody can.

Contents: definition (steps and conditions), versions, matching (in time, in reach), planning, endorsing, gaps.

A fact that is unknown removes no step. A profile is not stored.
Begin with `planning/resolution.py` and `matching/reach.py`.
"""
