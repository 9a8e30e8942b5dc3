"""The ground of the directory: the HSDS model, visibility, and how entries are read.

Contents: HSDS documents and their levels, access by callers, entries with ids and history, answers and limits of
reading, the API's own profile, demo data. It does not know services, searches or pathways. Begin with
`hsds/visibility.py` (what each level shows) and `access.py` (which level a caller reads).
"""
