"""Answer links: a recipient that is not on the platform answers once, before the link expires."""
