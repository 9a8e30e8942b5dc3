"""The protection package: closes each period once, and answers queries from the closed data.

Contents: releases (one joint table per population, rounded once, with intervals), closings (who closed, signed and
published). A closed release never changes, and nothing in it can be traced back to a person. Begin with
`releases/service.py`.
"""
