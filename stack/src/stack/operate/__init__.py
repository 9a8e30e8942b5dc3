"""Operation of a deployment: backup and restore, keys, commands of services, releases."""
