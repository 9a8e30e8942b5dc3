"""Sign-in of people: the authorization endpoint and its pages."""
