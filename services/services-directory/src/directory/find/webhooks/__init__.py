"""Calls a partner's system when the directory changed. A call names no entry; the system then reads `sync/changes`."""
