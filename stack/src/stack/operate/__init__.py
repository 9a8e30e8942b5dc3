"""What an operator does with a deployment: backup and restore, keys, commands of services, releases."""
