"""Operation of a deployment: backups, restores, keys, service commands, releases."""
