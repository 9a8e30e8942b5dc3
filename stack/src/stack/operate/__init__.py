"""Operation of a deployment: backup, restore, keys, services' commands, releases."""
