"""Counting: facts from events, and partners' own reports.

Contents: facts, indicators, trafficking, caseload, activities, context (outside series), milestones, stakeholders. It
contains pseudonyms and codes, never a name, and publishes nothing. Begin with `facts/progress.py` and
`activities/indicators.py`.
"""
