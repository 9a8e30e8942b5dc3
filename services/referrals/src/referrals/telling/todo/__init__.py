"""The tasks that the rules assign to an organisation: listing them and marking them as done."""
