"""Pathways: the services that can help a person, their order, and the places without help.

Contents: definition (steps and conditions), versions, matching (in time, within reach), planning, endorsing, gaps. An
unknown fact removes no step. Profiles are not stored. Begin with `planning/resolution.py` and `matching/reach.py`.
"""
