"""Sign-in of people: the authorization endpoint, its page, and the grants that follow."""
