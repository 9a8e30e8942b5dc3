"""Notices to organisations: ids and kinds, but no name and no type of service or agency."""
