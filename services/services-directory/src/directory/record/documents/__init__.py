"""Documents of services: one ready document for each level, stored when anything in it changes."""
