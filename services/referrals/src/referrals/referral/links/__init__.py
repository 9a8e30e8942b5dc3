"""Answer links: a recipient that is not on the platform responds once, before the link expires."""
