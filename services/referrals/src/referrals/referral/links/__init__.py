"""A recipient that is not on the platform answers once, through a link that expires."""
