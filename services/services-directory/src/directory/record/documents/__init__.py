"""What is shown of services: ready documents of each level, stored when anything of them changes."""
