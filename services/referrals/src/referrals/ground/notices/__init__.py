"""Notices to organisations: ids and kinds; no name, no type of service or agency."""
