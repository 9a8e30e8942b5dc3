"""Operation of a deployment: backup, restore, keys, service commands, releases."""
