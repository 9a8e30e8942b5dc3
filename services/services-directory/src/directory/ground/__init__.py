"""The ground of the directory: the HSDS model, who sees what, and how entries are read.

Contents: HSDS documents and their levels, the caller's sight, entries with ids and history, answers and limits of
reading, the profile of a question, demo data.

It does not know services, searches or pathways.
Begin with `hsds/visibility.py` (what each level shows) and `access.py` (which level a caller reads).
"""
